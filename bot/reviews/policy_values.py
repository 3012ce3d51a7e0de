"""What rules are made of: times, ids, people; and the tables of the file that are no rules."""

import re
from collections.abc import Iterable
from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo

from bot.ids import UserId

_SPAN = re.compile(r"([0-9]{1,9})\s*(s|min|m|h|d)")
_UNITS = {"s": "seconds", "min": "minutes", "m": "minutes", "h": "hours", "d": "days"}
_LONGEST = timedelta(days=365)


def _span(value: object) -> object:
    found = _SPAN.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None:
        raise ValueError("is a time like 30min or 2h")
    span = timedelta(**{_UNITS[found[2]]: int(found[1])})
    if not timedelta() < span <= _LONGEST:
        raise ValueError(f"is a time of at least 1s and at most {_LONGEST.days}d")
    return span


def _listed(value: object) -> object:
    return (value,) if isinstance(value, str) else as_tuple(value)


def as_tuple(value: object) -> object:
    """A list of the file as what cannot be changed; anything else as it is, for the checks."""
    return tuple(value) if isinstance(value, list) else value


def _by_id(what: str, pattern: str, example: str) -> AfterValidator:
    """A file names by id: under a name, which anybody may change, a rule would guard nothing."""

    def check(value: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        for one in value if info.context is not None else ():
            if re.fullmatch(pattern, one) is None:
                raise ValueError(f"names {what} by id, like {example}, not “{one}”")
        return value

    return AfterValidator(check)


def _channel(value: str, info: ValidationInfo) -> str:
    if value and info.context is not None and re.fullmatch(r"[CDG][A-Z0-9]+", value) is None:
        raise ValueError(f"names a channel by id, like C0123ABCD, not “{value}”")
    return value


Span = Annotated[timedelta, BeforeValidator(_span)]
Texts = Annotated[tuple[str, ...], BeforeValidator(_listed)]
Persons = Annotated[Texts, _by_id("people", r"[UW][A-Z0-9]+", "U0123ABCD")]
Groups = Annotated[Texts, _by_id("user groups", r"S[A-Z0-9]+", "S0123ABCD")]
Channel = Annotated[str, AfterValidator(_channel)]
Channels = Annotated[Texts, _by_id("channels", r"[CDG][A-Z0-9]+", "C0123ABCD")]
Nodes = Annotated[Texts, _by_id("nodes", r"[0-9a-f]{64}", "b1a9e7…")]


class Strict(BaseModel):
    """A table of the file: nothing in it is guessed, converted or passed over."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class People(Strict):
    """Some people, by Slack id. Empty means nobody."""

    persons: Persons = ()
    groups: Groups = ()

    @property
    def is_anybody(self) -> bool:
        """Whether anybody is named at all."""
        return bool(self.persons or self.groups)

    def has(self, person: UserId, groups: Iterable[str]) -> bool:
        """Whether a person with these user groups is one of them."""
        return person in self.persons or any(group in self.groups for group in groups)


class AuditSettings(Strict):
    """Where the audit's head is posted once a day (empty: nowhere), and who reads all of it."""

    channel: Channel = ""
    auditors: People = People()


class FreezeSettings(Strict):
    """Who may stop all changes of machines and let them go on, and where that is announced."""

    people: People = People()
    channel: Channel = ""


class DoctorSettings(Strict):
    """Who may have the bot look at itself from Slack."""

    people: People = People()


def _with_destroys(within: timedelta, info: ValidationInfo) -> timedelta:
    if info.data.get("destroys", ...) is None:
        raise ValueError("counts for nothing without `destroys`: nothing would be held back")
    return within


class BreakerSettings(Strict):
    """After how many commands that destroy within what time the next one is held back."""

    destroys: Annotated[int, Field(ge=1, le=1000)] | None = None
    within: Annotated[Span, AfterValidator(_with_destroys)] = timedelta(hours=1)


class LimitSettings(Strict):
    """How many changes one person, and all in one channel, may request within a time.

    `waiting`: how many of one person may wait for one machine.
    """

    person: Annotated[int, Field(ge=1, le=10_000)] = 30
    channel: Annotated[int, Field(ge=1, le=10_000)] = 100
    within: Span = timedelta(minutes=10)
    waiting: Annotated[int, Field(ge=1, le=100)] = 5


class OrderSettings(Strict):
    """Where everybody is told of rentals that end, beside those concerned (empty: nowhere)."""

    channel: Channel = ""


def _with_machines(ssh: bool, info: ValidationInfo) -> bool:  # noqa: FBT001 - pydantic's own
    if ssh and not info.data.get("machines", True):
        raise ValueError("needs `machines = true`: ports are tried of machines that are watched")
    return ssh


class OutageSettings(Strict):
    """What is told of what nobody asked for, and where everybody is told (empty: nowhere).

    `nodes`: that one does not answer. `machines`: that one was changed outside the bot. `ssh`: that
    a running machine's SSH port does not answer, which the bot then tries to connect to.
    """

    nodes: bool = True
    machines: bool = True
    ssh: Annotated[bool, AfterValidator(_with_machines)] = False
    channel: Channel = ""


class Budget(Strict):
    """What machines may cost in a month: those made by some people, or in some channels, or both.

    In whole USD or DBC. Its people are told at `warn` percent and at all of it; from then on
    whatever makes its cost grow needs so many `approvals`.
    """

    name: Annotated[str, Field(min_length=1, max_length=60)]
    person: Persons = ()
    channel: Channels = ()
    usd: Annotated[int, Field(ge=1, le=10**9)] | None = None
    dbc: Annotated[int, Field(ge=1, le=10**12)] | None = None
    warn: Annotated[int, Field(ge=1, le=99)] = 80
    approvals: Annotated[int, Field(ge=1, le=20)] = 1
