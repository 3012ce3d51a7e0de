"""Which answer is which error: one table by HTTP status, error code and text.

The same situation has different codes by endpoint (docs/dbc-api.md §7.2), so text counts as well.
Knows nothing of transport; first matching row wins.
"""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

from bot.dbc.errors import (
    ChainUnavailable,
    Clash,
    DaemonDisconnected,
    DaemonFull,
    DaemonUnavailable,
    DbcError,
    InvalidRequest,
    Missing,
    Mode,
    NoBackEnd,
    NoCapacity,
    NodeTimeout,
    NodeUnknown,
    NotAuthorised,
    OperationRefused,
    OutcomeUnknown,
    StateConflict,
    StrangeCode,
    TaskExists,
    TaskNotFound,
    Unreadable,
    WrongNodeKind,
)
from bot.dbc.reasons import Reason
from bot.reply import Text, command, say

# The codes with which daemons and nodes refuse (§7.1, §7.2). What another one means nobody knows.
_REFUSING = frozenset({-32701, -32601, -32600, -25, -3, -1, 1})
_STRANGE = say("DBC answered with an error code that is not known ({code}).")

MAX_DBC_TEXT = 300  # a node's text goes into one line of a message


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table: where it applies and what it means."""

    error: type[DbcError]
    pattern: str = ""
    codes: tuple[int, ...] = ()
    least_status: int = 0
    sentence: Text = ""
    hint: Text = ""
    field: str = ""

    def matches(self, status: int, code: int, text: str) -> bool:
        """Whether the answer is of this kind. `text` is lower-case."""
        return (
            status >= self.least_status
            and (not self.codes or code in self.codes)
            and re.search(self.pattern, text) is not None
        )


@dataclass(frozen=True, slots=True)
class AuthRow:
    """A refusal of the caller that is not worded `check authority failed: …`."""

    reason: Reason
    pattern: str
    codes: tuple[int, ...]


_AUTH = (
    AuthRow(Reason.NO_CREDENTIALS, r" all invalid$", (-25,)),
    AuthRow(Reason.MANAGER_KEY, r"^invalid wallet sign$|^verify sign failed$", (-25, -3)),
    AuthRow(Reason.NO_SESSION, r"^no session id$", (-3,)),
    AuthRow(Reason.NOT_OWNER, r"you are not the owner", (-3,)),
)

# Worded like a refusal of the caller; it is none (docs/dbc-api.md §2.6, §11.4).
_CHAIN = Row(
    ChainUnavailable, r"^check authority failed: (query .*failed|unknown machine status)", (-3,)
)

_FRONT = (
    Row(NodeUnknown, r"create node request failed", (-32701,)),
    Row(DaemonFull, r"create request session failed", (-32701,)),
    Row(DaemonDisconnected, r"broadcast request failed", (-32701,)),
    # The daemon says so for a verb it does not know, but also whenever it drops a request that
    # it had taken on, so it proves nothing about the outcome.
    Row(
        OutcomeUnknown,
        r"^unhandled request",
        (-32701,),
        hint=say("The daemon may be too old for this. Look at the present state first."),
    ),
    Row(Missing, r"^network name not exist", (-32701,), sentence=say("There is no such network.")),
    Row(NodeTimeout, r" timeout$", (-1, -32701)),
    Row(DaemonUnavailable, "", (-32701,)),
    Row(Unreadable, r"response parse error$", (-1,), least_status=500),
    Row(OutcomeUnknown, "", (-1,), least_status=500),
    Row(
        Missing,
        r"^image_server not exist",
        (-25,),
        sentence=say("The DBC daemon does not know this image server."),
        hint=say("List the image servers it is configured with."),
        field="image_server",
    ),
    Row(InvalidRequest, "", (-25, -32600, -32601)),
    # A node's own refusals come with HTTP 200 (docs/dbc-api.md §1.5), so this is none of them.
    Row(OutcomeUnknown, "", least_status=500),
)

_RETRY_SOON = say("The node is clearing away a stray machine first. Try again in a minute.")

_STATES = (
    Row(StateConflict, r"^task is running", sentence=say("The machine is running.")),
    Row(StateConflict, r"^task is shut_off", sentence=say("The machine is off.")),
    Row(StateConflict, r"^task is being shutdown", sentence=say("The machine is shutting down.")),
    Row(StateConflict, r"^task is suspended", sentence=say("The machine is asleep.")),
    Row(StateConflict, r"^task is paused", sentence=say("The machine is paused.")),
    Row(StateConflict, r"^task is crashed", sentence=say("The machine has crashed.")),
    Row(StateConflict, r"^task is "),
    Row(
        StateConflict,
        r"please close task first",
        sentence=say("This is only possible while the machine is off."),
        hint=say("Shut it down first (flush inside it before: on DBC, a shutdown is a power cut)."),
    ),
    Row(
        StateConflict,
        r"only the running task",
        sentence=say("This is only possible while the machine is running."),
        hint=say("Start it first."),
    ),
    Row(
        StateConflict,
        r"please try again in a minute",
        sentence=say("The node cannot do this right now."),
        hint=_RETRY_SOON,
    ),
)

_CLASHES = (
    Row(TaskExists, r"^task id already existed"),
    Row(
        Clash,
        r"port conflict, exist (?P<field>\w+)|(?P<field2>new_\w+_port) .*has been used",
        sentence=say("This port is used by another machine."),
        hint=say("Choose another port."),
    ),
    Row(Clash, r"public ip being used", sentence=say("This IP is in use."), field="public_ip"),
    Row(
        Clash,
        r"in downloading|in uploading",
        sentence=say("The image is being transferred at present."),
        hint=say("Wait for the end of the transfer, or stop it."),
    ),
    Row(
        Clash,
        r"network is in used",
        sentence=say("There are still machines in this network."),
        hint=say("Delete these machines first."),
    ),
    Row(Clash, r"already exist|has been used|being used|are the same!"),
)

_NODE = (
    *_STATES,
    *_CLASHES,
    Row(NoBackEnd, r"^bare metal client not existed"),
    Row(TaskNotFound, r"^task_id not exist|^task not exist|^task:.* not exist"),
    Row(
        WrongNodeKind,
        r"^not supported$|nodes are not supported|no machine info"
        r"|device not support|^get bare metal node info failed",
    ),
    Row(
        OperationRefused,
        r"^pxe not support disk",
        sentence=say("A machine that boots by PXE has no disks on the node."),
        hint=say("Nothing can be added, resized or deleted there."),
    ),
    Row(Missing, r"no disk(:|$)", sentence=say("The machine has no such disk.")),
    Row(
        Missing, r"^data_file_name", sentence=say("There is no such file."), field="data_file_name"
    ),
    Row(
        Missing,
        r"image.* not exist",
        sentence=say("There is no such image."),
        hint=say("See: {command}", command=command("image list")),
        field="image_name",
    ),
    Row(Missing, r"snapshot_name not exist", sentence=say("There is no such snapshot.")),
    Row(
        Missing,
        r"network name not exist|can not find network",
        sentence=say("There is no such network on this node."),
        hint=say("See: {command}", command=command("lan list")),
        field="network_name",
    ),
    Row(Missing, r"not exist|not found|can not find"),
    Row(
        NoCapacity,
        r"exactly rented",
        sentence=say(
            "Where single GPUs are rented, a machine takes all of them, no fewer, no more."
        ),
        hint=say("Give the number of GPUs that the order is for."),
        field="gpu_count",
    ),
    Row(NoCapacity, r"allocate gpu|gpu_count exceeds|check gpu", field="gpu_count"),
    Row(NoCapacity, r"allocate cpu|check cpu|cpu count exceeds", field="cpu_cores"),
    Row(NoCapacity, r"allocate mem|check memory", field="mem_size"),
    Row(NoCapacity, r"allocate disk|have no enough space", field="disk_size"),
    Row(
        OperationRefused,
        r"^'?(?P<field>\w+)'?( \d+)? (is (empty|invalid|not digit)|can not be empty)",
        sentence=say("The node does not accept a value that was given."),
    ),
    Row(InvalidRequest, "", least_status=400),
    Row(OperationRefused),
)

_TABLE = (_CHAIN, *_FRONT, *_NODE)


def classify(status: int, code: int, text: str, mode: Mode, mask: Callable[[str], str]) -> DbcError:
    """The error that a failed answer means (docs/dbc-api.md §7, §10.2).

    `mask` takes the request's secrets out of the text, should DBC have echoed one.
    """
    lower = text.lower().strip()
    shown = tidy(mask(text))
    is_chain = _CHAIN.matches(status, code, lower) or status >= 500
    reason = None if is_chain else _authority(code, lower)
    if reason is not None:
        return NotAuthorised(reason, mode=mode, dbc_text=shown, http_status=status, errcode=code)
    if code not in _REFUSING:
        told = _STRANGE.filled(lambda _: code)
        return StrangeCode(told, mode=mode, dbc_text=shown, http_status=status, errcode=code)
    row = next(row for row in _TABLE if row.matches(status, code, lower))
    return row.error(
        row.sentence,
        hint=row.hint,
        field=row.field or _named_field(row, lower),
        mode=mode,
        dbc_text=shown,
        http_status=status,
        errcode=code,
    )


def tidy(text: str) -> str:
    """Text from outside on one line: no control characters, at most 300 characters."""
    plain = "".join(" " if unicodedata.category(c) in {"Cc", "Cs"} else c for c in text)
    line = " ".join(plain.split())
    return line if len(line) <= MAX_DBC_TEXT else line[: MAX_DBC_TEXT - 1] + "…"


def _authority(code: int, text: str) -> Reason | None:
    for row in _AUTH:
        if code in row.codes and re.search(row.pattern, text):
            return row.reason
    if code != -3 or not text.startswith("check authority failed"):
        return None
    told = text.removeprefix("check authority failed").strip(": ")
    if not told:  # verifiers get no reason at all
        return Reason.ROLE
    return next((reason for reason in Reason if reason == told), Reason.OTHER)


def _named_field(row: Row, text: str) -> str:
    found = re.search(row.pattern, text)
    return next((name for name in (found.groupdict() if found else {}).values() if name), "")
