"""Kinds of arguments: each is one object, which knows all that sets it apart from others.

What a word may be, how it becomes a value and its one text, how it reads, which field of a form
asks for it, by what it is narrowed. What needs services is bound to these objects where they are:
options in `bot.pipeline.search`, known names in `meant`, machines and nodes in `targets`.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from bot.dbc.fields import DATA_DIR
from bot.errors import Refused
from bot.folding import narrow, plain, typed
from bot.ids import UserId
from bot.language.bounds import NO_LIMIT, bounded
from bot.language.chinese import choice, is_every
from bot.language.secret_like import masked
from bot.language.sizes import gibibytes, is_size
from bot.language.taking import Binds, Takes
from bot.model import NodeKind
from bot.reply import (
    FieldKind,
    Line,
    Phrase,
    Text,
    Words,
    any_of,
    channel,
    line,
    listed,
    mention,
    say,
)

# In characters: a form has to carry what stands in none of its fields.
_LONGEST, _LONGEST_NAME = 500, 150

_NAME = re.compile(r"[\w.+/:-]+")
_IDENTIFIER = re.compile(r"[A-Za-z0-9]+")  # one of the bot's own, whatever stands around it
_COUNTER = re.compile(r"(?<=\d)\s*(?:cores?|gpus?|cards?|[核个個张張块塊卡])$", re.IGNORECASE)
_HOURS = re.compile(r"\s*(?:h|hrs?|hours?|[个個]?小[时時]|[时時])$", re.IGNORECASE)
_LISTED = re.compile(r"[\s;]+")
_SPACED_COMMA = re.compile(r"\s*,\s*(?=\d)")  # `tcp, 8080` is one part
_TRUE = frozenset({"true", "yes", "1", "on", "y"})
_FALSE = frozenset({"false", "no", "0", "off", "n"})
_NOBODY = say("I cannot find a person called “{text}”.")


@dataclass(frozen=True, slots=True, eq=False)
class Kind:
    """A kind of argument: this class reads a text or a name, others are classes of their own.

    `name` is its search field's source. `narrowed_by`: what is offered depends on an argument of
    these kinds, where the command has one. `nodes`: what may be meant, of one that is looked up
    among nodes; with `has_default`, a node may be meant that is not named; with `is_own`, a form
    offers those alone for which this person keeps a session. `is_narrow`: it has only the
    characters of a keyboard. `after`: prepositions behind which it stands. `is_free`: it
    may have commas of its own. `is_rowed`: lists begin with it and say more of it behind;
    `is_numbered`: they call it by its number; `shows_machine`: they say a machine's name.
    `may_be_unseen`: it may be given though nobody has seen it yet: a path, a disk just added.
    `is_menu`: a form offers all there is by what it is, so it shows no number as an example.
    `strictness`: which kinds take few words, before those that take any.
    """

    name: str
    field: FieldKind = FieldKind.TEXT
    binds: Binds = Binds.VALUE
    takes: Takes = Takes.WORD
    nodes: frozenset[NodeKind] = frozenset()
    narrowed_by: "tuple[Kind, ...]" = ()
    after: tuple[str, ...] = ()
    longest: int = _LONGEST
    strictness: int = 2
    has_default: bool = False
    is_own: bool = False
    is_narrow: bool = False
    is_free: bool = False
    is_rowed: bool = False
    is_numbered: bool = False
    shows_machine: bool = False
    may_be_unseen: bool = False
    is_menu: bool = False
    is_secret: bool = False
    is_flag: bool = False
    is_choice: bool = False
    is_list: bool = False
    is_number: bool = False
    has_unit: bool = False

    @property
    def is_machine(self) -> bool:
        """Whether it names a machine."""
        return self.binds is Binds.MACHINE

    @property
    def is_node(self) -> bool:
        """Whether it is looked up among nodes."""
        return self.binds is Binds.NODE

    @property
    def is_target(self) -> bool:
        """Whether it says to which machine or node something is done."""
        return self.is_machine or self.is_node

    @property
    def is_metal(self) -> bool:
        """Whether it names a bare-metal machine, and nothing else."""
        return self.nodes == {NodeKind.METAL}

    @property
    def is_sought(self) -> bool:
        """Whether options are offered for it as somebody types."""
        return self.field is FieldKind.SEARCH

    def accepts(self, arg: "Arg", word: str) -> bool:
        """Whether a bare word can be meant for it."""
        return not (self.is_node and word[:1] in {"@", "#"})

    def named(self, arg: "Arg", text: str) -> str:
        """The name that a text says."""
        return _narrowed(text) if arg.is_narrow else text.strip()

    def read(self, arg: "Arg", name: str, text: str) -> Any:
        """The value that `text` means. Raises Refused with the field's name."""
        text = self.named(arg, text)
        if not text:
            raise Refused(say("{label} is empty.", label=arg.label), field=name)
        if len(text) > self.longest:
            told = say(
                "{label} is too long: {most} characters at most.",
                label=arg.label, most=self.longest,
            )  # fmt: skip
            raise Refused(told, field=name)
        return text

    def canonical(self, value: Any) -> str:
        """The one text for a value."""
        return str(value)

    def said(self, text: str) -> Words:
        """How its text reads in a review."""
        return text

    def shown(self, arg: "Arg", word: str) -> str:
        """How it stands in a usage line."""
        return f"<{word}>" if arg.positional else "…"


