"""What commands take: the arguments that several of them share, and everyone's options.

A command's signature uses the annotated names below; `parameters` reads them once per row. Their
kinds are in `bot.language.kinds`.
"""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Annotated, get_args, get_origin, get_type_hints

from bot.folding import fold
from bot.language.chinese import CALLED
from bot.language.kind import WORD, Arg
from bot.language.kinds import (
    BASE,
    CHANNEL,
    DISK,
    FLAG,
    HELD,
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
)
from bot.language.kinds import REASON as REASON_KIND
from bot.language.traditional import simplified
from bot.model import Machine, Node
from bot.reply import say

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
        Arg(say("Reason"), REASON_KIND, say("Why: everyone who reviews it reads this")),
        'reason="…"',
        changes=True,
    ),
    Option(
        BREAK_GLASS,
        Arg(
            say("Break glass"),
            REASON_KIND,
            say("Run it now and have it reviewed later: the reason"),
        ),
        'break_glass="…"',
        changes=True,
    ),
    Option(
        DRY_RUN,
        Arg(say("Dry run"), FLAG, say("Show what would be sent, and send nothing")),
        "--dry-run",
        changes=True,
    ),
    Option(FILTER, Arg(say("Filter"), hint=say("Show only the rows with this text")), "--filter …"),
    Option(JSON, Arg(say("JSON"), FLAG, say("Answer in JSON, for programs")), "--json"),
    Option(FILE, Arg(say("File"), FLAG, say("Answer with a file")), "--file"),
)
_OPTIONS = {
    word: option for option in OPTIONS for word in {option.name, *CALLED.get(option.name, ())}
}


def option_called(key: str) -> Option | None:
    """The option of every command that `--key` means."""
    return _OPTIONS.get(simplified(fold(key)).replace("-", "_"))


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
        own = {self.name, self.word, *self.arg.names}
        return frozenset(own.union(*(CALLED.get(name, ()) for name in own)))

    @property
    def usage(self) -> str:
        """How it stands in a usage line."""
        return self.bare_usage if self.required else f"[{self.bare_usage}]"

    @property
    def bare_usage(self) -> str:
        """The same without the brackets of what may be left out."""
        if self.arg.kind.is_flag:
            return self.word
        shown = self.arg.kind.shown(self.arg, self.word)
        return shown if self.arg.positional else f"{self.word}={shown}"


Vm = Annotated[
    Machine,
    Arg(
        say("Machine"),
        VM,
        say("Nickname, task id, or the beginning of either"),
        "train-01",
        word="machine",
    ),
]
OnNode = Annotated[
    Node,
    Arg(say("Node"), NODE, say("Nickname, name or id of a node"), "gpu1", names=(NODE_OPTION,)),
]
_ANY_NODE = Arg(
    say("Node"), PEER, say("Nickname, name or id; a bare-metal machine's too"), "gpu1",
    names=(NODE_OPTION,),
)  # fmt: skip
AnyNode = Annotated[Node, _ANY_NODE]
HeldNode = Annotated[Node, replace(_ANY_NODE, kind=HELD)]
Metal = Annotated[
    Node,
    Arg(say("Bare-metal machine"), METAL, say("Nickname, description, uuid, or node id"), "slot-1"),
]
Manager = Annotated[
    Node,
    Arg(
        say("Manager"), MANAGER, say("The bare-metal manager: its nickname or node id"),
        "rack7",
    ),
]  # fmt: skip
Member = Annotated[str, Arg(say("Person"), PERSON, say("A member of this workspace"), "@bob")]
Channel = Annotated[str, Arg(say("Channel"), CHANNEL, say("Everyone in the channel"), "#gpu-ops")]
AtNode = Annotated[
    Node,
    Arg(
        say("Node"),
        NODE,
        say("The node's nickname, name or id"),
        "gpu1",
        names=(NODE_OPTION,),
        positional=False,
    ),
]
Image = Annotated[
    str,
    Arg(
        say("Image"),
        BASE,
        say("An image file on the node, ending in .qcow2"),
        "ubuntu.qcow2",
        names=("image_name",),
    ),
]
ImageServer = Annotated[
    str,
    Arg(
        say("Image server"),
        SERVER,
        say("The image server's id; required if there are several"),
        "hub",
        names=("to", "from", "image_server"),
        positional=False,
    ),
]
NodeOrServer = Annotated[
    Node | str,
    Arg(
        say("Place"),
        PLACE,
        say("A node or an image server; empty for all that you can use"),
        "gpu1",
    ),
]
FromServer = Annotated[
    str,
    Arg(
        say("From image server"),
        SERVER,
        say("The image server's id; required if several have the image"),
        "hub",
        word="from",
        names=("image_server",),
        positional=False,
    ),
]
ToServer = Annotated[
    str,
    Arg(
        say("To image server"),
        SERVER,
        say("The image server's id; required if there are several"),
        "hub",
        word="to",
        names=("image_server",),
        positional=False,
    ),
]
Disk = Annotated[str, Arg(say("Disk"), DISK, say("Its name in the machine's disk list"), "vdb")]
KnownSnapshot = Annotated[
    str,
    Arg(
        say("Snapshot"),
        SNAPSHOT,
        say("One of the machine's snapshots"),
        "before-upgrade",
        word="snapshot",
    ),
]
SnapshotName = Annotated[
    str,
    Arg(
        say("Snapshot name"),
        WORD,
        say("Letters, digits, ., _ and -"),
        "before-upgrade",
        word="snapshot",
        narrow=True,
    ),
]
Nickname = Annotated[
    str, Arg(say("Nickname"), REST, say("Letters, digits, ., _ and -"), "train-01", narrow=True)
]
Topic = Annotated[
    str, Arg(say("Command"), REST, say("The command to explain"), "vm restart", word="command")
]


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
