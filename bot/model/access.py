"""Requests for access: a person asks others to share a session for a node, and what came of it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bot.ids import NodeId, UserId


class AccessState(StrEnum):
    """How a request stands."""

    OPEN = "open"
    GRANTED = "granted"
    REFUSED = "refused"  # by everybody who was asked
    EXPIRED = "expired"  # nobody answered in time


@dataclass(frozen=True, slots=True)
class AccessRequest:
    """`asker` wants to use a session for a node; `holders` were asked, `refused` said no."""

    id: str
    asker: UserId
    node: NodeId
    holders: tuple[UserId, ...]
    created_at: datetime
    refused: tuple[UserId, ...] = ()
    state: AccessState = AccessState.OPEN
    ended_at: datetime | None = None
