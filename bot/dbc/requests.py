"""What is asked for in the operations that take many values: create, modify, bare metal.

Numbers are numbers here and become the strings that DBC wants on the way out.
"""

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, SecretStr, model_validator

from bot.dbc import fields, firewall
from bot.dbc.errors import InvalidField
from bot.dbc.fields import checked
from bot.dbc.inputs import Count, Input, Port, Positive, VncPort
from bot.reply import say

Additional = Mapping[str, object]

CustomPort = Annotated[str, checked(firewall.custom_port)]
Multicast = Annotated[str, checked(firewall.multicast)]
NetworkFilter = Annotated[str, checked(firewall.network_filter)]
PublicIp = Annotated[str, checked(fields.ipv4)]
Echoed = Annotated[str, checked(fields.echoed)]

_SYSTEMS = {"ubuntu": "linux", "win": "windows"}


def _system(value: object) -> object:
    word = value.strip().lower() if isinstance(value, str) else value
    return _SYSTEMS.get(word, word) if isinstance(word, str) else word


OperatingSystem = Annotated[Literal["linux", "windows"], BeforeValidator(_system)]


def _texts(values: Mapping[str, object]) -> dict[str, object]:
    """The fields that are given, numbers as strings: of another type, DBC ignores them (§8.13)."""
    return {
        name: str(value) if isinstance(value, int) else value
        for name, value in values.items()
        if value is not None
    }


class CreateSpec(Input):
    """A machine to create (docs/dbc-api.md §3.2.1). Sizes are in GiB.

    `task_id` is made by the caller and kept before the call: it is what tells later whether an
    unanswered creation happened. `image_name` is needed for pxe, too.
    """

    task_id: Annotated[str, checked(fields.own_task_id)]
    image_name: Annotated[str, checked(fields.image_name)]
    gpu_count: Count
    cpu_cores: Positive
    mem_size: Positive
    vnc_port: VncPort
    disk_size: Positive | None = None
    operation_system: OperatingSystem = "linux"
    bios_mode: Literal["legacy", "uefi", "pxe"] = "legacy"
    ssh_port: Port | None = None
    rdp_port: Port | None = None
    public_ip: PublicIp | None = None
    desc: Annotated[str, checked(fields.description)] = ""
    data_file_name: Annotated[str, checked(fields.file_name)] | None = None
    network_name: Annotated[str, checked(fields.lan_name)] | None = None
    custom_port: tuple[CustomPort, ...] = ()
    multicast: tuple[Multicast, ...] = ()
    network_filters: tuple[NetworkFilter, ...] = ()
    interface_model_type: Literal["virtio", "e1000", "rtl8139"] = "virtio"

    @model_validator(mode="after")
    def _complete(self) -> Self:
        needed = {"linux": "ssh_port", "windows": "rdp_port"}[self.operation_system]
        if self.public_ip is None and getattr(self, needed) is None:
            raise InvalidField(
                say(
                    "{field} is needed for {system} without a public IP.",
                    field=needed,
                    system=self.operation_system,
                ),
                field=needed,
            )
        if self.disk_size is None and self.bios_mode != "pxe":
            raise InvalidField(
                say("{field} is needed (except for pxe).", field="disk_size"), field="disk_size"
            )
        ports = {"ssh_port": self.ssh_port, "rdp_port": self.rdp_port, "vnc_port": self.vnc_port}
        given = [port for port in ports.values() if port is not None]
        if len(set(given)) != len(given):
            raise InvalidField(
                say(
                    "{field_1}, {field_2} and {field_3} must differ.",
                    field_1="ssh_port",
                    field_2="rdp_port",
                    field_3="vnc_port",
                ),
                field=[name for name, port in ports.items() if given.count(port or 0) > 1][-1],
            )
        return self

    def additional(self) -> Additional:
        """The request's parameters. `virtio` is left out: given, it is refused (§8.34)."""
        texts = _texts(self.model_dump(exclude={"interface_model_type"}))
        for name in ("custom_port", "multicast", "network_filters"):
            values = getattr(self, name)
            texts.pop(name)
            if values:
                texts[name] = list(values)
        if self.interface_model_type != "virtio":
            texts["interface_model_type"] = self.interface_model_type
        return texts


