"""The demo's machine room and its chain, by a clock that is wound by hand."""

import pytest

from sandbox.chain import Chain
from sandbox.dbc import ManualClock, World, demo_world
from sandbox.demo_chain import demo_chain


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def world(clock: ManualClock) -> World:
    return demo_world(clock)


@pytest.fixture
def chain(world: World, clock: ManualClock) -> Chain:
    return demo_chain(world, clock)
