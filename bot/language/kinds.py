"""Kinds of arguments: each is one object, which knows all that sets it apart from others.

What a word may be, how it becomes a value and its one text, how it reads, which field of a form
asks for it, by what it is narrowed. What needs services is bound to these objects where they are:
options in `bot.pipeline.search`, known names in `meant`, machines and nodes in `targets`.
"""

import re
from dataclasses import dataclass, replace
from typing import Any

from bot.dbc.fields import DATA_DIR
from bot.errors import Refused
from bot.folding import narrow, plain, typed
from bot.ids import UserId
from bot.language.bounds import NO_LIMIT, bounded
from bot.language.chinese import choice
from bot.language.kind import WORD, Arg, Kind, narrowed
from bot.language.secret_like import masked
from bot.language.sizes import gibibytes, is_size
from bot.language.taking import Binds, Takes
from bot.model import NodeKind
from bot.reply import (
    FieldKind,
    Line,
    Phrase,
    Words,
    any_of,
    channel,
    line,
    listed,
    mention,
    say,
)

_LONGEST_NAME = 150  # in characters

_IDENTIFIER = re.compile(r"[A-Za-z0-9]+")  # one of the bot's own, whatever stands around it
_DISK = re.compile("vd[a-z]")
_COUNTER = re.compile(r"(?<=\d)\s*(?:cores?|gpus?|cards?|[核个個张張块塊卡])$", re.IGNORECASE)
_HOURS = re.compile(r"\s*(?:h|hrs?|hours?|[个個]?小[时時]|[时時])$", re.IGNORECASE)
_LISTED = re.compile(r"[\s;]+")
_SPACED_COMMA = re.compile(r"\s*,\s*(?=\d)")  # `tcp, 8080` is one part
_TRUE = frozenset({"true", "yes", "1", "on", "y"})
_FALSE = frozenset({"false", "no", "0", "off", "n"})
_NOBODY = say("I cannot find a person called “{text}”.")


@dataclass(frozen=True, slots=True, eq=False)
class _Identifier(Kind):
    def named(self, arg: Arg, text: str) -> str:
        found = _IDENTIFIER.search(narrow(text))
        return found[0] if found else text.strip()


@dataclass(frozen=True, slots=True, eq=False)
class _Reason(Kind):
    """Words that others read and the audit keeps: what looks like a secret is masked in them."""

    def named(self, arg: Arg, text: str) -> str:
        return masked(Kind.named(self, arg, text))


def is_disk(text: str) -> bool:
    """Whether it is what DBC calls a disk."""
    return _DISK.fullmatch(plain(text)) is not None


@dataclass(frozen=True, slots=True, eq=False)
class _Disk(Kind):
    def accepts(self, arg: Arg, word: str) -> bool:
        return not is_size(typed(word))  # `disk resize train-01 200G` names no disk

    def named(self, arg: Arg, text: str) -> str:
        return narrowed(text).lower()  # DBC's disks are in lower case


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

    def accepts(self, arg: Arg, word: str) -> bool:
        return word.startswith(self.sign)

    def read(self, arg: Arg, name: str, text: str) -> str:
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

    def shown(self, arg: Arg, word: str) -> str:
        return f"with <{self.sign}{word}>"


def _whole(arg: Arg, name: str) -> Refused:
    """The refusal of a number with a plus sign where nothing is added."""
    return Refused(
        say("{label} is the whole of it, not how much to add.", label=arg.label),
        hint=say("Leave out the plus sign."),
        field=name,
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Integer(Kind):
    def accepts(self, arg: Arg, word: str) -> bool:
        return typed(word).removeprefix("-").isdecimal()

    def read(self, arg: Arg, name: str, text: str) -> int:
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

    def accepts(self, arg: Arg, word: str) -> bool:
        return _Integer.accepts(self, arg, word.removeprefix("#"))

    def read(self, arg: Arg, name: str, text: str) -> int:
        return _Integer.read(self, arg, name, text.strip().removeprefix("#"))


@dataclass(frozen=True, slots=True, eq=False)
class _Hours(_Integer):
    """A number of hours, with its unit or without: `2`, `2h`, `2小时`."""

    def accepts(self, arg: Arg, word: str) -> bool:
        return _Integer.accepts(self, arg, _HOURS.sub("", typed(word)))

    def read(self, arg: Arg, name: str, text: str) -> int:
        return _Integer.read(self, arg, name, _HOURS.sub("", typed(text)))


@dataclass(frozen=True, slots=True, eq=False)
class _Size(Kind):
    def accepts(self, arg: Arg, word: str) -> bool:
        """Whether it is one; how much to add only where a sign says so."""
        return is_size(typed(word)) and (not arg.adds or typed(word)[0] in "+-")

    def read(self, arg: Arg, name: str, text: str) -> int:
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
    def accepts(self, arg: Arg, word: str) -> bool:
        return choice(word, arg.choices) in arg.choices

    def read(self, arg: Arg, name: str, text: str) -> str:
        if (word := choice(text, arg.choices)) in arg.choices:
            return word
        told = say(
            "{label} must be {choices}, not “{text}”.",
            label=arg.label, choices=any_of(arg.choices), text=text,
        )  # fmt: skip
        raise Refused(told, field=name)

    def shown(self, arg: Arg, word: str) -> str:
        return "|".join(arg.choices)


@dataclass(frozen=True, slots=True, eq=False)
class _Flag(Kind):
    def accepts(self, arg: Arg, word: str) -> bool:
        return False  # it is typed by its name

    def read(self, arg: Arg, name: str, text: str) -> bool:
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

    def read(self, arg: Arg, name: str, text: str) -> tuple[str, ...]:
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
    def accepts(self, arg: Arg, word: str) -> bool:
        return False  # it is never typed

    def read(self, arg: Arg, name: str, text: str) -> str:
        return text

    def said(self, text: str) -> Words:
        return say("given, not shown") if text else ""


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

ALL = (
    WORD,
    *(one for one in list(globals().values()) if isinstance(one, Kind) and one is not WORD),
)
