"""Bare metal: what managers and their machines answer.

Source: docs/dbc-api.md §3.7, §3.8 (deeplink).
"""

from typing import Any

from sandbox.dbc.endpoints.request import NodeRequest, ProcessDied, error, ok, tight_ok
from sandbox.dbc.metal import MetalMachine, MetalManager, valid_uuid
from sandbox.dbc.resources import Refusal
from sandbox.dbc.values import Json, string

VERSION = "0.4.1.8"
MAX_LISTED = 51
PORTS = range(1, 65536)
REQUIRED = ("ip", "ipmi_hostname", "ipmi_username", "ipmi_password")
TEXTS = ("uuid", "ip", "os", "desc", "ipmi_hostname", "ipmi_username", "ipmi_password")


def _is_owner(manager: MetalManager, request: NodeRequest) -> bool:
    given = request.credentials
    signed = manager.gate.accepts_nonce(given.wallet, given.nonce, given.sign)
    return signed and given.wallet == manager.node_id


def _need_owner(manager: MetalManager, request: NodeRequest) -> None:
    if not _is_owner(manager, request):
        raise Refusal("verify sign failed", -3)


def machine_info(machine: MetalMachine, _: NodeRequest) -> str:
    """`mining_nodes` of a machine."""
    link = ""
    if machine.deeplink_id:
        hidden = "*" * len(machine.deeplink_password)
        link = f',"deeplink":{{"device_id":"{machine.deeplink_id}","device_password":"{hidden}"}}'
    return tight_ok(
        f'{{"version":"{VERSION}","node_type":"2","ip":"{machine.ip}","os":"{machine.os}"{link}}}'
    )


def manager_info(_: MetalManager, __: NodeRequest) -> str:
    """`mining_nodes` of a manager."""
    return error("bare metal node has no machine info for now")


def manager_list(manager: MetalManager, request: NodeRequest) -> str:
    """The machines of a manager; secrets in clear for its own key, else as stars."""
    owner = _is_owner(manager, request)
    wanted = request.name
    machines = [
        machine
        for node_id, machine in sorted(manager.machines.items())
        if not wanted or wanted in {node_id, machine.uuid}
    ]
    alone = len(machines) == 1
    rows = [_row(machine, owner=owner, alone=alone) for machine in machines[:MAX_LISTED]]
    return ok('{"bare_metal_nodes":[' + ",".join(rows) + "]}")


def _row(machine: MetalMachine, *, owner: bool, alone: bool) -> str:
    def secret(text: str) -> str:
        return text if owner else "*" * len(text)

    parts = [
        f'"node_id":"{machine.node_id}"',
        f'"node_private_key":"{secret(machine.key.private_key[:32].hex())}"',
        f'"uuid":"{machine.uuid}"',
        f'"ip":"{machine.ip}"',
        f'"os":"{machine.os}"',
        f'"description":"{machine.desc}"',
        f'"ipmi_hostname":"{machine.ipmi_hostname}"',
        f'"ipmi_username":"{secret(machine.ipmi_username)}"',
        f'"ipmi_password":"{secret(machine.ipmi_password)}"',
    ]
    if machine.ipmi_port is not None:
        parts.append(f'"ipmi_port":{machine.ipmi_port}')
    if alone:
        parts += _power_status(machine)
    if machine.deeplink_id:
        parts.append(f'"deeplink_device_id":"{machine.deeplink_id}"')
        parts.append(f'"deeplink_device_password":"{secret(machine.deeplink_password)}"')
    return "{" + ",".join(parts) + "}"


def _power_status(machine: MetalMachine) -> list[str]:
    code, words = machine.power("status")
    return [f'"power_status":"{words}"'] if code == 0 else []


def machine_list(machine: MetalMachine, _: NodeRequest) -> str:
    """A machine about itself, to its renter; the password in clear."""
    parts = [
        f'"version":"{VERSION}"',
        f'"ip":"{machine.ip}"',
        f'"os":"{machine.os}"',
        f'"description":"{machine.desc}"',
        *_power_status(machine),
    ]
    if machine.deeplink_id:
        parts.append(f'"deeplink_device_id":"{machine.deeplink_id}"')
        parts.append(f'"deeplink_device_password":"{machine.deeplink_password}"')
    return ok("{" + ",".join(parts) + "}")


