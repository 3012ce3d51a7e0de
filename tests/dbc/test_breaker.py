"""Which daemon is asked first, and how long a node that keeps silent is left in peace."""

from datetime import timedelta

import pytest

from bot.dbc.errors import DaemonDisconnected, Mode, NodeSilent
from bot.dbc.guard import Breaker, Daemon, Limits, Silence, choose
from bot.ids import NodeId
from tests.dbc.conftest import HandClock

NODE, OTHER = NodeId("a" * 64), NodeId("b" * 64)
LIMITS = Limits()


@pytest.fixture
def breaker(clock: HandClock) -> Breaker:
    return Breaker(clock, LIMITS)


def misses(breaker: Breaker, times: int, node: str = NODE, *, probe: bool = False) -> None:
    for _ in range(times):
        breaker.leave(NodeId(node), probe=probe, silent=True, answered=False)


def test_a_node_is_left_in_peace_after_three_silences_until_the_pause_ends(
    breaker: Breaker, clock: HandClock
) -> None:
    misses(breaker, 2)
    assert breaker.enter(NODE, Mode.READ) is False
    misses(breaker, 1)
    until = clock.now() + LIMITS.first_pause
    with pytest.raises(NodeSilent) as caught:
        breaker.check(NODE, Mode.READ)
    assert caught.value._until == until
    clock.wind(seconds=29)
    with pytest.raises(NodeSilent):
        breaker.enter(NODE, Mode.READ)
    clock.wind(seconds=1)
    assert breaker.enter(NODE, Mode.READ) is True


def test_a_change_passes_and_tries_nothing(breaker: Breaker) -> None:
    misses(breaker, 3)
    breaker.check(NODE, Mode.CHANGE)
    assert breaker.enter(NODE, Mode.CHANGE) is False
    assert breaker.enter(OTHER, Mode.READ) is False


def test_while_one_request_tries_it_the_others_wait(breaker: Breaker, clock: HandClock) -> None:
    misses(breaker, 3)
    clock.wind(seconds=30)
    assert breaker.enter(NODE, Mode.READ) is True
    breaker.ask_again(NODE)
    with pytest.raises(NodeSilent):
        breaker.enter(NODE, Mode.READ)
    # It never reached the node: the next one may try.
    breaker.leave(NODE, probe=True, silent=False, answered=False)
    assert breaker.enter(NODE, Mode.READ) is True


def test_another_request_that_never_arrived_does_not_end_the_try(
    breaker: Breaker, clock: HandClock
) -> None:
    misses(breaker, 3)
    clock.wind(seconds=30)
    breaker.enter(NODE, Mode.READ)
    breaker.leave(NODE, probe=False, silent=False, answered=False)
    with pytest.raises(NodeSilent):
        breaker.enter(NODE, Mode.READ)


def test_the_pauses_grow_with_each_try_up_to_five_minutes(
    breaker: Breaker, clock: HandClock
) -> None:
    misses(breaker, 3)
    pauses = []
    for _ in range(6):
        found = breaker.silence(NODE)
        assert found is not None and found.until is not None  # noqa: PT018
        pauses.append((found.until - clock.now()).total_seconds())
        clock.advance(found.until - clock.now())
        assert breaker.enter(NODE, Mode.READ) is True
        misses(breaker, 1, probe=True)
    assert pauses == [30, 60, 120, 240, 300, 300]


def test_what_was_under_way_when_the_pause_began_does_not_lengthen_it(
    breaker: Breaker, clock: HandClock
) -> None:
    misses(breaker, 3)
    clock.wind(seconds=10)
    misses(breaker, 2)
    assert breaker.silence(NODE) == Silence(None, clock.now() + timedelta(seconds=20))
    clock.wind(seconds=20)
    misses(breaker, 1)  # the pause is over: this one counts
    assert breaker.silence(NODE) == Silence(None, clock.now() + timedelta(seconds=60))