@dataclass(frozen=True, slots=True, eq=False)
class _Identifier(Kind):
    def named(self, arg: "Arg", text: str) -> str:
        found = _IDENTIFIER.search(narrow(text))
        return found[0] if found else text.strip()


@dataclass(frozen=True, slots=True, eq=False)
class _Reason(Kind):
    """Words that others read and the audit keeps: what looks like a secret is masked in them."""

    def named(self, arg: "Arg", text: str) -> str:
        return masked(Kind.named(self, arg, text))


@dataclass(frozen=True, slots=True, eq=False)
class _Disk(Kind):
    def accepts(self, arg: "Arg", word: str) -> bool:
        return not is_size(typed(word))  # `disk resize train-01 200G` names no disk

    def named(self, arg: "Arg", text: str) -> str:
        return _narrowed(text).lower()  # DBC's disks are in lower case


@dataclass(frozen=True, slots=True, eq=False)
class _ImageFile(Kind):
    def canonical(self, value: Any) -> str:
        # A bare name is one in that directory (docs/dbc-api.md §8.30).
        inside = str(value).removeprefix(f"{DATA_DIR}/")
        return str(value) if "/" in inside else inside


@dataclass(frozen=True, slots=True, eq=False)
class _Mention(Kind):
    """One of Slack's ids; a mention is read as one of these with its sign."""

    sign: str = ""
    pattern: re.Pattern[str] = re.compile("")
    unknown: Phrase = _NOBODY  # what is told of a text that is none

    def accepts(self, arg: "Arg", word: str) -> bool:
        return word.startswith(self.sign)

    def read(self, arg: "Arg", name: str, text: str) -> str:
        found = self.pattern.fullmatch(typed(text))
        if found is None:
            raise Refused(
                self.unknown.filled(lambda _: text),
                hint=say("Type {sign} and choose from what Slack offers.", sign=self.sign),
                field=name,
            )
        return found[1]

    def said(self, text: str) -> Words:
        spoken = mention if self.sign == "@" else channel
        return line(spoken(UserId(text))) if text else ""

    def shown(self, arg: "Arg", word: str) -> str:
        return f"with <{self.sign}{word}>"


