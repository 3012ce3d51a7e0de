"""Rows that hold a word which this version does not know: damaged, or written by a newer one.

Each repository reads such a row as what allows nothing, so it disappears from the lists of what is
open: here it is found.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Any

from sqlalchemy import (
    Column,
    CompoundSelect,
    Select,
    and_,
    func,
    literal_column,
    select,
    union_all,
)

from bot.model import (
    AccessState,
    ApprovalStatus,
    Audience,
    AuditKind,
    ExecutionStatus,
    Nicknamed,
    NodeKind,
    Verdict,
    VoteState,
    WatchState,
)
from storage.repositories.repository import Repository
from storage.tables import (
    access_requests,
    approvals,
    audit,
    executions,
    names,
    nodes,
    session_shares,
    votes,
    watches,
)

_MOST = 100  # of one kind at once: whoever mends them knows by then what is wrong

_WORDS: tuple[tuple[str, Column[Any], Column[Any], type[Enum]], ...] = (
    ("command", executions.c.id, executions.c.status, ExecutionStatus),
    ("review", approvals.c.id, approvals.c.status, ApprovalStatus),
    ("vote", votes.c.key, votes.c.state, VoteState),
    ("vote", votes.c.key, votes.c.verdict, Verdict),
    ("watch", watches.c.id, watches.c.state, WatchState),
    ("share of", session_shares.c.user, session_shares.c.kind, Audience),
    ("nickname of", names.c.target, names.c.kind, Nicknamed),
    ("node", nodes.c.id, nodes.c.kind, NodeKind),
    ("request for access", access_requests.c.id, access_requests.c.state, AccessState),
)


def _odd(key: Column[Any], column: Column[Any], words: type[Enum]) -> Select[Any]:
    is_odd = column.not_in([word.value for word in words])
    return select(key).where(is_odd).order_by(key).limit(_MOST)


def _all() -> CompoundSelect[int, Any]:
    """The odd ones of all kinds, with the place of the kind among `_WORDS`."""
    kinds = enumerate(_odd(key, column, words) for _, key, column, words in _WORDS)
    each = [(number, odd.subquery()) for number, odd in kinds]
    return union_all(*(select(literal_column(str(n)), found.c[0]) for n, found in each))


# Asked every minute, so in one question; to put it together takes longer than to ask.
_ALL = _all()
_ODD_KINDS = _odd(audit.c.seq, audit.c.kind, AuditKind)


@dataclass(frozen=True, slots=True)
class Stranger:
    """One row with a word that nobody here knows."""

    row: str
    id: str
    column: str


class Strangers(Repository):
    """Goes through whole tables: for `Store.browse`."""

    async def all(self) -> list[Stranger]:
        """Those that may change again, by kind."""
        found = []
        for number, name in sorted(tuple(row) for row in await self._connection.execute(_ALL)):
            row, _, column, _ = _WORDS[number]
            found.append(Stranger(row, str(name), column.name))
        return found

    async def in_audit(self, after: int) -> tuple[list[Stranger], int]:
        """Those of the audit behind a row, and the last row looked at: what is in it never changes.

        Where there are more than are told at once, the next ones are behind that row.
        """
        last = await self._connection.scalar(select(func.max(audit.c.seq)))
        is_new = and_(audit.c.seq > after, audit.c.seq <= (last or 0))
        found = await self._found(_ODD_KINDS.where(is_new))
        reached = found[-1] if len(found) == _MOST else max(last or 0, after)
        return [Stranger("audit row", str(seq), "kind") for seq in found], reached

    async def _found(self, odd: Select[Any]) -> list[Any]:
        return list((await self._connection.execute(odd)).scalars())