_STEPS = (
    "new_ssh_port",
    "new_rdp_port",
    "new_custom_port",
    "new_network_filters",
    "new_vnc_port",
    "new_gpu_count",
    "new_cpu_cores",
    "new_mem_size",
)


class TaskChange(Input):
    """What to change of a machine (docs/dbc-api.md §3.2.10). Sizes are in GiB.

    `new_public_ip` must always be said: the one it has, another one, or None for none. Left out,
    DBC would take the machine's public IP away. `()` clears a list, None leaves it as it is.
    """

    new_public_ip: PublicIp | None
    new_ssh_port: Port | None = None
    new_rdp_port: Port | None = None
    new_custom_port: tuple[CustomPort, ...] | None = None
    new_network_filters: tuple[NetworkFilter, ...] | None = None
    new_vnc_port: VncPort | None = None
    new_gpu_count: Count | None = None
    new_cpu_cores: Positive | None = None
    new_mem_size: Positive | None = None

    def steps(self) -> tuple["TaskChange", ...]:
        """The same as changes of one thing each, in DBC's order; DBC is not atomic (§8.27)."""
        given = [name for name in _STEPS if getattr(self, name) is not None]
        if len(given) < 2:
            return (self,)
        return tuple(
            TaskChange.model_validate(
                {"new_public_ip": self.new_public_ip, name: getattr(self, name)}
            )
            for name in given
        )

    def additional(self) -> Additional:
        """The request's parameters. Raises InvalidField if it is more than one step."""
        if len(self.steps()) > 1:
            raise InvalidField(
                say("Change one thing at a time: DBC may carry out a part of a larger change."),
                field=next(name for name in reversed(_STEPS) if getattr(self, name) is not None),
            )
        texts = _texts(self.model_dump(exclude={"new_custom_port", "new_network_filters"}))
        for name in ("new_custom_port", "new_network_filters"):
            values = getattr(self, name)
            if values is not None:
                texts[name] = list(values)
        return {**texts, "new_public_ip": self.new_public_ip or ""}


_UUID_SENTENCE = say("{field} has letters, digits and dashes only.", field="uuid")


def _uuid(value: str, field: str) -> str:
    if not value or not value.isascii() or not value.replace("-", "").isalnum():
        raise InvalidField(_UUID_SENTENCE, field=field)
    return value


Uuid = Annotated[str, checked(_uuid)]
Told = Annotated[str, checked(fields.not_empty)]
ToldSecret = Annotated[SecretStr, checked(fields.secret)]


class BareMetalSpec(Input):
    """A bare-metal machine for its manager to take on (docs/dbc-api.md §3.7.2)."""

    uuid: Uuid
    ip: PublicIp
    ipmi_hostname: Told
    ipmi_username: Told
    ipmi_password: ToldSecret
    ipmi_port: Port | None = None
    os: Echoed = ""
    desc: Echoed = ""

    def additional(self) -> Additional:
        """The request's parameters; `ipmi_port` stays a number there."""
        given = {k: v for k, v in self.model_dump().items() if v is not None and v != ""}
        return {"bare_metal_nodes": [given]}


class BareMetalChange(Input):
    """What to change of a bare-metal machine (docs/dbc-api.md §3.8); None leaves it as it is."""

    uuid: Uuid | None = None
    ip: PublicIp | None = None
    ipmi_hostname: Told | None = None
    ipmi_username: Told | None = None
    ipmi_password: ToldSecret | None = None
    ipmi_port: Port | None = None
    os: Told | None = None
    desc: Told | None = None

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.additional():
            raise InvalidField(say("There is nothing to change."), field="uuid")
        return self

    def additional(self) -> Additional:
        """The request's parameters; `ipmi_port` stays a number there."""
        return {k: v for k, v in self.model_dump().items() if v is not None}
