"""Kinds of arguments: what a word may be, how it becomes a value, how a form asks for it.

A command's signature uses the annotated names below; `parameters` reads them once per row.
"""

import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

from bot.dbc.fields import DATA_DIR
from bot.errors import Refused
from bot.folding import fold, narrow, plain, typed
from bot.language.sizes import gibibytes, is_size
from bot.model import Machine, Node
from bot.reply import Text

Kind = Literal[
    "vm", "node", "peer", "metal", "manager", "image", "base", "stored", "server", "disk",
    "snapshot", "place", "person", "channel", "id", "watch",
    "word", "rest", "line", "int", "size", "choice",
    "flag", "list",
    "secret", "secrets",
]  # fmt: skip

# What is looked up among nodes. A `node` runs machines, a `peer` is a node, a bare-metal machine
# or a manager. Where one of these two is not named, a default may be meant.
NODES: frozenset[Kind] = frozenset({"node", "peer", "metal", "manager"})
DEFAULTED: frozenset[Kind] = frozenset({"node", "peer"})
SECRET: frozenset[Kind] = frozenset({"secret", "secrets"})  # one line, or several

# What is offered for one of these depends on another argument of the command, where it has one.
NARROWED_BY: Mapping[Kind, frozenset[Kind]] = {
    "base": frozenset({"node"}),
    "image": frozenset({"node"}),
    "stored": frozenset({"server"}),
    "disk": frozenset({"vm"}),
    "snapshot": frozenset({"vm"}),
}

# What DBC knows by names of letters, digits and a few signs.
_NARROW: frozenset[Kind] = frozenset(
    {"image", "base", "stored", "server", "disk", "snapshot", "person", "channel"}
)

# Slack's ids; a mention is read as one of these with its sign.
_MENTIONED = {
    "person": (re.compile(r"@?([UW][A-Z0-9]+)"), "@", "a person"),
    "channel": (re.compile(r"#?([CG][A-Z0-9]+)"), "#", "a channel"),
}

_TRUE = frozenset({"true", "yes", "1", "on", "y"})
_FALSE = frozenset({"false", "no", "0", "off", "n"})

NO_LIMIT = 2**31 - 1
# In characters: a form has to carry what stands in none of its fields.
_LONGEST, _LONGEST_NAME = 500, 150
NODE_OPTION = "on"  # `… on gpu1`: the value's name, also where a command has no such parameter


_NAME = re.compile(r"[\w.+/:-]+")
_IDENTIFIER = re.compile(r"[A-Za-z0-9]+")  # one of the bot's own, whatever stands around it
_LISTED = re.compile(r"[\s;]+")
_SPACED_COMMA = re.compile(r"\s*,\s*(?=\d)")  # `tcp, 8080` is one part


def _narrowed(text: str) -> str:
    """A name in the characters of a keyboard; what could be a part of it stays."""
    name = narrow(text)
    return name if _NAME.fullmatch(name) else typed(text)


