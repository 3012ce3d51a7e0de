"""Takes the time of acknowledgements, all servers in turn so that noise hits all alike."""

import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from statistics import median, quantiles

from tests.benchmarks.load import Load
from tests.benchmarks.stage import Stage

AT_ONCE = 64
# Seconds before each sending, the same for every server: peers and bot have come to rest.
PAUSE = 0.02


@dataclass(frozen=True, slots=True)
class Case:
    """One row of the table: a line typed at a server."""

    title: str
    server: str
    text: str


HELP = Case("bot: /dbc help", "bot", "help")
START = Case("bot: /dbc vm start, recorded", "bot", "vm start {task}")
BEFORE = Case("bare Bolt, process_before_response", "bolt-before", "vm start {task}")
BOLT = Case("bare Bolt, default runner", "bolt", "vm start {task}")
SIGNATURE = Case("bare aiohttp, signature only", "signature", "vm start {task}")
CASES = (HELP, START, BEFORE, BOLT, SIGNATURE)


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured: in each round `single` requests one by one and `bursts` times 64."""

    rounds: int
    single: int
    bursts: int
    at_once: int = AT_ONCE


@dataclass(slots=True)
class Times:
    """Seconds to the acknowledgement."""

    one_by_one: dict[Case, list[float]] = field(default_factory=lambda: defaultdict(list))
    at_once: dict[Case, list[float]] = field(default_factory=lambda: defaultdict(list))
    # While the bot carries out what it has acknowledged before:
    help_busy: list[float] = field(default_factory=list)
    start_busy: list[float] = field(default_factory=list)
    work: list[float] = field(default_factory=list)


def p50(times: Sequence[float]) -> float:
    """The median, in ms."""
    return median(times) * 1000


def p99(times: Sequence[float]) -> float:
    """The 99th percentile, in ms."""
    return quantiles(times, n=100, method="inclusive")[98] * 1000


class Measurement:
    """One run. The bot's work is done before the next request, but where it has to be busy."""

    def __init__(self, stage: Stage, size: Size, say: Callable[[str], None]) -> None:
        self._stage = stage
        self._size = size
        self._say = say
        self.times = Times()
        self.sent = 0  # commands that must stand in the ledger

    def run(self) -> Times:
        """All rounds, after one to warm up; another case begins each."""
        with ExitStack() as stack:
            loads = {
                name: stack.enter_context(Load(port, self._size.at_once))
                for name, port in self._stage.ports.items()
            }
            self._round(loads, 0, Times())
            for number in range(self._size.rounds):
                self._say(f"round {number + 1} of {self._size.rounds}")
                self._round(loads, number, self.times)
        return self.times

    def _round(self, loads: Mapping[str, Load], number: int, times: Times) -> None:
        first = number % len(CASES)
        order = CASES[first:] + CASES[:first]
        for case in order:
            times.one_by_one[case] += self._one_by_one(loads[case.server], case)
        for case in order:
            for _ in range(self._size.bursts):
                times.at_once[case] += self._at_once(loads[case.server], case)
        self._busy(loads[START.server], times)

    def _one_by_one(self, load: Load, case: Case) -> list[float]:
        return [
            seconds
            for _ in range(self._size.single)  # each signed just before it is sent
            for seconds in self._when_idle(load, case, self._requests(case, 1))
        ]

    def _at_once(self, load: Load, case: Case) -> list[float]:
        return self._when_idle(load, case, self._requests(case, self._size.at_once))

    def _when_idle(self, load: Load, case: Case, requests: Sequence[bytes]) -> list[float]:
        """Send at once to a server that has nothing else to do, and wait until that is so again."""
        answers = self._stage.answers() if case is HELP else 0
        time.sleep(PAUSE)
        seconds = load.at_once(requests)
        if case is HELP:
            self._stage.wait_for_answers(answers + len(requests))
        if case is START:
            self._stage.wait_for_work()
        return seconds

    def _busy(self, load: Load, times: Times) -> None:
        """Acknowledgements while the work of a former burst is under way."""
        bursts = [self._requests(START, self._size.at_once) for _ in range(2)]
        begun = time.perf_counter()
        load.at_once(bursts[0])
        times.start_busy += load.at_once(bursts[1])
        for _ in range(self._size.single):
            times.help_busy += load.at_once(self._requests(HELP, 1))
        self._stage.wait_for_work()
        times.work.append(time.perf_counter() - begun)

    def _requests(self, case: Case, count: int) -> list[bytes]:
        if case is START:
            self.sent += count
        return self._stage.requests(case.text.format(task=self._stage.room.task), count)