def test_a_probe_that_is_missed_within_a_pause_begins_the_next(
    breaker: Breaker, clock: HandClock
) -> None:
    misses(breaker, 3)
    misses(breaker, 1, probe=True)
    assert breaker.silence(NODE) == Silence(None, clock.now() + timedelta(seconds=60))


def test_an_answer_ends_the_silence_and_is_remembered(breaker: Breaker, clock: HandClock) -> None:
    assert breaker.silence(NODE) is None
    breaker.leave(NODE, probe=False, silent=False, answered=True)
    heard = clock.now()
    clock.wind(seconds=5)
    misses(breaker, 1)
    assert breaker.silence(NODE) == Silence(heard, None)
    assert (breaker.last_answer(NODE), breaker.last_answer(OTHER)) == (heard, None)
    assert breaker.silence(OTHER) is None
    breaker.leave(NODE, probe=False, silent=False, answered=True)
    assert breaker.silence(NODE) is None
    assert breaker.last_answer(NODE) == clock.now()


def test_what_never_reached_a_node_is_no_silence(breaker: Breaker) -> None:
    for _ in range(3):
        breaker.leave(NODE, probe=False, silent=False, answered=False)
    assert breaker.silence(NODE) is None
    breaker.check(NODE, Mode.READ)


def test_a_silent_node_can_be_asked_again_at_once(breaker: Breaker, clock: HandClock) -> None:
    breaker.ask_again(OTHER)
    misses(breaker, 1)
    breaker.ask_again(NODE)
    assert breaker.enter(NODE, Mode.READ) is False
    misses(breaker, 2)
    breaker.ask_again(NODE)
    assert breaker.silence(NODE) == Silence(None, None)
    assert breaker.enter(NODE, Mode.READ) is True


def test_requests_to_no_node_are_nobodys_silence(breaker: Breaker) -> None:
    for _ in range(3):
        breaker.leave(NodeId(""), probe=False, silent=True, answered=False)
    breaker.check(NodeId(""), Mode.READ)


def daemons(clock: HandClock) -> list[Daemon]:
    return [Daemon(f"http://127.0.0.1:{port}/", clock, LIMITS) for port in (5050, 5051)]


def test_a_read_asks_all_in_turn_and_a_change_one(clock: HandClock) -> None:
    first, second = both = daemons(clock)
    assert (first.url, second.url) == ("http://127.0.0.1:5050", "http://127.0.0.1:5051")
    assert choose(both, Mode.READ) == [first, second]
    assert choose(both, Mode.CHANGE) == [first]


def test_one_that_could_not_be_reached_comes_last_for_a_moment(clock: HandClock) -> None:
    first, second = both = daemons(clock)
    first.unreachable()
    assert choose(both, Mode.READ) == [second, first]
    assert choose(both, Mode.CHANGE) == [second]
    clock.advance(LIMITS.avoid - timedelta(seconds=1))
    assert first.is_avoided
    clock.wind(seconds=1)
    assert choose(both, Mode.READ) == [first, second]


@pytest.mark.parametrize("mode", list(Mode))
def test_where_all_are_left_alone_nobody_is_asked(clock: HandClock, mode: Mode) -> None:
    first, second = both = daemons(clock)
    first.lost_network()
    assert choose(both, mode) == [second]
    second.lost_network()
    with pytest.raises(DaemonDisconnected) as caught:
        choose(both, mode)
    assert caught.value.mode is mode
    clock.advance(LIMITS.quarantine)
    assert choose(both, Mode.READ) == [first, second]


@pytest.mark.parametrize("url", ["127.0.0.1:5050", "ftp://host", "http://", ""])
def test_an_address_that_is_none_is_refused(clock: HandClock, url: str) -> None:
    with pytest.raises(ValueError, match=r"^a DBC daemon's address looks like http://127\.0\.0\.1"):
        Daemon(url, clock, LIMITS)
