"""What a rental costs, in the chain's own integer steps: every division cuts. Pure.

USD are kept as 10^-6 USD ("micro"), DBC as planck (10^-15 DBC). No float comes near them.
"""

from dataclasses import dataclass
from decimal import Decimal

PER_DAY = 14_400  # blocks
PLANCK = 10**15  # of one DBC
_MICRO = 10**6
_CUT = 10_000  # the pallet's own factor against losing digits


@dataclass(frozen=True, slots=True)
class Prices:
    """What the chain holds to price one machine with. `avg_price` is None where it has none."""

    gpu_point: int
    gpu_price: int
    calc_point: int
    gpu_num: int
    extra: int
    avg_price: int | None
    fee: int | None = None  # planck, taken once for each order

    @property
    def is_usable(self) -> bool:
        """Whether anything can be computed with it."""
        return self.gpu_point > 0 and self.gpu_num > 0

    def per_day(self, gpus: int) -> int:
        """Micro-USD that so many GPUs cost a day."""
        whole = self.gpu_price * self.calc_point * _CUT // self.gpu_point
        return whole * gpus // self.gpu_num // _CUT + self.extra * gpus

    def usd(self, gpus: int, blocks: int) -> int:
        """Micro-USD for so many blocks."""
        return self.per_day(gpus) * blocks // PER_DAY

    def planck(self, gpus: int, blocks: int) -> int | None:
        """The same in planck, at the chain's present average price."""
        if not self.avg_price:
            return None
        return self.usd(gpus, blocks) * PLANCK // self.avg_price


def dbc(planck: int) -> Decimal:
    """Planck as DBC."""
    return Decimal(planck) / PLANCK


def dollars(micro: int) -> Decimal:
    """Micro-USD as USD."""
    return Decimal(micro) / _MICRO