def _whole(arg: "Arg", name: str) -> Refused:
    """The refusal of a number with a plus sign where nothing is added."""
    return Refused(
        say("{label} is the whole of it, not how much to add.", label=arg.label),
        hint=say("Leave out the plus sign."),
        field=name,
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Integer(Kind):
    def accepts(self, arg: "Arg", word: str) -> bool:
        return typed(word).removeprefix("-").isdecimal()

    def read(self, arg: "Arg", name: str, text: str) -> int:
        if typed(text).startswith("+"):
            raise _whole(arg, name)
        try:
            value = int(_COUNTER.sub("", typed(text)))
        except ValueError:
            told = say("{label} must be a whole number, not “{text}”.", label=arg.label, text=text)
            raise Refused(told, field=name) from None
        return bounded(arg.label, arg.least, arg.most, name, value)


@dataclass(frozen=True, slots=True, eq=False)
class _Numbered(_Integer):
    """The number of something, as people write it: `#1287`."""

    def accepts(self, arg: "Arg", word: str) -> bool:
        return _Integer.accepts(self, arg, word.removeprefix("#"))

    def read(self, arg: "Arg", name: str, text: str) -> int:
        return _Integer.read(self, arg, name, text.strip().removeprefix("#"))


@dataclass(frozen=True, slots=True, eq=False)
class _Hours(_Integer):
    """A number of hours, with its unit or without: `2`, `2h`, `2小时`."""

    def accepts(self, arg: "Arg", word: str) -> bool:
        return _Integer.accepts(self, arg, _HOURS.sub("", typed(word)))

    def read(self, arg: "Arg", name: str, text: str) -> int:
        return _Integer.read(self, arg, name, _HOURS.sub("", typed(text)))


@dataclass(frozen=True, slots=True, eq=False)
class _Size(Kind):
    def accepts(self, arg: "Arg", word: str) -> bool:
        """Whether it is one; how much to add only where a sign says so."""
        return is_size(typed(word)) and (not arg.adds or typed(word)[0] in "+-")

    def read(self, arg: "Arg", name: str, text: str) -> int:
        number = typed(text)
        if number.startswith("-") and arg.adds:
            raise Refused(
                say("A disk can only grow; “{number}” would make it smaller.", number=number),
                hint=say("Say how much to add, such as +50."),
                field=name,
            )
        if number.startswith("+") and not arg.adds:
            raise _whole(arg, name)
        return bounded(
            arg.label,
            arg.least,
            arg.most,
            name,
            gibibytes(number.removeprefix("+"), arg.label, name),
        )


@dataclass(frozen=True, slots=True, eq=False)
class _Choice(Kind):
    def accepts(self, arg: "Arg", word: str) -> bool:
        return choice(word, arg.choices) in arg.choices

    def read(self, arg: "Arg", name: str, text: str) -> str:
        if (word := choice(text, arg.choices)) in arg.choices:
            return word
        told = say(
            "{label} must be {choices}, not “{text}”.",
            label=arg.label, choices=any_of(arg.choices), text=text,
        )  # fmt: skip
        raise Refused(told, field=name)

    def shown(self, arg: "Arg", word: str) -> str:
        return "|".join(arg.choices)


@dataclass(frozen=True, slots=True, eq=False)
class _Flag(Kind):
    def accepts(self, arg: "Arg", word: str) -> bool:
        return False  # it is typed by its name

    def read(self, arg: "Arg", name: str, text: str) -> bool:
        word = plain(text)
        if word in _TRUE:
            return True
        if word in _FALSE or not text.strip():
            return False
        told = say("{label} must be on or off, not “{text}”.", label=arg.label, text=text)
        raise Refused(told, field=name)

    def canonical(self, value: Any) -> str:
        return "true" if value else ""

    def said(self, text: str) -> Words:
        return say("yes") if text else ""


@dataclass(frozen=True, slots=True, eq=False)
class ListKind(Kind):
    """Several words, which one text has with blanks between them."""

    def read(self, arg: "Arg", name: str, text: str) -> tuple[str, ...]:
        """The words, each in the characters of a keyboard."""
        parts = _LISTED.split(_SPACED_COMMA.sub(",", narrow(text)))
        read = plain if arg.narrow else typed
        return tuple(read(part) for part in parts if part)

    def canonical(self, value: Any) -> str:
        """All of them, with blanks between."""
        return " ".join(value)

    def said(self, text: str) -> Line:
        """How they read in a review."""
        return listed(text.split())


@dataclass(frozen=True, slots=True, eq=False)
class _Secret(Kind):
    def accepts(self, arg: "Arg", word: str) -> bool:
        return False  # it is never typed

    def read(self, arg: "Arg", name: str, text: str) -> str:
        return text

    def said(self, text: str) -> Words:
        return say("given, not shown") if text else ""


def _narrowed(text: str) -> str:
    """A name in the characters of a keyboard; what could be a part of it stays."""
    name = narrow(text)
    return name if _NAME.fullmatch(name) else typed(text)


def _node(name: str, *nodes: NodeKind, has_default: bool = False, may_be_unseen: bool) -> Kind:
    return Kind(
        name,
        FieldKind.SEARCH,
        Binds.NODE,
        nodes=frozenset(nodes),
        longest=_LONGEST_NAME,
        has_default=has_default,
        may_be_unseen=may_be_unseen,
    )


# What is looked up
VM = Kind("vm", FieldKind.SEARCH, Binds.MACHINE, longest=_LONGEST_NAME, shows_machine=True)
NODE = _node("node", NodeKind.GPU, has_default=True, may_be_unseen=False)
PEER = _node("peer", *NodeKind, has_default=True, may_be_unseen=True)  # of any sort
HELD = replace(PEER, name="held", is_own=True, may_be_unseen=False)
METAL = _node("metal", NodeKind.METAL, may_be_unseen=True)
MANAGER = _node("manager", NodeKind.MANAGER, may_be_unseen=True)
PLACE = Kind("place", FieldKind.SEARCH, Binds.PLACE, is_rowed=True, may_be_unseen=True)

# What DBC knows by names of letters, digits and a few signs
SERVER = Kind(
    "server", FieldKind.SEARCH, after=("from", "to"),
    is_narrow=True, is_rowed=True, may_be_unseen=True,
)  # fmt: skip
IMAGE = _ImageFile(
    "image",
    FieldKind.SEARCH,
    narrowed_by=(NODE,),
    is_narrow=True,
    is_rowed=True,
    may_be_unseen=True,
)
BASE = Kind(
    "base", FieldKind.SEARCH, narrowed_by=(NODE,), is_narrow=True, is_rowed=True, may_be_unseen=True
)
STORED = replace(BASE, name="stored", narrowed_by=(SERVER,))
DISK = _Disk(
    "disk", FieldKind.SEARCH, narrowed_by=(VM,), is_narrow=True, is_rowed=True, may_be_unseen=True
)
SNAPSHOT = replace(BASE, name="snapshot", narrowed_by=(VM,))
NETWORK = replace(BASE, name="network")

# What Slack knows
PERSON = _Mention(
    "person", FieldKind.PERSON, is_narrow=True,
    sign="@", pattern=re.compile(r"@?([UW][A-Z0-9]+)"),
)  # fmt: skip
CHANNEL = _Mention(
    "channel", FieldKind.CHANNEL, is_narrow=True,
    sign="#", pattern=re.compile(r"#?([CG][A-Z0-9]+)"),
    unknown=say("I cannot find a channel called “{text}”."),
)  # fmt: skip

# What the bot itself numbers or keeps: a form offers what there is for this person
REQUEST = _Identifier("request", FieldKind.SEARCH, is_menu=True, is_numbered=True)
DECISION = replace(REQUEST, name="decision")
APPROVAL = replace(REQUEST, name="approval", may_be_unseen=True)
WATCH = Kind("watch", FieldKind.SEARCH, is_menu=True, is_numbered=True, shows_machine=True)
DEFAULT = Kind("default", FieldKind.SEARCH, is_free=True, is_rowed=True)  # a node, or none
ALIAS = Kind("alias", FieldKind.SEARCH, is_menu=True, is_free=True, is_rowed=True)
WATCHED = replace(ALIAS, name="watched")
RENTAL = replace(ALIAS, name="rental", may_be_unseen=True)

# Texts, numbers, choices
WORD = Kind("word", is_free=True, is_rowed=True)
MOMENT = Kind("moment", is_free=True)
REST = Kind("rest", takes=Takes.REST, is_free=True)
LINE = _Reason("line", takes=Takes.LINE, is_free=True, longest=NO_LIMIT)
REASON = _Reason("reason", is_free=True, is_rowed=True)
WHY = _Reason("why", takes=Takes.REST, is_free=True)
HOURS = _Hours("hours", FieldKind.NUMBER, strictness=1, is_number=True)
INT = _Integer("int", FieldKind.NUMBER, strictness=1, is_number=True)
ORDER = _Numbered(
    "order", FieldKind.SEARCH, strictness=1,
    is_number=True, is_menu=True, may_be_unseen=True, is_numbered=True,
)  # fmt: skip
SIZE = _Size("size", after=("by", "to"), is_number=True, has_unit=True)
CHOICE = _Choice("choice", FieldKind.CHOICE, strictness=0, is_choice=True)
FLAG = _Flag("flag", FieldKind.FLAG, is_flag=True)
LIST = ListKind("list", FieldKind.LINES, is_list=True)
SECRET = _Secret("secret", is_secret=True)  # one line
SECRETS = _Secret("secrets", FieldKind.LINES, is_secret=True)  # several

ALL = tuple(one for one in list(globals().values()) if isinstance(one, Kind))


@dataclass(frozen=True, slots=True)
class Arg:
    """What a parameter takes. `hint` is help for forms and documentation.

    `word` is what usage lines and documentation call it, if not by the parameter's name; `names`
    are further spellings of `key=`; `labels` are what a form calls its `choices`. `least` and
    `most` bound integers; a `size` that `adds` is by how much a disk grows; a bare word is that
    only with a sign. `instead` names the required argument in whose place this one may be given.
    `positional` says whether a bare word may fill it. `narrow`: it is no free text, but has only
    the characters of a keyboard; the parts of a `list` then have no capital letters. `rare`: a
    form shows it on demand. `pressed`: only the button that is named after it gives it, so no form
    asks for it and no suggestion carries it. `spoken` finds it in a sentence that is no command.
    """

    label: Text
    kind: Kind = WORD
    hint: Text = ""
    example: str = ""
    least: int = 0
    most: int = NO_LIMIT
    choices: tuple[str, ...] = ()
    labels: tuple[Text, ...] = ()
    word: str = ""
    names: tuple[str, ...] = ()
    adds: bool = False
    instead: str = ""
    positional: bool = True
    narrow: bool = False
    rare: bool = False
    pressed: bool = False
    spoken: Callable[[str], str] | None = None

    @property
    def is_narrow(self) -> bool:
        """Whether it has only the characters of a keyboard, whatever it was typed with."""
        return self.kind.is_narrow or self.narrow

    def means_several(self, text: str) -> bool:
        """Whether a text says “all of them”, of what a form has to choose one of."""
        return (self.kind.is_target or self.kind.is_sought) and is_every(text)

    def accepts(self, word: str) -> bool:
        """Whether a bare word can be meant for this argument."""
        return self.positional and self.kind.accepts(self, word)

    def read(self, name: str, text: str) -> Any:
        """The value that `text` means. Raises Refused with the field's name."""
        return self.kind.read(self, name, text)

    def canonical(self, name: str, text: str) -> str:
        """The one text for all that mean the same as `text`; none for a flag that is off.

        Raises Refused with the field's name.
        """
        return self.kind.canonical(self.read(name, text))
