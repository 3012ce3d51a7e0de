"""What commands take: the arguments that several of them share, and everyone's options.

A command's signature uses the annotated names below; `parameters` reads them once per row. Their
kinds are in `bot.language.kinds`.
"""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Annotated, get_args, get_origin, get_type_hints

from bot.folding import fold
from bot.language.kinds import (
    BASE,
    CHANNEL,
    DISK,
    FLAG,
    MANAGER,
    METAL,
    NODE,
    PEER,
    PERSON,
    PLACE,
    REST,
    SERVER,
    SNAPSHOT,
    VM,
    WORD,
    Arg,
)
from bot.model import Machine, Node

NODE_OPTION = "on"  # `… on gpu1`: the value's name, also where a command has no such parameter


@dataclass(frozen=True, slots=True)
class Option:
    """What every command understands beside its own parameters, written `--name` or `name=`.

    `changes` says for which: those that change something, or those that only read. The value
    stands among the others under `name`; no command's function sees it.
    """

    name: str
    arg: Arg
    usage: str
    changes: bool = False

    def fits(self, *, changes: bool) -> bool:
        """Whether a command that changes something, or one that only reads, takes it."""
        return self.changes is changes


REASON, BREAK_GLASS, DRY_RUN = "reason", "break_glass", "dry_run"
FILTER, JSON, FILE = "filter", "json", "file"

OPTIONS = (
    Option(
        REASON,
        Arg("Reason", hint="Why, for those who review it"),
        'reason="…"',
        changes=True,
    ),
    Option(
        BREAK_GLASS,
        Arg("Break glass", hint="Run it at once and have it reviewed later: the reason"),
        'break_glass="…"',
        changes=True,
    ),
    Option(
        DRY_RUN,
        Arg("Dry run", FLAG, "Show what would be sent, and send nothing"),
        "--dry-run",
        changes=True,
    ),
    Option(FILTER, Arg("Filter", hint="Keep only the rows with this text"), "--filter …"),
    Option(JSON, Arg("JSON", FLAG, "For machines"), "--json"),
    Option(FILE, Arg("File", FLAG, "As a file"), "--file"),
)
_OPTIONS = {option.name: option for option in OPTIONS}


def option_called(key: str) -> Option | None:
    """The option of every command that `--key` means."""
    return _OPTIONS.get(fold(key).replace("-", "_"))


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a command, read from its function's signature."""

    name: str
    arg: Arg
    required: bool
    default: object = None

    @property
    def word(self) -> str:
        """What people call it in a line: `word=…` means it."""
        return self.arg.word or self.name

    @property
    def spellings(self) -> frozenset[str]:
        """All that may stand before `=` for it."""
        return frozenset({self.name, self.word, *self.arg.names})

    @property
    def usage(self) -> str:
        """How it stands in a usage line."""
        if self.arg.kind.is_flag:
            return f"[{self.word}]"
        shown = self.arg.kind.shown(self.arg, self.word)
        if not self.arg.positional:
            shown = f"{self.word}={shown}"
        return shown if self.required else f"[{shown}]"


Vm = Annotated[
    Machine,
    Arg("Machine", VM, "Nickname, task id, or the beginning of one", "train-01", word="machine"),
]
OnNode = Annotated[
    Node, Arg("Node", NODE, "Nickname, name or id of a node", "gpu1", names=(NODE_OPTION,))
]
AnyNode = Annotated[
    Node,
    Arg(
        "Node", PEER, "Nickname, name or id; a bare-metal machine's too", "gpu1",
        names=(NODE_OPTION,),
    ),
]  # fmt: skip
Metal = Annotated[Node, Arg("Machine", METAL, "Nickname, description, uuid, or node id", "slot-1")]
Manager = Annotated[
    Node,
    Arg(
        "Manager", MANAGER, "The bare-metal manager: its node id, or what it is called here",
        "rack7",
    ),
]  # fmt: skip
Member = Annotated[str, Arg("Person", PERSON, "A member of this workspace", "@bob")]
Channel = Annotated[str, Arg("Channel", CHANNEL, "Everybody in it", "#gpu-ops")]
AtNode = Annotated[
    Node,
    Arg(
        "Node",
        NODE,
        "Which node this is about: its nickname, name or id",
        "gpu1",
        names=(NODE_OPTION,),
        positional=False,
    ),
]
Image = Annotated[
    str,
    Arg(
        "Image",
        BASE,
        "An image file on the node, ending in .qcow2",
        "ubuntu.qcow2",
        names=("image_name",),
    ),
]
ImageServer = Annotated[
    str,
    Arg(
        "Image server",
        SERVER,
        "The image server's id; needed where there are several",
        "hub",
        names=("to", "from", "image_server"),
        positional=False,
    ),
]
NodeOrServer = Annotated[
    Node | str,
    Arg("Place", PLACE, "A node or an image server; empty: all that you can use", "gpu1"),
]
FromServer = Annotated[
    str,
    Arg(
        "From image server",
        SERVER,
        "The image server's id; needed where several have the image",
        "hub",
        word="from",
        names=("image_server",),
        positional=False,
    ),
]
ToServer = Annotated[
    str,
    Arg(
        "To image server",
        SERVER,
        "The image server's id; needed where there are several",
        "hub",
        word="to",
        names=("image_server",),
        positional=False,
    ),
]
Disk = Annotated[str, Arg("Disk", DISK, "Its name in the machine's list of disks", "vdb")]
KnownSnapshot = Annotated[
    str,
    Arg("Snapshot", SNAPSHOT, "One of the machine's snapshots", "before-upgrade", word="snapshot"),
]
SnapshotName = Annotated[
    str,
    Arg(
        "Snapshot",
        WORD,
        "Letters, digits, . _ and -",
        "before-upgrade",
        word="snapshot",
        narrow=True,
    ),
]
Nickname = Annotated[
    str, Arg("Nickname", REST, "Letters, digits, . _ and -", "train-01", narrow=True)
]
Topic = Annotated[str, Arg("Command", REST, "What to explain", "vm restart", word="command")]


def parameters(function: Callable[..., object]) -> tuple[Parameter, ...]:
    """The parameters of a command's function, without the leading context.

    Raises TypeError for a parameter that carries no `Arg`: a mistake in the table.
    """
    hints = get_type_hints(function, include_extras=True)
    found = []
    for name, parameter in list(inspect.signature(function).parameters.items())[1:]:
        arg = _arg_of(hints[name])
        if arg is None:
            raise TypeError(f"{function.__qualname__}: {name} is not an annotated argument")
        required = parameter.default is inspect.Parameter.empty
        default = None if required else parameter.default
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY and not arg.kind.is_flag:
            arg = replace(arg, positional=False)
        found.append(Parameter(name, arg, required, default))
    return tuple(found)


def _arg_of(hint: object) -> Arg | None:
    """The last `Arg` in an annotation, looking through `X | None`."""
    if get_origin(hint) is Annotated:
        marks = [mark for mark in get_args(hint)[1:] if isinstance(mark, Arg)]
        return marks[-1] if marks else None
    for part in get_args(hint):
        if (arg := _arg_of(part)) is not None:
            return arg
    return None
