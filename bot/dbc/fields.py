"""Checks of single values before they are sent: everything DBC would misread, drop or choke on.

Each check takes the value and the name of its field and gives the value back or raises
InvalidField. Sentences name the field and never repeat the value: it may be a secret.
"""

import re
import unicodedata
from collections.abc import Callable
from ipaddress import AddressValueError, IPv4Address, IPv4Interface, IPv4Network
from typing import TypeVar

from pydantic import AfterValidator, SecretStr, ValidationInfo
from pydantic_core import PydanticCustomError

from bot.dbc.errors import InvalidField
from bot.reply import Phrase, say

T = TypeVar("T")

DATA_DIR = "/data"  # where a node keeps images and disks

# Far beyond any machine, and safely inside the 32-bit integers that DBC parses into.
MAX_COUNT = 1_000_000

_NODE_ID = re.compile(r"[0-9a-f]{64}")
_URL_SAFE = re.compile(r"[A-Za-z0-9._-]{1,128}")
_TASK_ID = re.compile(r"[A-Za-z0-9]{20,22}")
# No leading dash: names reach rsync and qemu-img command lines unquoted.
_FILE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._+-]{0,199}")
_LAN_NAME = re.compile(r"[A-Za-z0-9]{6,10}")
_DISK_NAME = re.compile(r"vd[a-z]{1,2}")
_DIGITS = re.compile(r"[0-9]{1,20}")
_SIGNATURE = re.compile(r"(?:0x)?([0-9a-fA-F]{128})")

# A path `/tasks/<id>` or `/lan/<name>` with one of these is another operation (§1.3).
_TASK_VERBS = frozenset(
    {"start", "shutdown", "poweroff", "stop", "restart", "reset"}
    | {"delete", "logs", "modify", "passwd"}
)
_LAN_VERBS = frozenset({"create", "delete"})

# The daemon replaces these, wherever they are a whole string value of a creation (§3.2.1).
_REWRITTEN = frozenset({"ubuntu", "linux", "win", "windows"})

# The network that libvirt uses for itself on every node.
_LIBVIRT_NETWORK = IPv4Network("192.168.122.0/24")


REFUSAL = "refusal"  # where the error of a field has it


def checked(check: Callable[[T, str], T]) -> AfterValidator:
    """The check as an annotation of an Input's field; it learns the field's name from there.

    What it has against a value does not hide what is wrong with the other fields.
    """

    def run(value: T, info: ValidationInfo) -> T:
        try:
            return check(value, info.field_name or "")
        except InvalidField as refusal:
            found = refusal
        raise PydanticCustomError("refused", "refused", {REFUSAL: found})

    return AfterValidator(run)


def node_id(value: str, field: str = "node_id") -> str:
    """64 lower-case hex digits, no `0x`: DBC compares node ids character by character."""
    return _form(_NODE_ID, value, field, say("{field} is 64 digits of 0-9 and a-f in lower case."))


def task_in_path(value: str, field: str = "task_id") -> str:
    """An existing machine's id as part of a path; an empty one would be another operation."""
    _form(
        _URL_SAFE,
        value,
        field,
        say("{field} has letters, digits, dots, dashes and underscores only."),
    )
    if value in _TASK_VERBS or not value.strip("."):
        raise InvalidField(
            say("{field} cannot be a word that DBC reads as a command.", field=field), field=field
        )
    return value


def own_task_id(value: str, field: str = "task_id") -> str:
    """The id that a creation brings along, its only idempotency key (§8.38)."""
    return _form(_TASK_ID, value, field, say("{field} has 20 to 22 letters and digits."))


def echoed(value: str, field: str) -> str:
    """Text that DBC will paste into JSON unescaped: one quote makes whole lists unreadable."""
    if not _is_echo_safe(value):
        raise InvalidField(
            say(
                "{field} must not contain double quotes, backslashes, line breaks or "
                "other control characters.",
                field=field,
            ),
            field=field,
            hint=say("DBC would make the machines of this node unlistable."),
        )
    return value


