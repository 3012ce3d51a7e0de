"""A bot that is killed while people approve: one call at most, one end, no card left asking."""

from pathlib import Path

import pytest

from tests.kill import massacre

ROUNDS = 6  # `python -m tests.kill` has no such bound


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_whenever_the_bot_is_killed_nothing_is_lost_and_nothing_is_done_twice(
    tmp_path: Path,
) -> None:
    report, log = await massacre(tmp_path, rounds=ROUNDS, seconds=20, patience=25)
    assert not report.faults, f"{report}\n{log}"
    assert sum(report.kills.values()) > 1
    assert report.ends
    assert report.private
