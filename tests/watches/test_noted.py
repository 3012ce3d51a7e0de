"""The names in a watch's notes."""

from bot.model import MOMENTS, Noted


def test_what_is_called_a_moment_is_moved_when_the_clock_was_set() -> None:
    """But for times of a node's own log, and what says itself that it is looked at once."""
    not_by_our_clock = {Noted.LOG_SINCE, Noted.LOOKED_AT}
    called_so = {name for name in Noted if name.endswith(("_at", "_since"))}
    assert called_so - not_by_our_clock == MOMENTS