def not_rewritten(value: str, field: str) -> str:
    """Anything but the four words that the daemon replaces on a creation."""
    if value in _REWRITTEN:
        raise InvalidField(
            say(
                "{field} cannot be just “ubuntu”, “linux”, “win” or “windows”: DBC rewrites these.",
                field=field,
            ),
            field=field,
            hint=say("Add another word."),
        )
    return value


def description(value: str, field: str = "desc") -> str:
    """A machine's description."""
    return not_rewritten(echoed(value, field), field)


def not_empty(value: str, field: str) -> str:
    """Echoed text with something in it."""
    if not value.strip():
        raise InvalidField(say("{field} must not be empty.", field=field), field=field)
    return echoed(value, field)


def secret(value: SecretStr, field: str = "password") -> SecretStr:
    """A password that DBC will keep and echo.

    The value is unwrapped in expressions only: a variable would show up in a traceback's locals.
    """
    if not value.get_secret_value().strip():
        raise InvalidField(say("{field} must not be empty.", field=field), field=field)
    if not _is_echo_safe(value.get_secret_value()):
        raise InvalidField(
            say(
                "{field} must not contain double quotes, backslashes or control characters.",
                field=field,
            ),
            field=field,
        )
    return value


def file_name(value: str, field: str) -> str:
    """The name of a file on the node: it is pasted into shell commands there."""
    _form(
        _FILE_NAME,
        value,
        field,
        say(
            "{field} is a plain file name of letters, digits, dots, dashes, underscores "
            "and plus signs."
        ),
    )
    if ".." in value:
        raise InvalidField(say("{field} must not contain “..”.", field=field), field=field)
    return not_rewritten(value, field)


def image_name(value: str, field: str = "image_name") -> str:
    """The file name of a disk image."""
    if not file_name(value, field).endswith(".qcow2"):
        raise InvalidField(say("{field} must end with .qcow2.", field=field), field=field)
    return value


def directory(value: str, field: str) -> str:
    """An absolute directory on the node, each part a plain name."""
    parts = value.split("/")
    if len(parts) < 2 or parts[0] or not parts[1]:
        raise InvalidField(
            say("{field} must be an absolute directory, such as /data.", field=field), field=field
        )
    for part in parts[1:]:
        file_name(part, field)
    return value


def image_path(value: str, field: str = "image_filename") -> str:
    """An image as an absolute path; a bare name is one in /data (§8.30)."""
    folder, slash, name = value.rpartition("/")
    image_name(name, field)
    return f"{directory(folder, field) if slash else DATA_DIR}/{name}"


def server_id(value: str, field: str = "image_server") -> str:
    """The id of an image server, as the daemon's configuration has it."""
    return _form(
        _URL_SAFE,
        value,
        field,
        say("{field} has letters, digits, dots, dashes and underscores only."),
    )


def snapshot_name(value: str, field: str = "snapshot_name") -> str:
    """A snapshot's name; it must fit into a path, or it could never be addressed again."""
    _form(
        _URL_SAFE,
        value,
        field,
        say("{field} has letters, digits, dots, dashes and underscores only."),
    )
    if not value.strip("."):
        raise InvalidField(say("{field} cannot consist of dots.", field=field), field=field)
    return value


def lan_name(value: str, field: str = "network_name") -> str:
    """A network's name."""
    _form(_LAN_NAME, value, field, say("{field} has 6 to 10 letters and digits."))
    if value in _LAN_VERBS:
        raise InvalidField(
            say("{field} cannot be “create” or “delete”: DBC's verbs.", field=field), field=field
        )
    return not_rewritten(value, field)


def disk_name(value: str, field: str = "disk") -> str:
    """A disk of a machine, such as vdb."""
    return _form(_DISK_NAME, value, field, say("{field} is a disk such as vdb."))


def data_disk(value: str, field: str = "disk") -> str:
    """A disk that can be deleted: any but the system disk."""
    if disk_name(value, field) == "vda":
        raise InvalidField(
            say("{field} cannot be vda: that is the system disk.", field=field), field=field
        )
    return value


