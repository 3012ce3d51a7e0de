"""Fixtures of the scenarios."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.scenarios.stage import Stage, staged


@pytest.fixture(params=["socket", "http"])
async def stage(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Stage]:
    """A stage with a fresh bot; every scenario runs in both ways of reaching it."""
    async with staged(tmp_path, http=request.param == "http") as one:
        yield one


@pytest.fixture
async def one_stage(tmp_path: Path) -> AsyncIterator[Stage]:
    """A stage in Socket Mode, for scenarios that have nothing to do with the way of reaching it."""
    async with staged(tmp_path) as one:
        yield one
