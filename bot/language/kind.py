"""What every argument and every kind of one says of itself; the kinds stand in `kinds`."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bot.errors import Refused
from bot.folding import narrow, typed
from bot.language.bounds import NO_LIMIT
from bot.language.chinese import is_every
from bot.language.taking import Binds, Takes
from bot.model import NodeKind
from bot.reply import FieldKind, Text, Words, say

_LONGEST = 500  # in characters: a form has to carry what stands in none of its fields
_NAME = re.compile(r"[\w.+/:-]+")


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
        return narrowed(text) if arg.is_narrow else text.strip()

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


def narrowed(text: str) -> str:
    """A name in the characters of a keyboard; what could be a part of it stays."""
    name = narrow(text)
    return name if _NAME.fullmatch(name) else typed(text)


WORD = Kind("word", is_free=True, is_rowed=True)


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

    def said(self, text: str) -> Words:
        """How its text reads in a review: a choice as the form calls it."""
        if self.labels and text in self.choices:
            return self.labels[self.choices.index(text)]
        return self.kind.said(text)

    def read(self, name: str, text: str) -> Any:
        """The value that `text` means. Raises Refused with the field's name."""
        return self.kind.read(self, name, text)

    def canonical(self, name: str, text: str) -> str:
        """The one text for all that mean the same as `text`; none for a flag that is off.

        Raises Refused with the field's name.
        """
        return self.kind.canonical(self.read(name, text))
