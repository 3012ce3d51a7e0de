"""Fixtures of the scenarios."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from bot.dbc.guard import Limits
from tests.scenarios.orders import ChainStage, chained
from tests.scenarios.site import is_http
from tests.scenarios.stage import Stage, staged


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what has a time limit of its own: it waits in real time, and others meanwhile.

    Else all others would be done, and the last of these would be waited for.
    """
    items.sort(key=lambda item: item.get_closest_marker("timeout") is None)


@pytest.fixture
async def stage(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Stage]:
    """A stage with a fresh bot, reached in one of both ways."""
    async with staged(tmp_path, http=is_http(request)) as one:
        yield one


@pytest.fixture
async def one_stage(tmp_path: Path) -> AsyncIterator[Stage]:
    """A stage in Socket Mode, for scenarios that have nothing to do with the way of reaching it."""
    async with staged(tmp_path) as one:
        yield one


@pytest.fixture
async def patient(tmp_path: Path) -> AsyncIterator[Stage]:
    """A stage whose daemon waits as long as a real one: 30 s, by the clock."""
    limits = Limits(read=timedelta(seconds=60))
    async with staged(tmp_path, daemon_patience=None, limits=limits) as one:
        yield one


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[ChainStage]:
    """A stage beside a chain; Alice holds the session of gpu1."""
    async with chained(tmp_path) as one:
        await one.stage.gives_session(one.stage.alice, "gpu1")
        yield one