def add(manager: MetalManager, request: NodeRequest) -> str:
    """Register machines; nothing is registered when one of them is wrong."""
    _need_owner(manager, request)
    if "bare_metal_nodes" not in request.additional:
        raise Refusal("additional bare_metal_nodes not existed", -3)
    rows = request.additional["bare_metal_nodes"]
    if not isinstance(rows, list):
        raise Refusal("additional bare_metal_nodes must be an array", -3)
    wanted = {fields["uuid"]: fields for fields in (_fields(manager, row) for row in rows)}
    if not wanted:
        raise Refusal("additional bare_metal_nodes is empty", -3)
    made = []
    for uuid, fields in sorted(wanted.items()):
        machine = manager.add_machine(**fields)
        made.append(f'{{"node_id":"{machine.node_id}","uuid":"{uuid}"}}')
    return ok('{"bare_metal_nodes":[' + ",".join(made) + "]}")


def _fields(manager: MetalManager, row: Any) -> Json:
    if not isinstance(row, dict):
        raise ProcessDied
    fields: Json = {name: string(row, name) for name in TEXTS}
    uuid = fields["uuid"]
    fields["ipmi_port"] = _ipmi_port(row, f"invalid ipmi port in {uuid}")
    if not uuid or not valid_uuid(uuid) or not all(fields[name] for name in REQUIRED):
        raise Refusal(f"bare metal node info {uuid} invalid", -3)
    if manager.with_uuid(uuid) is not None:
        raise Refusal(f"bare metal node uuid {uuid} already existed", -3)
    return fields


def _ipmi_port(row: Json, words: str) -> int | None:
    """An unsigned integer; anything else counts as absent."""
    found = row.get("ipmi_port")
    if isinstance(found, bool) or not isinstance(found, int) or found < 0:
        return None
    if found not in PORTS:
        raise Refusal(words, -3)
    return found


def delete(manager: MetalManager, request: NodeRequest) -> str:
    """Remove machines; one removed is a success."""
    _need_owner(manager, request)
    if "bare_metal_node_ids" not in request.additional:
        raise Refusal("additional bare_metal_node_ids not existed", -3)
    ids = request.additional["bare_metal_node_ids"]
    if not isinstance(ids, list):
        raise Refusal("additional bare_metal_node_ids must be an array", -3)
    if not all(isinstance(item, str) for item in ids):
        raise Refusal("bare_metal_node_ids item must be a string", -3)
    if not ids:
        raise Refusal("additional bare_meta_node_ids is an empty array", -3)
    missing = [node_id for node_id in ids if manager.machines.pop(node_id, None) is None]
    gone = len(ids) - len(missing)
    if not gone:
        return error(f"bare metal node id {missing[-1]} not existed", -1)
    return error(f"{gone} were successfully deleted, {len(missing)} failed", 0)


def modify(manager: MetalManager, request: NodeRequest) -> str:
    """Change a machine's data; empty means unchanged; success has an empty message."""
    _need_owner(manager, request)
    machine = manager.machines.get(request.name)
    if machine is None:
        raise Refusal("node id not existed", -3)
    fields = {name: string(request.additional, name) for name in TEXTS}
    uuid = fields["uuid"]
    if uuid and not valid_uuid(uuid):
        raise Refusal("invalid uuid", -3)
    port = _ipmi_port(request.additional, "invalid ipmi port")
    namesake = manager.with_uuid(uuid)
    if namesake is not None and namesake is not machine:
        raise Refusal(f"bare metal node uuid {uuid} already existed", -1)
    for name, value in fields.items():
        if value:
            setattr(machine, name, value)
    machine.ipmi_port = port if port is not None else machine.ipmi_port
    return error("", 0)


def power(machine: MetalMachine, request: NodeRequest) -> str:
    """Run ipmitool's power command; its words are the message, well or ill."""
    code, words = machine.power(string(request.additional, "command"))
    return error(words, code)


def bootdev(machine: MetalMachine, request: NodeRequest) -> str:
    """Set the boot device and report failure, always."""
    machine.boot_device = string(request.additional, "device")
    return error("bare metal client not existed")


def deeplink(machine: MetalMachine, _: NodeRequest) -> str:
    """The machine's remote desktop device."""
    if not machine.deeplink_id:
        raise Refusal("deeplink service not connected")
    return ok(
        f'{{"device_id":"{machine.deeplink_id}","device_password":"{machine.deeplink_password}"}}'
    )


def set_deeplink(machine: MetalMachine, request: NodeRequest) -> str:
    """Change the machine's remote desktop device."""
    if not machine.deeplink_id:
        raise Refusal("deeplink service not connected", -3)
    machine.deeplink_id = string(request.additional, "device_id") or machine.deeplink_id
    password = string(request.additional, "device_password")
    machine.deeplink_password = password or machine.deeplink_password
    return ok()
