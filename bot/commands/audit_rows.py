"""What a row of the audit says: how it ended, what, to what; when, by whom, and why."""

import re
from collections.abc import Mapping, Sequence
from functools import partial
from itertools import accumulate
from textwrap import shorten

from bot.ids import UserId
from bot.messages.cards import people_line
from bot.model import AuditEntry, AuditKind, AuditRow, ExecutionStatus
from bot.pipeline.formatting import short
from bot.reply import (
    Line,
    Phrase,
    Span,
    bold,
    channel,
    code,
    line,
    listed,
    mention,
    retold,
    say,
    sentences,
    time,
)
from bot.reply import plain as said_in

_WHY = 120  # characters of a reason; all of it is in an export
_SOUGHT = 600  # those of one in which our own sentences are looked for, which costs time
# Of these the entry names the requester; whose doing it is stands in its details.
_FOLLOWS = frozenset({AuditKind.ASKED, AuditKind.STARTED, AuditKind.ENDED})
WORDS: Mapping[str, Phrase] = {
    AuditKind.ASKED: say("put to review"),
    AuditKind.SHOWN_ANEW: say("updated the card of"),
    AuditKind.APPROVED: say("approved"),  # one voice; the end has the outcome
    AuditKind.DENIED: say("denied"),
    AuditKind.VOTE_FELL: say("no longer counts on"),
    AuditKind.VOTE_WITHDRAWN: say("withdrew their vote on"),
    AuditKind.EXPIRED: say("review expired"),
    AuditKind.VOIDED: say("review voided"),
    AuditKind.REQUESTED: say("requested"),
    AuditKind.CLICK_REFUSED: say("click refused"),
    AuditKind.JOINED: say("requested the same as"),
    AuditKind.CANCELLED: say("cancelled"),
    AuditKind.BROKE_GLASS: say("broke glass"),
    AuditKind.REVIEWED: say("reviewed"),
    AuditKind.STARTED: say("started"),
    AuditKind.SESSION_ADDED: say("session added"),
    AuditKind.SESSION_REMOVED: say("session removed"),
    AuditKind.SESSION_SHARED: say("session shared"),
    AuditKind.SESSION_UNSHARED: say("session unshared"),
    AuditKind.ACCESS_REQUESTED: say("requested access"),
    AuditKind.ACCESS_DECLINED: say("declined access"),
    AuditKind.ACCESS_EXPIRED: say("access request expired"),
    AuditKind.SESSION_USED: say("session used"),
    AuditKind.READ_DENIED: say("read denied"),
    AuditKind.POLICY_LOADED: say("policy loaded"),
    AuditKind.POLICY_FAULTY: say("policy faulty"),
    AuditKind.KEYS_ROTATED: say("keys rotated"),
    AuditKind.FROZEN: say("frozen"),
    AuditKind.UNFROZEN: say("unfrozen"),
    AuditKind.FORGOTTEN: say("forgotten"),
    AuditKind.RESTORED: say("restored"),
}
ENDS: Mapping[str, Phrase] = {
    ExecutionStatus.DONE: say("done"),
    ExecutionStatus.FAILED: say("failed"),
    ExecutionStatus.UNKNOWN: say("unknown"),
    ExecutionStatus.REFUSED: say("refused"),
    ExecutionStatus.DENIED: say("denied"),
    ExecutionStatus.CANCELLED: say("cancelled"),
    ExecutionStatus.EXPIRED: say("expired"),
    ExecutionStatus.VOIDED: say("voided"),
}
# Their reason is a person's.
_THEIR_WORDS = frozenset(
    {
        AuditKind.REQUESTED, AuditKind.DENIED, AuditKind.APPROVED, AuditKind.BROKE_GLASS,
        AuditKind.CANCELLED, AuditKind.FROZEN, AuditKind.UNFROZEN, AuditKind.JOINED,
        ExecutionStatus.DENIED, ExecutionStatus.CANCELLED,
    }
)  # fmt: skip
_WHOSE = {"of": say("of {who}"), "with": say("with {who}"), "in": say("in {who}")}
# Whoever is asked for access, or denied it, has no part in a session yet.
_WHOSE_ACCESS: Mapping[tuple[str, str], Phrase] = {
    (AuditKind.ACCESS_REQUESTED, "of"): say("from {who}"),
    (AuditKind.ACCESS_DECLINED, "with"): say("to {who}"),
}
_CODES = {
    "decided": say("too late, it was decided already"),
    "expired": say("too late, it had expired"),
    "voted": say("had decided on it before"),
}
_FORMERLY = re.compile(r"(denied|cancelled|expired|void) by (\w+)")
# As people type them, and as our own sentences are stored.
_MENTIONED = re.compile(r"<[@#]([A-Z0-9]+)(?:\|[^>]*)?>|@([UW][A-Z0-9]{2,})\b")


