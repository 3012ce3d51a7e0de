"""Forms as data: their fields and choices."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum, auto

from bot.reply.parts import Part
from bot.reply.text import Text, Words


class FieldKind(StrEnum):
    """What a field asks for, and so which of Slack's elements it is."""

    TEXT = auto()
    LINES = auto()
    NUMBER = auto()
    CHOICE = auto()
    FLAG = auto()
    SEARCH = auto()
    PERSON = auto()
    CHANNEL = auto()
    TIME = auto()  # of a day


@dataclass(frozen=True, slots=True)
class Choice:
    """One option of a field: what is shown and what is meant."""

    label: Text
    value: str
    hint: Text = ""


@dataclass(frozen=True, slots=True)
class FormField:
    """One input of a form.

    `search` fields ask the bot for options as the person types; `source` says for what
    ("vm", "node", "image"). `initial` is prefilled text, or the option for choices. `decides`:
    what other fields offer or show depends on it, so its choice is told at once. `rare`: it may be
    left out until somebody asks for more.
    """

    name: str
    label: Text
    kind: FieldKind
    hint: Text = ""
    placeholder: Text = ""
    required: bool = True
    initial: Choice | None = None
    choices: tuple[Choice, ...] = ()
    source: str = ""
    decides: bool = False
    rare: bool = False


@dataclass(frozen=True, slots=True)
class Form:
    """A form for one command. `kept` is what was given beside the fields and comes back with them.

    It is readable for the person: nothing secret.
    """

    command: str
    title: Text
    submit: Text
    fields: tuple[FormField, ...]
    intro: tuple[Part, ...] = ()
    errors: Mapping[str, Words] = field(default_factory=dict)
    kept: Mapping[str, str] = field(default_factory=dict)