@dataclass(frozen=True, slots=True)
class Arg:
    """What a parameter takes. `hint` is help for forms and documentation.

    `word` is what usage lines and documentation call it, if not by the parameter's name; `names`
    are further spellings of `key=`. `least` and `most` bound integers; a `size` that `adds` is by
    how much a disk grows and may have a plus sign. `positional` says whether a bare word may fill
    it. `narrow`: it is no free text, but has only the characters of a keyboard;
    the parts of a `list` then have no capital letters.
    """

    label: Text
    kind: Kind = "word"
    hint: Text = ""
    example: str = ""
    least: int = 0
    most: int = NO_LIMIT
    choices: tuple[str, ...] = ()
    word: str = ""
    names: tuple[str, ...] = ()
    adds: bool = False
    positional: bool = True
    narrow: bool = False

    @property
    def is_narrow(self) -> bool:
        """Whether it has only the characters of a keyboard, whatever it was typed with."""
        return self.kind in _NARROW or self.narrow

    def accepts(self, word: str) -> bool:
        """Whether a bare word can be meant for this argument."""
        if not self.positional or self.kind == "flag" or self.kind in SECRET:
            return False
        if self.kind in _MENTIONED:
            return word.startswith(_MENTIONED[self.kind][1])
        if self.kind in NODES and word[:1] in {"@", "#"}:
            return False
        if self.kind == "int":
            return typed(word).removeprefix("-").isdecimal()
        if self.kind == "size":
            return is_size(typed(word))
        if self.kind == "choice":
            return plain(word) in self.choices
        return True

    def read(self, name: str, text: str) -> Any:
        """The value that `text` means. Raises Refused with the field's name."""
        match self.kind:
            case "int":
                return self._integer(name, text)
            case "size":
                return self._size(name, text)
            case "choice":
                if (word := plain(text)) in self.choices:
                    return word
                listed = ", ".join(self.choices)
                raise Refused(f"{self.label} is one of: {listed}; not “{text}”.", field=name)
            case "flag":
                return self._flag(name, text)
            case "list":
                parts = _LISTED.split(_SPACED_COMMA.sub(",", narrow(text)))
                read = plain if self.narrow else typed
                return tuple(read(part) for part in parts if part)
            case "secret" | "secrets":
                return text
            case "person" | "channel":
                return self._mentioned(name, text)
            case _:
                return self._text(name, self._named(text))

    def canonical(self, name: str, text: str) -> str:
        """The one text for all that mean the same as `text`; none for a flag that is off.

        Raises Refused with the field's name.
        """
        value = self.read(name, text)
        match self.kind:
            case "flag":
                return "true" if value else ""
            case "list":
                return " ".join(value)
            case "image":  # a bare name is one in that directory (docs/dbc-api.md §8.30)
                inside = str(value).removeprefix(f"{DATA_DIR}/")
                return str(value) if "/" in inside else inside
            case _:
                return str(value)

    def _mentioned(self, name: str, text: str) -> str:
        pattern, sign, what = _MENTIONED[self.kind]
        found = pattern.fullmatch(typed(text))
        if found is None:
            raise Refused(
                f"“{text}” is not {what} that I can find.",
                hint=f"Type {sign} and choose from what Slack offers.",
                field=name,
            )
        return found[1]

    def _named(self, text: str) -> str:
        """The name that a text says."""
        if self.kind == "id":
            found = _IDENTIFIER.search(narrow(text))
            return found[0] if found else text.strip()
        named = _narrowed(text) if self.is_narrow else text.strip()
        return named.lower() if self.kind == "disk" else named  # DBC's disks are in lower case

    def _text(self, name: str, text: str) -> str:
        if not text:
            raise Refused(f"{self.label} is empty.", field=name)
        longest = _LONGEST_NAME if self.kind in NODES | {"vm"} else _LONGEST
        if len(text) > longest and self.kind != "line":
            told = f"{self.label} is too long: {longest} characters at most."
            raise Refused(told, field=name)
        return text

    def _integer(self, name: str, text: str) -> int:
        try:
            value = int(typed(text))
        except ValueError:
            raise Refused(f"{self.label} is a whole number, not “{text}”.", field=name) from None
        return self._bounded(name, value)

    def _size(self, name: str, text: str) -> int:
        number = typed(text)
        if number.startswith("-") and self.adds:
            raise Refused(
                f"A disk can only grow; “{number}” would make it smaller.",
                hint="Say how much to add, such as +50.",
                field=name,
            )
        if number.startswith("+") and not self.adds:
            raise Refused(
                f"{self.label} is the whole size, not how much to add.",
                hint="Say it without the plus sign.",
                field=name,
            )
        return self._bounded(name, gibibytes(number.removeprefix("+"), str(self.label), name))

    def _bounded(self, name: str, value: int) -> int:
        if not self.least <= value <= self.most:
            bounds = (
                f"{self.least} or more"
                if self.most == NO_LIMIT
                else f"between {self.least} and {self.most}"
            )
            raise Refused(f"{self.label} must be {bounds}, not {value}.", field=name)
        return value

    def _flag(self, name: str, text: str) -> bool:
        word = plain(text)
        if word in _TRUE:
            return True
        if word in _FALSE or not text.strip():
            return False
        raise Refused(f"{self.label} is on or off; “{text}” is neither.", field=name)


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
        Arg("Dry run", "flag", "Show what would be sent, and send nothing"),
        "--dry-run",
        changes=True,
    ),
    Option(FILTER, Arg("Filter", hint="Keep only the rows with this text"), "--filter …"),
    Option(JSON, Arg("JSON", "flag", "For machines"), "--json"),
    Option(FILE, Arg("File", "flag", "As a file"), "--file"),
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
        if self.arg.kind == "flag":
            return f"[{self.word}]"
        if self.arg.kind == "choice":
            shown = "|".join(self.arg.choices)
        elif self.arg.kind in _MENTIONED:
            shown = f"with <{_MENTIONED[self.arg.kind][1]}{self.word}>"
        else:
            shown = f"<{self.word}>" if self.arg.positional else "…"
        if not self.arg.positional:
            shown = f"{self.word}={shown}"
        return shown if self.required else f"[{shown}]"


