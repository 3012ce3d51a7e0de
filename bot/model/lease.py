"""What is worked on under a lease."""

from enum import StrEnum


class Leased(StrEnum):
    """The kinds of rows that a process leases while it works on them."""

    EXECUTION = "execution"
    WATCH = "watch"
    MESSAGE = "message"
    ORDER = "order"
