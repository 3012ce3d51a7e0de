"""Rentals on the chain: what was last read of each, in blocks. Blocks are kept, never dates."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bot.ids import NodeId


class OrderPhase(StrEnum):
    """How far a rental is."""

    WAITING = "waiting"  # for its renter's confirmation
    RENTING = "renting"
    ENDED = "ended"  # its machines are switched off, and will be deleted
    LAPSED = "lapsed"  # it was not confirmed in time
    VANISHED = "vanished"  # the chain has it no more, long before its end
    GONE = "gone"  # the time for its machines' deletion is over

    @property
    def is_over(self) -> bool:
        """Whether nothing comes of it any more."""
        return self in {OrderPhase.LAPSED, OrderPhase.VANISHED, OrderPhase.GONE}


@dataclass(frozen=True, slots=True)
class RentalOrder:
    """One rental. `began`, `ends`, `seen_block` and `first_block` are blocks of `chain`.

    `seen_at` and `first_at` are the own times of those two blocks: when it was read last, and when
    it was read first, from which the chain's real pace is known; of one that has ended, when its
    end was read first. `told` is the most urgent warning
    that was given for this end. `missing_since` is the final block at which the chain did not have
    it any more, though it should; None while it does. `renewer` has said, at `renewer_since`, that
    they renew it, or confirm it while it waits for that; `signers` have said, the last one at
    `signed_at`, that this is signed, and were not told yet what the chain has of it. `snoozed`
    means that it is known, and only the last warnings are given. `newest_ends` is the end by which
    the newest block had it renewed or confirmed, where no final block has that yet; else 0. `halts`
    counts how often what was told was told anew, since the chain had stood still or its end came
    earlier. It `is_told_unread` where its countdown says that the chain cannot be read.
    """

    id: str
    number: int
    node: NodeId
    renter: str
    phase: OrderPhase
    began: int
    ends: int
    gpus: tuple[int, ...]
    stake: int  # planck; 0 once it is confirmed
    seen_block: int
    seen_at: datetime
    first_block: int
    first_at: datetime
    next_look_at: datetime
    created_at: datetime
    told: str = ""
    renewer: str = ""
    renewer_since: datetime | None = None
    signers: tuple[str, ...] = ()
    signed_at: datetime | None = None
    snoozed: bool = False
    missing_since: int | None = None
    is_only: bool = False  # of its node, when that was looked at last
    chain: str = ""  # the first block's hash of its network; empty where it was not noted
    vague: str = ""  # what was told last without all that is lost (`bot.orders.vague`)
    vague_since: datetime | None = None
    newest_ends: int = 0
    halts: int = 0
    is_told_unread: bool = False

    @property
    def is_of_node(self) -> bool:
        """Whether only its node names it: its beginning is not known, and stands as its end."""
        return self.began == self.ends

    @property
    def pallet(self) -> str:
        """Where the chain keeps it."""
        return self.id.partition(".")[0]