Vm = Annotated[
    Machine,
    Arg("Machine", "vm", "Nickname, task id, or the beginning of one", "train-01", word="machine"),
]
OnNode = Annotated[
    Node, Arg("Node", "node", "Nickname, name or id of a node", "gpu1", names=(NODE_OPTION,))
]
AnyNode = Annotated[
    Node,
    Arg(
        "Node", "peer", "Nickname, name or id; a bare-metal machine's too", "gpu1",
        names=(NODE_OPTION,),
    ),
]  # fmt: skip
Metal = Annotated[
    Node, Arg("Machine", "metal", "Nickname, description, uuid, or node id", "slot-1")
]
Manager = Annotated[
    Node,
    Arg(
        "Manager", "manager", "The bare-metal manager: its node id, or what it is called here",
        "rack7",
    ),
]  # fmt: skip
Member = Annotated[str, Arg("Person", "person", "A member of this workspace", "@bob")]
Channel = Annotated[str, Arg("Channel", "channel", "Everybody in it", "#gpu-ops")]
AtNode = Annotated[
    Node,
    Arg(
        "Node",
        "node",
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
        "base",
        "An image file on the node, ending in .qcow2",
        "ubuntu.qcow2",
        names=("image_name",),
    ),
]
ImageServer = Annotated[
    str,
    Arg(
        "Image server",
        "server",
        "The image server's id; needed where there are several",
        "hub",
        names=("to", "from", "image_server"),
        positional=False,
    ),
]
NodeOrServer = Annotated[
    Node | str,
    Arg("Place", "place", "A node or an image server; empty: all that you can use", "gpu1"),
]
FromServer = Annotated[
    str,
    Arg(
        "From image server",
        "server",
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
        "server",
        "The image server's id; needed where there are several",
        "hub",
        word="to",
        names=("image_server",),
        positional=False,
    ),
]
Disk = Annotated[str, Arg("Disk", "disk", "Its name in the machine's list of disks", "vdb")]
KnownSnapshot = Annotated[
    str,
    Arg(
        "Snapshot", "snapshot", "One of the machine's snapshots", "before-upgrade", word="snapshot"
    ),
]
SnapshotName = Annotated[
    str,
    Arg(
        "Snapshot",
        "word",
        "Letters, digits, . _ and -",
        "before-upgrade",
        word="snapshot",
        narrow=True,
    ),
]
Nickname = Annotated[
    str, Arg("Nickname", "rest", "Letters, digits, . _ and -", "train-01", narrow=True)
]
Topic = Annotated[str, Arg("Command", "rest", "What to explain", "vm restart", word="command")]


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
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY and arg.kind != "flag":
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
