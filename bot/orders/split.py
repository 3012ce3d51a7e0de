"""Whole numbers in parts that sum to the whole, to the last planck. Pure.

Each part is the difference of two rounded sums, never itself rounded: whatever is cut where, what
one part lacks, another has.
"""

from collections.abc import Sequence


def portion(total: int, length: int, begins: int, ends: int) -> int:
    """What of `total`, spread over `length` steps, falls on those from `begins` until `ends`."""
    return total * ends // length - total * begins // length


def parts(total: int, weights: Sequence[int]) -> list[int]:
    """`total` in parts by weight. One weight has to be more than 0."""
    whole, before, found = sum(weights), 0, []
    for weight in weights:
        found.append(portion(total, whole, before, before + weight))
        before += weight
    return found
