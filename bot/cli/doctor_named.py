"""The doctor's look at whom and what the rules name: channels, people and user groups in Slack.

What Slack did not say is neither there nor gone: it is told by itself.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from bot.cli.findings import Finding, fault, ok, warning
from bot.cli.named import Named
from bot.plural import counted
from bot.ports import DeliveryFailed, LockedOut
from handlers.tries import cause

_MOST = 50  # people or channels that are asked for; Slack allows so many calls a minute
_AGAIN = "Run the doctor again in a minute."
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
    unknown: list[str] = field(default_factory=list)  # why, one each
    advice: str = "Look at the others by hand."

    def unchecked(self, about: str, what: tuple[str, str]) -> Iterable[Finding]:
        """The warning about those of which Slack did not say."""
        if self.unknown:
            count = len(self.fine) + len(self.absent) + len(self.unknown)
            whys = ", ".join(dict.fromkeys(self.unknown))
            told = f"{len(self.unknown)} of {counted(count, *what)} that the rules name could not "
            yield warning(about, f"{told}be checked: {whys}.", self.advice)


async def named_in_slack(named: Named, read: Read) -> AsyncIterator[Finding]:
    """Whether everybody and every channel that the rules name is there."""
    if named.channels:
        async for found in _channels(named, read):
            yield found
    if named.persons:
        async for found in _people(named, read):
            yield found
    if named.groups:
        yield await _groups(named, read)


async def _channels(named: Named, read: Read) -> AsyncIterator[Finding]:
    async def why_not(channel: str) -> str:
        await read("conversations.history", channel=channel, limit=1)
        return ""

    looked = await _looked_at(named.channels, why_not)
    if looked.absent:
        told = f"The rules name channels where the bot is not: {_listed(looked.absent)}."
        yield warning("channels", told, "Invite it there with /invite.")
    for found in looked.unchecked("channels", ("channel", "channels")):
        yield found
    if len(looked.fine) == len(named.channels):
        many = counted(len(looked.fine), "channel")
        yield ok("channels", f"The bot is in {many} that the rules name.")


async def _people(named: Named, read: Read) -> AsyncIterator[Finding]:
    async def why_not(person: str) -> str:
        found = (await read("users.info", user=person)).get("user")
        who = found if isinstance(found, dict) else {}
        return next((name for name in _BARRED if who.get(name)), "")

    looked = await _looked_at(named.persons, why_not)
    for rule, (persons, approvals) in named.approvers.items():
        if len(persons - set(looked.absent)) < approvals:
            yield fault("rules", f"Nobody can approve by “{rule}”: too few of its approvers "
                        "can act.", "Name others in `approvers`.")  # fmt: skip
    if looked.absent:
        told = f"The rules name people who cannot act: {_listed(looked.absent)}."
        yield warning("people", told, "Take them out of the rules, or correct the ids.")
    for found in looked.unchecked("people", ("person", "people")):
        yield found
    if len(looked.fine) == len(named.persons):
        many = counted(len(looked.fine), "person", "people")
        yield ok("people", f"All there: {many} that the rules name.")


async def _looked_at(names: Iterable[str], why_not: Callable[[str], Awaitable[str]]) -> _Looked:
    looked, ordered = _Looked(), sorted(names)
    for name in ordered[:_MOST]:
        try:
            reason = await why_not(name)
        except DeliveryFailed as failed:
            if failed.retry_after is not None:
                looked.unknown.append(cause(failed))
                is_ours = isinstance(failed, LockedOut)
                looked.advice = "See the scopes above." if is_ours else _AGAIN
                continue
            reason = failed.reason
        if reason:
            looked.absent[name] = reason
        else:
            looked.fine.add(name)
    looked.unknown += [f"only {_MOST} are asked for"] * len(ordered[_MOST:])
    return looked


async def _groups(named: Named, read: Read) -> Finding:
    try:
        said = await read("usergroups.list", include_disabled="true")
    except DeliveryFailed as failed:
        return warning("user groups", f"They cannot be listed: {cause(failed)}.",
                       "Rules about them deny until they can.")  # fmt: skip
    listed = said.get("usergroups")
    rows = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    active = {one.get("id") for one in rows if not one.get("date_delete")}
    if gone := sorted(named.groups - active):
        return warning("user groups", f"Gone or disabled: {', '.join(gone)}.",
                       "Take them out of the rules, or correct the ids.")  # fmt: skip
    many = counted(len(named.groups), "group")
    return ok("user groups", f"All there: {many} that the rules name.")


def _listed(absent: Mapping[str, str]) -> str:
    return ", ".join(f"{name} ({reason})" for name, reason in absent.items())
