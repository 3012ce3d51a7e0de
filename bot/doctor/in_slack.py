"""The doctor's look at whom and what the rules name: channels, people and user groups in Slack.

What Slack did not say is neither there nor gone: it is told by itself.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

from bot.doctor.named import Named
from bot.monitoring.findings import Finding, Findings, fault, ok, warning
from bot.ports import DeliveryFailed, LockedOut
from bot.reply import Phrase, Text, listed, say, say_number
from handlers.tries import cause

_MOST = 50  # people or channels that are asked for; Slack allows so many calls a minute
_AGAIN = say("Run the doctor again in a minute.")
_SCOPES = say("See what is said of the scopes.")
_BY_HAND = say("Look at the others by hand.")
_CORRECT = say("Take them out of the rules, or correct the ids.")
_CHANNELS = partial(say_number, "{number} channel", "{number} channels")
_PEOPLE = partial(say_number, "{number} person", "{number} people")
_BARRED = ("deleted", "is_bot", "is_restricted")


class Read(Protocol):
    """Call a method of Slack's that reads. Raises DeliveryFailed."""

    def __call__(self, method: str, **given: object) -> Awaitable[Mapping[str, Any]]:
        """What it answers."""
        ...


@dataclass(slots=True)
class _Looked:
    """What a look at each of some has shown: those that are fine, and why others are not."""

    fine: set[str] = field(default_factory=set)
    absent: dict[str, str] = field(default_factory=dict)
    unknown: list[Text] = field(default_factory=list)  # why, one each
    beyond: int = 0  # those that were not asked for
    advice: Text = _BY_HAND

    def unchecked(self, about: Text, many: Callable[[int], Phrase]) -> Iterable[Finding]:
        """The warning about those of which Slack did not say."""
        number = len(self.unknown) + self.beyond
        why = list(dict.fromkeys(self.unknown))
        if self.beyond:
            why.append(say("only {number} are asked for", number=_MOST))
        if number:
            told = say(
                "{unknown} of {all} that the rules name could not be checked: {why}.",
                unknown=number,
                all=many(len(self.fine) + len(self.absent) + number),
                why=listed(why),
            )
            yield warning(about, told, self.advice)


async def named_in_slack(named: Named, read: Read) -> Findings:
    """Whether everybody and every channel that the rules name is there."""
    if named.channels:
        async for found in _channels(named, read):
            yield found
    if named.persons:
        async for found in _people(named, read):
            yield found
    if named.groups:
        yield await _groups(named, read)


async def _channels(named: Named, read: Read) -> Findings:
    async def why_not(channel: str) -> str:
        await read("conversations.history", channel=channel, limit=1)
        return ""

    looked = await _looked_at(named.channels, why_not)
    if looked.absent:
        told = say("The rules name channels where the bot is not: {channels}.",
            channels=_listed(looked.absent))  # fmt: skip
        yield warning(say("channels"), told, say("Invite it there with /invite."))
    for found in looked.unchecked(say("channels"), _CHANNELS):
        yield found
    if len(looked.fine) == len(named.channels):
        there = say_number(
            "The bot is in {number} channel that the rules name.",
            "The bot is in {number} channels that the rules name.",
            len(looked.fine),
        )
        yield ok(say("channels"), there)


async def _people(named: Named, read: Read) -> Findings:
    async def why_not(person: str) -> str:
        found = (await read("users.info", user=person)).get("user")
        who = found if isinstance(found, dict) else {}
        return next((name for name in _BARRED if who.get(name)), "")

    looked = await _looked_at(named.persons, why_not)
    for rule, (persons, approvals) in named.approvers.items():
        if len(persons - set(looked.absent)) < approvals:
            few = say("Nobody can approve by “{rule}”: too few of its approvers can act.",
                rule=rule)  # fmt: skip
            yield fault(say("rules"), few, say("Name others in {field}.", field="`approvers`"))
    if looked.absent:
        told = say("The rules name people who cannot act: {people}.",
            people=_listed(looked.absent))  # fmt: skip
        yield warning(say("people"), told, _CORRECT)
    for found in looked.unchecked(say("people"), _PEOPLE):
        yield found
    if len(looked.fine) == len(named.persons):
        there = say_number(
            "All there: {number} person that the rules name.",
            "All there: {number} people that the rules name.",
            len(looked.fine),
        )
        yield ok(say("people"), there)


async def _looked_at(names: Iterable[str], why_not: Callable[[str], Awaitable[str]]) -> _Looked:
    looked, ordered = _Looked(), sorted(names)
    for name in ordered[:_MOST]:
        try:
            reason = await why_not(name)
        except DeliveryFailed as failed:
            if failed.retry_after is not None:
                looked.unknown.append(cause(failed))
                is_ours = isinstance(failed, LockedOut)
                looked.advice = _SCOPES if is_ours else _AGAIN
                continue
            reason = failed.reason
        if reason:
            looked.absent[name] = reason
        else:
            looked.fine.add(name)
    looked.beyond = len(ordered[_MOST:])
    return looked


async def _groups(named: Named, read: Read) -> Finding:
    about = say("user groups")
    try:
        said = await read("usergroups.list", include_disabled="true")
    except DeliveryFailed as failed:
        told = say("They cannot be listed: {why}.", why=cause(failed))
        return warning(about, told, say("Rules about them deny until they can."))
    listed = said.get("usergroups")
    rows = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    active = {one.get("id") for one in rows if not one.get("date_delete")}
    if gone := sorted(named.groups - active):
        return warning(about, say("Gone or disabled: {groups}.", groups=", ".join(gone)), _CORRECT)
    there = say_number(
        "All there: {number} group that the rules name.",
        "All there: {number} groups that the rules name.",
        len(named.groups),
    )
    return ok(about, there)


def _listed(absent: Mapping[str, str]) -> str:
    return ", ".join(f"{name} ({reason})" for name, reason in absent.items())
