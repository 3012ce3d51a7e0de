"""What can go wrong, as classes that own their sentence.

A failure is raised where it is known and becomes words in one place (`from_error`).
Nothing here knows Slack, SQL or HTTP.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import TypeVar

from bot.reply import (
    Actions,
    Button,
    Fault,
    Line,
    Note,
    Para,
    Part,
    Reply,
    Severity,
    Text,
    Words,
    as_phrase,
    code,
    emoji,
    line,
    say,
    sentences,
    with_mentions,
)

NOTHING_DONE = say("Nothing was done.")
AGAIN = say("Request it once more, by command or form.")
# The hint where no button does it, and nothing else says that it was not done.
ONCE_MORE = say("Nothing was done. Request it once more, by command or form.")
NOTHING_LEARNT: Mapping[str, str] = MappingProxyType({})


_T = TypeVar("_T")


def certain(value: _T | None, why: str) -> _T:
    """The value, which is there unless the bot has a fault. Raises LookupError where it is not."""
    if value is None:
        raise LookupError(f"None, although {why}")
    return value


class BotError(Exception):
    """A failure with a sentence for the person.

    `words` say what was wrong, `sentence` is the same in English, for logs and records; `hint`
    says what to do about it (may be empty, may name a command);
    `field` names the argument it belongs to, so that a form can show it there. None of them ever
    holds a secret.
    `said` are the other side's own words where they tell more than ours; they come from outside.
    `answer` is a sentence about an answer that left it open whether a change was carried out.
    `may_show_later`: where nobody knows what became of it, a later look may show it.
    `during` is what was being done, where whoever reads it may no longer see what they asked for.
    `offers` are buttons for what to do about it.
    `learnt` are facts found out before it failed, for whoever settles what is unknown.
    `passes`: the same request may go through at another moment; of no other it is offered again.
    """

    severity = Severity.FAILED
    said: Text = ""
    answer: Text = ""
    may_show_later = True
    passes = False
    during: Words = ""
    learnt = NOTHING_LEARNT
    offers: tuple[Button, ...] = ()

    def __init__(self, sentence: Text, *, hint: Words = "", field: str = "") -> None:
        super().__init__(str(sentence))
        self.words = sentence
        self.hint = hint
        self.field = field

    @property
    def sentence(self) -> str:
        """What was wrong, in English."""
        return str(self.words)


class Taken(BotError):
    """Another process has what this one needs, a port or the database's file: it may let go."""


class Faulty(BotError):
    """The bot itself is at fault, before anything was sent; the log has more under this id."""

    def __init__(self, error_id: str) -> None:
        super().__init__(
            say("Something went wrong on my side before anything was sent."),
            hint=say("Please tell whoever runs this bot: error {id}.", id=code(error_id)),
        )


class Refused(BotError):
    """Bad input, a missing right, a wrong moment: nothing was sent and nothing has changed."""

    severity = Severity.REFUSED


class Passing(Refused):
    """It could not be done as it was decided, or at that moment: requested again, it may be."""

    passes = True


class Faults(Refused):
    """Several things are wrong at once, each with the argument that it is about."""

    def __init__(self, refusals: Sequence[BotError]) -> None:
        told = sentences(line(one.words) for one in refusals)
        hints = dict.fromkeys(line(one.hint) for one in refusals if one.hint)
        super().__init__(as_phrase(told), hint=sentences(hints), field=refusals[0].field)
        self.refusals = tuple(refusals)
        self.passes = all(one.passes for one in refusals)


def refuse_all(checks: Iterable[Callable[[], object]]) -> None:
    """Make all checks, and raise what any of them has against it: every fault in one refusal."""
    found: dict[str, BotError] = {}
    for check in checks:
        try:
            check()
        except Refused as refusal:
            for one in refusal.refusals if isinstance(refusal, Faults) else (refusal,):
                found.setdefault(one.field, one)
    raise_all(tuple(found.values()))


def raise_all(refusals: Sequence[BotError]) -> None:
    """Raise them as one, where there are any."""
    if len(refusals) == 1:
        raise refusals[0]
    if refusals:
        raise Faults(refusals)


class Denied(Refused):
    """The site's rules deny it, in their own words."""


class NotFound(Refused):
    """What was named does not exist."""


class Conflict(Refused):
    """What was asked clashes with what is there, which changes."""

    passes = True


_SIGNS = {
    Severity.REFUSED: "no_entry_sign",
    Severity.FAILED: "x",
    Severity.UNKNOWN: "grey_question",
}


def from_error(error: BotError) -> Reply:
    """The one place where a failure becomes words."""
    sentence = with_mentions(error.words)
    if error.during:
        names = {"what": line(error.during), "told": sentence}
        sentence = line(say("“{what}” failed: {told}", **names))
    sign = emoji(_SIGNS[error.severity])
    parts: list[Part] = [Para(line(sign, " ", sentence))]
    if isinstance(error, Faults):
        parts = [Para(line(sign, " ", with_mentions(one.words))) for one in error.refusals]
    if told := advice(error):
        parts.append(Note(told))
    if error.offers:
        parts.append(Actions(error.offers))
    return Reply(sentence, tuple(parts), private=True, fault=fault_of(error))


def fault_of(error: BotError) -> Fault:
    """The failure as a form takes it."""
    more = error.refusals if isinstance(error, Faults) else ()
    each = tuple(fault_of(one) for one in more)
    return Fault(error.words, advice(error), error.field, error.severity, each)


def recorded(error: BotError) -> Words:
    """The failure as the ledger keeps it: what is wrong, and the other side's words."""
    if not error.said:
        return error.words
    return sentences((error.words, say("It says: “{said}”.", said=error.said)))


def advice(error: BotError) -> Line:
    """What the other side said and what to do about it; nothing if there is neither."""
    if not error.said:
        return line(error.hint) if error.hint else ()
    said = say("It says: “{said}”.", said=error.said)
    return line(said, " ", error.hint) if error.hint else line(said, " ")


def from_surprise(error_id: str) -> Reply:
    """What a person reads when the bot itself is at fault; the id is also in the log."""
    sentence = say(
        "Something went wrong on my side. Look at the present state before trying again."
    )
    hint = line(say("Please tell whoever runs this bot: error {id}.", id=code(error_id)))
    return Reply(
        sentence,
        (Para(line(emoji("boom"), " ", sentence)), Note(hint)),
        private=True,
        fault=Fault(sentence, hint, "", Severity.FAILED),
    )
