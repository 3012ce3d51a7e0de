"""Looks for stored rows that cannot be read, and tells whoever runs the bot, once for each.

Those who need such a row are told by what they do; all others go on without it.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

import structlog

from bot.health import Health
from bot.ids import NodeId, UserId
from bot.model import LOCKED_SECRETS, Execution
from bot.reply import Text, say, say_number
from storage import Store, Stranger, Vault

_NEWER = say("If a newer version has written it, run that one; nothing else is affected.")
_LOCKED = say("no key opens it")
_DAMAGED = say("its content is damaged")
_ROWS: Mapping[str, Text] = {
    "session": say("session"),
    "requested session": say("requested session"),
    "command": say("command"),
    "review": say("review"),
    "vote": say("vote"),
    "watch": say("watch"),
    "share of": say("share of"),
    "nickname of": say("nickname of"),
    "node": say("node"),
    "request for access": say("request for access"),
    "audit row": say("audit row"),
}
_MOST_TOLD = 5
_KEYS = "the keys"

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Damaged:
    """One row that cannot be read. `called` is how people know it, where that is not its id."""

    row: str
    id: str
    why: Text
    advice: Text = ""
    called: str = ""

    @property
    def told(self) -> Text:
        """That it cannot be read, and why."""
        row = _ROWS.get(self.row, self.row)
        return say(
            "The {row} {id} cannot be read: {why}.",
            row=row,
            id=self.called or self.id,
            why=self.why,
        )


def named(found: Collection[Damaged]) -> Sequence[tuple[Text, Text]]:
    """A sentence for each of the first few rows and what to do, and how many others there are."""
    told = sorted(((one.told, one.advice) for one in found), key=str)
    more = len(told) - _MOST_TOLD
    if more > 0:
        others = say_number(
            "{number} other row cannot be read either.",
            "{number} other rows cannot be read either.",
            more,
        )
        told[_MOST_TOLD:] = [(others, "")]
    return told


class Damage:
    """Keeps `health` told of the rows that cannot be read. `is_known` says of commands."""

    def __init__(
        self, store: Store, health: Health, is_known: Callable[[str], object], vault: Vault
    ) -> None:
        self._store = store
        self._health = health
        self._is_known = is_known
        self._vault = vault
        self._found: frozenset[Damaged] = frozenset()
        self._sessions = self._locked = 0
        self._audited = 0  # the row of the audit up to which it was looked through
        self._in_audit: list[Damaged] = []
        self._has_lost_file = False

    async def look(self) -> None:
        """Look at all rows that somebody may need; log what was not known before."""
        found = await self.found()
        for one in found - self._found:
            why, advice = str(one.why), str(one.advice)
            log.warning("row.damaged", row=one.row, id=one.id, why=why, advice=advice)
        for one in self._found - found:
            log.info("row.mended", row=one.row, id=one.id)
        self._found = found
        brief = say_number(
            "{number} stored row cannot be read: see row.damaged in the log, or /dbc doctor.",
            "{number} stored rows cannot be read: see row.damaged in the log, or /dbc doctor.",
            len(found),
        )
        self._health.impaired("rows", [said for said, _ in named(found)], [brief] if found else [])
        self._look_at_keys()
        self._look_at_key_file()

    def _look_at_keys(self) -> None:
        """Without a single session that opens, nobody can do anything."""
        if 0 < self._sessions == self._locked:
            sentence = say_number(
                "No key in {place} opens any session ({number} stored session). {advice}",
                "No key in {place} opens any session ({number} stored sessions). {advice}",
                self._sessions, place=self._place, advice=self._put_back,
            )  # fmt: skip
            if self._health.lost(_KEYS, sentence, is_fatal=False):
                log.error("keys.open_nothing", sessions=self._sessions)
        elif self._health.regained(_KEYS):
            log.info("keys.work")

    def _look_at_key_file(self) -> None:
        """Say where it was, too: readiness tells no path."""
        lost, file = self._vault.impairments(), str(self._vault.file)
        if lost and not self._has_lost_file:
            log.error("keys.file_lost", file=file, sentence=str(lost[0]))
        elif self._has_lost_file and not lost:
            log.info("keys.file_back", file=file)
        self._has_lost_file = bool(lost)

    async def found(self) -> frozenset[Damaged]:
        """All rows that cannot be read. Changes nothing and logs nothing."""
        return frozenset([*await self._damaged(), *await self._strangers()])

    @property
    def _place(self) -> Text:
        file = self._vault.file
        return self._vault.place if file is None else say("the key file {file}", file=file.name)

    @property
    def _put_back(self) -> Text:
        return say(
            "Put the former key back at the end of {place}, or let its owner add it again.",
            place=self._place,
        )

    async def _damaged(self) -> list[Damaged]:
        async with self._store.read() as tx:
            known = await tx.sessions.all()
            sessions = [one for one in known if one.is_locked]
            requests = [one for one in await tx.renters.all() if one.is_locked]
            executions = await tx.executions.unfinished()
            watches = [one for one in await tx.watches.open() if one.is_unreadable]
            approvals = [one for one in await tx.approvals.open() if one.is_unreadable]
            labels = (
                {one.id: one.label for one in await tx.inventory.nodes()}
                if sessions or requests
                else {}
            )
        self._sessions, self._locked = len(known), len(sessions)
        advice = self._put_back

        def named(user: UserId, node: NodeId) -> str:
            return f"{user} {labels.get(node, node)}"

        return [
            *(
                Damaged("session", f"{s.user} {s.node}", _LOCKED, advice, named(s.user, s.node))
                for s in sessions
            ),
            *(
                Damaged(
                    "requested session", f"{r.user} {r.node}", _LOCKED, "", named(r.user, r.node)
                )
                for r in requests
            ),
            *(Damaged("command", e.id, why) for e in executions if (why := self._why_not(e))),
            *(Damaged("watch", watch.id, _DAMAGED) for watch in watches),
            *(Damaged("review", one.id, _DAMAGED) for one in approvals),
        ]

    async def _strangers(self) -> list[Damaged]:
        """Rows with a word that only another version knows; those of the audit stay for ever."""
        async with self._store.browse() as tx:
            found = [_strange(one) for one in await tx.strangers.all()]
            new, audited = await tx.strangers.in_audit(self._audited)
        self._in_audit += [_strange(one) for one in new]
        self._audited = audited
        return [*found, *self._in_audit]

    def _why_not(self, execution: Execution) -> Text:
        if not self._is_known(execution.command):
            return say("this version has no command {command}", command=execution.command)
        if execution.unreadable == LOCKED_SECRETS:
            return say("no key opens its secrets")
        return (
            say("its {column} is damaged", column=execution.unreadable)
            if execution.unreadable
            else ""
        )


def _strange(one: Stranger) -> Damaged:
    why = say("this version does not know its {column}", column=one.column)
    return Damaged(one.row, one.id, why, _NEWER)
