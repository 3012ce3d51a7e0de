"""Which command what is done at the moment belongs to: for whoever tells of it to tools."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

# The execution's id, or the delivery's key of what only reads; empty: no command.
_CURRENT: ContextVar[str] = ContextVar("command", default="")


@contextmanager
def part_of(command: str) -> Iterator[None]:
    """What is done within, also by tasks that are begun there, belongs to this command."""
    before = _CURRENT.set(command)
    try:
        yield
    finally:
        _CURRENT.reset(before)


def current_command() -> str:
    """The command that this belongs to; empty where it belongs to none."""
    return _CURRENT.get()
