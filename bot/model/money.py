"""What was paid for rentals, and which machines used them: blocks and whole numbers alone."""

from dataclasses import dataclass
from enum import StrEnum


class Basis(StrEnum):
    """From where an amount is known."""

    READ = "read"  # the chain named it while it was reserved
    BLOCK = "block"  # computed by the chain's own steps from its prices at the block of payment
    LATER = "later"  # computed from prices of another block: an estimate


@dataclass(frozen=True, slots=True)
class Payment:
    """What a rental cost from block `begins` until `ends`, exclusive.

    `planck` and `fee` are DBC, `micro` is USD, `avg_price` what a DBC was worth in it. `block` is
    the one at whose prices it was computed.
    """

    order: str
    begins: int
    ends: int
    gpus: int
    planck: int
    micro: int
    is_usd_exact: bool
    avg_price: int
    fee: int
    block: int
    basis: Basis

    @property
    def is_exact(self) -> bool:
        """Whether its amount in DBC is the one that was paid."""
        return self.basis is not Basis.LATER


@dataclass(frozen=True, slots=True)
class Use:
    """That a machine held so many GPUs of a rental from `begins` until `ends`, exclusive.

    Without a task: that somebody looked.
    """

    order: str
    task: str
    begins: int
    ends: int
    gpus: int = 0
    label: str = ""
    maker: str = ""
    channel: str = ""


@dataclass(frozen=True, slots=True)
class BlockTime:
    """When a block was made: milliseconds of the chain's own time."""

    block: int
    made_ms: int
