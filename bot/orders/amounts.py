"""Money in words: thousands apart, two decimals, estimates marked. No float comes near it."""

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal

from bot.chain.price import dbc, dollars
from bot.orders.costs import Amount
from bot.orders.split import parts
from bot.reply import Line, Text, line, say

CENT = Decimal("0.01")
_PLANCK_OF_CENT, _MICRO_OF_CENT = 10**13, 10**4
_CELLS = 10


def cut(amount: Decimal) -> str:
    """`1,234.50`; what is less than a cent is said to be."""
    if 0 < amount < CENT:
        return f"<{CENT}"
    return f"{amount.quantize(CENT, ROUND_HALF_UP):,}"


def in_dbc(planck: int) -> Text:
    """`1,234.50 DBC`."""
    return say("{amount} DBC", amount=cut(dbc(planck)))


def in_dollars(micro: int) -> Text:
    """`14.81 USD`."""
    return say("{amount} USD", amount=cut(dollars(micro)))


def both(amount: Amount) -> Line:
    """`14.81 USD · 1,234.50 DBC`, with what of it is an estimate."""
    return line(in_dollars(amount.micro), " · ", in_dbc(amount.planck), doubt(amount))


def doubt(amount: Amount) -> Line:
    """What of an amount is an estimate, behind it; nothing where it is known."""
    if amount.is_estimate:
        return line(" ", say("(estimate)"))
    return line(" ", say("(USD is an estimate)")) if amount.is_usd_estimate else line()


def rounded(amounts: Sequence[Amount]) -> list[Amount]:
    """The amounts in whole cents, which sum to their sum in whole cents."""
    plancks = _cents([one.planck for one in amounts], _PLANCK_OF_CENT)
    micros = _cents([one.micro for one in amounts], _MICRO_OF_CENT)
    return [
        Amount(planck, micro, one.is_estimate, one.is_usd_estimate)
        for planck, micro, one in zip(plancks, micros, amounts, strict=True)
    ]


def _cents(amounts: Sequence[int], cent: int) -> list[int]:
    """Whole cents; one more for those of which most was cut: what is whole already stays so."""
    whole = [one // cent for one in amounts]
    left = (sum(amounts) + cent // 2) // cent - sum(whole)
    for at in sorted(range(len(whole)), key=lambda at: -(amounts[at] % cent))[:left]:
        whole[at] += 1
    return [one * cent for one in whole]


def percents(amounts: Sequence[Amount]) -> list[int]:
    """How much of the whole each is, in percent that sum to 100."""
    weights = [one.planck for one in amounts]
    return parts(100, weights) if sum(weights) else [0 for _ in amounts]


def bar(percent: int, cells: int = _CELLS) -> str:
    """`▓▓▓▓░░░░░░`: the figure beside it says the same."""
    full = (percent * cells + 50) // 100
    return "▓" * full + "░" * (cells - full)