def rent_order(value: str, field: str = "rent_order") -> str:
    """A rent order's id: it is spliced unquoted into a chain call."""
    return _form(_DIGITS, value, field, say("{field} is a number."))


def signature(value: SecretStr, field: str) -> SecretStr:
    """An sr25519 signature as 128 hex digits; a leading `0x` is dropped (§2.2)."""
    found = _SIGNATURE.fullmatch(value.get_secret_value().strip())
    if found is None:
        raise InvalidField(
            say("{field} is a signature of 128 hexadecimal digits.", field=field), field=field
        )
    return SecretStr(found[1])


def token(value: SecretStr, field: str) -> SecretStr:
    """A session id or nonce."""
    if _URL_SAFE.fullmatch(value.get_secret_value()) is None:
        raise InvalidField(
            say("{field} is a word of letters and digits.", field=field), field=field
        )
    return value


def count(value: int, field: str) -> int:
    """A number from 0."""
    return _between(value, 0, MAX_COUNT, field)


def positive(value: int, field: str) -> int:
    """A number from 1."""
    return _between(value, 1, MAX_COUNT, field)


def gib(value: object, field: str = "size") -> int:
    """A disk's size: a whole number. A string would grow the disk by a random amount (§11.2)."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise InvalidField(say("{field} must be a whole number of GiB.", field=field), field=field)
    return positive(value, field)


def port(value: int, field: str) -> int:
    """A port number; DBC would take 99999 and wrap it around (§11.1)."""
    return _between(value, 1, 65535, field)


def vnc_port(value: int, field: str) -> int:
    """A port for VNC."""
    return _between(value, 5900, 65535, field)


def log_end(value: str, field: str = "flag") -> str:
    """Which end of a log; without it, DBC ignores the number of lines (§8.20)."""
    if value not in {"head", "tail"}:
        raise InvalidField(say("{field} must be head or tail.", field=field), field=field)
    return value


def log_lines(value: int, field: str = "line_num") -> int:
    """How many lines of a log DBC gives at most."""
    return _between(value, 1, 100, field)


def parse_ipv4(text: str) -> IPv4Address | None:
    """The address that a text is, if it is one."""
    try:
        return IPv4Address(text)
    except AddressValueError:
        return None


def ipv4(value: str, field: str) -> str:
    """An IPv4 address."""
    if parse_ipv4(value) is None:
        raise InvalidField(say("{field} must be an IPv4 address.", field=field), field=field)
    return value


def ip_cidr(value: str, field: str = "ip_cidr") -> str:
    """The address range of a network. A host part that is no address crashes the node (§1.8)."""
    sentence = say(
        "{field} is an IPv4 range with a mask from 8 to 30, such as 192.168.66.0/24.", field=field
    )
    if re.fullmatch(r"[0-9.]+/[0-9]{1,2}", value) is None:
        raise InvalidField(sentence, field=field)
    address, _, mask = value.partition("/")
    if parse_ipv4(address) is None or not 8 <= int(mask) <= 30:
        raise InvalidField(sentence, field=field)
    network = IPv4Interface(value).network
    if network.overlaps(_LIBVIRT_NETWORK):
        raise InvalidField(
            say(
                "{field} must not overlap 192.168.122.0/24, which every node uses itself.",
                field=field,
            ),
            field=field,
        )
    return value


def _is_echo_safe(value: str) -> bool:
    return not any(c in '"\\' or unicodedata.category(c) in {"Cc", "Cs"} for c in value)


def _form(pattern: re.Pattern[str], value: str, field: str, form: Phrase) -> str:
    if pattern.fullmatch(value) is None:
        raise InvalidField(form.filled(lambda _name: field), field=field)
    return value


def _between(value: int, least: int, most: int, field: str) -> int:
    if not least <= value <= most:
        raise InvalidField(
            say("{field} must be from {least} to {most}.", field=field, least=least, most=most),
            field=field,
        )
    return value