def told(row: AuditRow, typed: str, node: str) -> Line:
    """One row on two lines: how it ended, what, to what; when, by whom, and why. People, not ids.

    What somebody looks for comes first: on a phone the eye runs down one edge.
    """
    entry = row.entry
    known = WORDS.get(entry.kind, str(entry.kind).replace("_", " "))
    word = bold(ENDS.get(entry.outcome, entry.outcome) if entry.outcome else known)
    return line(word, _about(row, typed, node), "\n", _when_and_who(row))


def _when_and_who(row: AuditRow) -> Line:
    entry, details = row.entry, row.entry.details
    reason, people = _by_whom(entry)
    pieces: list[Line | Span | Phrase | str] = [code(str(row.seq)), " ", time(entry.at)]
    if entry.kind not in _FOLLOWS and entry.actor:
        pieces += [" · ", mention(entry.actor)]
    if people:
        pieces += [" ", say("by {people}", people=people_line(people))]
    if requester := _requester(entry):
        pieces += [say(", requested by {user}", user=mention(requester))]
    if approvers := details.get("approved_by"):
        pieces += [say(", approved by {people}", people=people_line(approvers))]
    for preposition, words in _WHOSE.items():
        if whom := details.get(preposition):
            of = _WHOSE_ACCESS.get((str(entry.kind), preposition), words)
            pieces += [" ", of.filled(partial(_whom, whom))]
    if entry.kind is AuditKind.REQUESTED and _is_channel(entry.place.channel):
        pieces += [" ", say("in {channel}", channel=channel(entry.place.channel))]
    if why := reason or _CODES.get(details.get("why", ""), details.get("why", "")):
        told = _why(entry, why) if isinstance(why, str) else why
        return line(say("{what}: {why}", what=line(*pieces), why=told))
    return line(*pieces)


def _why(entry: AuditEntry, reason: str) -> Line:
    """A reason, shortened: a person's as they wrote it, ours in the reader's language."""
    is_ours = entry.kind not in _THEIR_WORDS and entry.outcome not in _THEIR_WORDS
    is_sought = is_ours and len(reason) <= _SOUGHT and not _MENTIONED.search(reason)
    parts = retold(reason) if is_sought else [reason]
    if not any(isinstance(part, Phrase) for part in parts):
        return _with_people(shorten(reason, _WHY, placeholder=" …"))
    return _first(parts)


def _first(parts: Sequence[Phrase | str]) -> Line:
    """The first sentences, whole: no language is cut like another."""
    ends = list(accumulate(len(said_in(part)) + 1 for part in parts))
    kept = max(1, sum(end <= _WHY + 1 for end in ends))
    told = sentences(
        shorten(part, _WHY, placeholder=" …") if isinstance(part, str) else part
        for part in parts[:kept]
    )
    return line(told, " …") if kept < len(parts) else told


def _about(row: AuditRow, typed: str, node: str) -> Line:
    told: list[Span | str] = []
    if row.entry.command:
        told += [" ", code(row.entry.command.replace(".", " "))]
    if machine := row.label or short(row.task) or typed:
        told += [" ", machine]
    return line(*told, " ", say("on {node}", node=node)) if node else line(*told)


def _by_whom(entry: AuditEntry) -> tuple[str, list[UserId]]:
    """The reason in words and who decided; a former version wrote them into one sentence."""
    if entry.kind is AuditKind.ENDED and (former := _FORMERLY.fullmatch(entry.reason)):
        word, user = former.groups()
        return "" if word == entry.outcome else word, [UserId(user)] if user != "nobody" else []
    if entry.kind is AuditKind.BROKE_GLASS:
        return entry.arguments.get("break_glass", ""), []
    return entry.reason, [UserId(one) for one in entry.details.get("decided_by", ())]


def _named(identifier: str) -> Span:
    return channel(identifier) if _is_channel(identifier) else mention(UserId(identifier))


def _requester(entry: AuditEntry) -> UserId:
    """Who requested what the entry is about, where the bot itself did this."""
    if entry.kind in _FOLLOWS:
        return entry.actor
    return UserId(entry.details.get("by", "") if entry.kind == AuditKind.ACCESS_EXPIRED else "")


def _whom(whom: str | Sequence[str], _name: str) -> Line:
    return listed(line(_named(one)) for one in ([whom] if isinstance(whom, str) else whom))


def _is_channel(identifier: str) -> bool:
    return identifier.startswith(("C", "G"))


def _with_people(text: str) -> Line:
    """A text with the people and channels that it mentions by their names."""
    pieces: list[str | Span] = []
    last = 0
    for found in _MENTIONED.finditer(text):
        pieces += [text[last : found.start()], _named(found[1] or found[2])]
        last = found.end()
    return line(*pieces, text[last:])
