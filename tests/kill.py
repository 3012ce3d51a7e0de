"""Kills the bot again and again while machines are being deleted, and looks at what is left.

`python -m tests.kill --rounds 300`: as many kills as rounds. Alice asks, Bob and Carol approve at
once (or Alice takes it back meanwhile); whoever gets no acknowledgement presses again. Meanwhile
Carol changes what is hers alone, so that only she is told, and the rules are replaced all the time:
by some that want more votes, less time or others to decide, or that nothing can meet.
"""

import asyncio
import random
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Collection
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path

import click

from sandbox.dbc.demo import demo_renter
from sandbox.slack import CannotDo, Person, SeenMessage
from sandbox.slack.delivery import Ack
from tests import janitor
from tests.mortal import Mortal, mortal
from tests.scenarios.stage import CHANNEL, is_card

LANES = 5  # requests under way at once
PATIENCE = 150.0  # seconds until a request has to be settled after the last kill
AGAIN = 5.0  # seconds after which people press again, though their press was taken
DOWN = timedelta(minutes=2, seconds=30)  # all that the dead had under way is over
LOOKS = 4  # that show nothing, and the next ones will not
LIFE = 1.5  # seconds that a bot lives at most when it is killed at a random moment
ABOUT = "coalesce(json_extract(arguments, '$.vm'), json_extract(arguments, '$.alias')) = ?"
RULE = '[[rule]]\nname = "deletions"\nmatch = { command = "vm.delete" }\n'
RULES = (
    "[defaults]\n",
    f"{RULE}approvals = 2\n",
    f'{RULE}approvals = 1\napprovers = {{ persons = ["U0BOB", "U0CAROL"] }}\n',
    f'{RULE}approvals = 1\nexpires = "5min"\n',
    f"{RULE}approvals = 3\n",  # there are two
    f'{RULE}deny = "Frozen."\n',
)
RULES_FILE = "policy.toml"
NOT_DONE = frozenset({"cancelled", "refused", "voided"})
PAUSE = 1.0  # seconds between two reloads, on average
OPEN = "'recorded', 'waiting', 'running', 'following'"


@dataclass
class Request:
    """One deletion that Alice asks for."""

    name: str
    task: str
    cancelled: bool


@dataclass
class Report:
    """What happened, in figures."""

    kills: Counter[str] = field(default_factory=Counter)
    ends: Counter[str] = field(default_factory=Counter)
    private: Counter[str] = field(default_factory=Counter)
    reloads: int = 0
    faults: list[str] = field(default_factory=list)
    seconds: float = 0

    def __str__(self) -> str:
        lines = [
            f"{sum(self.kills.values())} kills in {self.seconds:.0f} s: {dict(self.kills)}",
            f"{self.reloads} reloads",
            f"{sum(self.ends.values())} requests: {dict(self.ends)}",
            f"{sum(self.private.values())} told in private: {dict(self.private)}",
            f"{len(self.faults)} faults",
        ]
        return "\n".join([*lines, *self.faults])


class Massacre:
    """Lanes of people who ask and approve, and one who kills."""

    def __init__(
        self, one: Mortal, rounds: int, seed: int, seconds: float, patience: float
    ) -> None:
        self._one = one
        self._patience = patience
        self._rounds = rounds
        self._until = time.monotonic() + seconds
        self._random = random.Random(seed)
        self._over = asyncio.Event()
        self._number = 0
        self.requests: list[Request] = []
        self.private: list[str] = []
        self.report = Report()

    async def run(self) -> Report:
        """Kill, wait until everything is settled, then look."""
        began = time.monotonic()
        for name in ("alice", "bob", "carol"):
            await self._one.gives_session(self._one.ws.member(name), "gpu1")
        lanes = [asyncio.create_task(self._lane()) for _ in range(LANES)]
        lanes.append(asyncio.create_task(self._private_lane()))
        lanes.append(asyncio.create_task(self._reload_lane()))
        await self._kill_again_and_again()
        if self._is_hasty:
            await self._one.restart(after=DOWN)
        self._over.set()
        late = await self._late(lanes)
        for task in late:
            task.cancel()
            if not self._is_hasty:
                self.report.faults.append("a request was not settled in time")
        await asyncio.gather(*late, return_exceptions=True)
        for task in {*lanes} - late:
            if error := task.exception():
                self.report.faults.append(f"a lane broke: {error!r}")
        await self._look()
        self.report.seconds = time.monotonic() - began
        return self.report

    async def _late(self, lanes: Collection["asyncio.Task[None]"]) -> set["asyncio.Task[None]"]:
        """Those that are not over in time; in haste, once the bot can only go on looking."""
        late, until = set(lanes), time.monotonic() + self._patience
        while late and time.monotonic() < until and not self._only_looks():
            _, late = await asyncio.wait(late, timeout=1)
        return late

    def _only_looks(self) -> bool:
        if not self._is_hasty:
            return False
        looked = "EXISTS (SELECT 1 FROM watches WHERE execution = e.id AND polls >= ?)"
        found = self._one.rows(
            f"SELECT {looked} AS looked FROM executions e WHERE status IN ({OPEN})", LOOKS
        )
        return bool(found) and all(row["looked"] for row in found)

    @property
    def _is_hasty(self) -> bool:
        """Whether it ends before what nobody knows is settled, which takes the bot two minutes."""
        return self._patience < PATIENCE

    # Killing

    async def _kill_again_and_again(self) -> None:
        points: list[tuple[str, Callable[[], Awaitable[object]]]] = [
            ("at random", lambda: asyncio.sleep(self._random.uniform(0, LIFE))),
            *((f"after {m}", lambda m=m: self._said(m)) for m in (
                "chat.postMessage", "chat.update", "users.info")),
            *((f"on {op}", lambda op=op: self._called(op)) for op in (
                "tasks.delete", "tasks.detail", "tasks.list")),
        ]  # fmt: skip
        for _ in range(self._rounds):
            if time.monotonic() > self._until:
                break
            name, comes = self._random.choice(points if self._random.random() < 0.6 else points[:1])
            try:
                async with asyncio.timeout(2 * LIFE):
                    await comes()
            except TimeoutError:
                name = "at random"
            self.report.kills[name] += 1
            await self._one.restart()

    async def _said(self, method: str) -> None:
        before = len(self._one.ws.calls_of(method))
        await self._one.ws.until(lambda: len(self._one.ws.calls_of(method)) > before, 60)

    async def _called(self, op: str) -> None:
        await self._one.world.calls.wait(
            op, count=len(self._one.world.calls.of(op)) + 1, timeout=60
        )

    # Asking

    async def _lane(self) -> None:
        while not self._over.is_set():
            self._number += 1
            node = self._one.world.node("gpu1")
            name = f"m{self._number}x"
            task = node.running_task(demo_renter(), desc=name, gpus=[], cpu_cores=1, memory=2**30)
            request = Request(name, task.task_id, cancelled=self._random.random() < 0.2)
            if await self._ask(request):
                self.requests.append(request)
                await self._decide(request)
                await self._settled(request.name)

    async def _private_lane(self) -> None:
        carol = self._one.ws.member("carol")
        while not self._over.is_set():
            name = f"w{len(self.private)}x"
            if await self._takes(carol, f"/dbc alias add {name} = vm list", name):
                self.private.append(name)
                await self._settled(name)

    async def _reload_lane(self) -> None:
        while not self._over.is_set():
            # What nothing can meet is the rule for a while, and not most of the time.
            kinds = RULES if self._random.random() < 0.3 else RULES[:-2]
            self._reload(self._random.choice(kinds))
            await asyncio.sleep(self._random.uniform(0, 2 * PAUSE))
        self._reload(RULES[0])

    def _reload(self, text: str) -> None:
        put_rules(self._one.data, text)
        if self._one.ws.connected:  # before it has connected, the signal would end it
            with suppress(ProcessLookupError):
                self._one.hang_up()
                self.report.reloads += 1

    async def _ask(self, request: Request) -> bool:
        alice = self._one.ws.member("alice")
        return await self._takes(alice, f"/dbc vm delete {request.name} on gpu1", request.name)

    async def _takes(self, person: Person, line: str, name: str) -> bool:
        """They type it until it is taken; where Slack shows them a failure, they look first."""
        for _ in range(20):
            ack = await person.types(line, channel=CHANNEL)
            if isinstance(ack, Ack) and ack.ok:
                return True
            await self._one.ws.until(lambda: self._one.ws.connected, 60)
            if self._recorded(name):
                return True
        return False

    def _recorded(self, name: str) -> list[dict[str, object]]:
        return self._one.rows(f"SELECT id, status FROM executions WHERE {ABOUT}", name)

    async def _decide(self, request: Request) -> None:
        card = await self._card(request)
        while card is not None and self._asks(card):
            bob, carol = self._one.ws.member("bob"), self._one.ws.member("carol")
            other = (carol, "Approve")
            if request.cancelled:
                other = (self._one.ws.member("alice"), "Withdraw")
            taken = await asyncio.gather(
                self._press(bob, "Approve", card), self._press(*other, card)
            )
            with suppress(TimeoutError):
                answered = partial(self._is_answered, card)
                await self._one.ws.until(answered, AGAIN if any(taken) else 0.5)

    def _asks(self, card: SeenMessage) -> bool:
        return "Approve" in self._now(card).buttons

    def _is_answered(self, card: SeenMessage) -> bool:
        return not self._asks(card)

    async def _card(self, request: Request) -> SeenMessage | None:
        """The card, once it is there; nothing for a request that ended without one."""

        def there_or_over() -> bool:
            return bool(self._cards(request)) or self._is_over(request)

        with suppress(TimeoutError):
            await self._one.ws.until(there_or_over, PATIENCE)
        return next(iter(self._cards(request)), None)

    def _is_over(self, request: Request) -> bool:
        return [row["status"] for row in self._recorded(request.name)] == ["refused"]

    async def _press(self, person: Person, button: str, card: SeenMessage) -> bool:
        try:
            ack = await person.presses(button, self._now(card))
        except CannotDo:
            return True  # it is gone meanwhile
        return ack is not None and ack.ok

    def _now(self, card: SeenMessage) -> SeenMessage:
        seen = self._one.ws.member("alice").messages(CHANNEL)
        return next(m for m in seen if m.ts == card.ts)

    async def _settled(self, name: str) -> None:
        await self._one.comes_true(
            f"SELECT count(*) > 0 AND sum(status IN ({OPEN})) = 0 FROM executions WHERE {ABOUT}",
            name,
            within=PATIENCE + 600,
        )

    # Looking

    def _cards(self, request: Request) -> list[SeenMessage]:
        return [m for m in self._of(request, CHANNEL) if is_card(m.plain)]

    def _of(self, request: Request, where: str, person: str = "alice") -> list[SeenMessage]:
        seen = self._one.ws.member(person).messages(where)
        return [m for m in seen if request.name in m.plain and not m.ephemeral]

    async def _look(self) -> None:
        """Everything is delivered; then every request has what it should."""
        say = self.report.faults.append
        try:
            await self._one.comes_true(
                "SELECT count(*) = 0 FROM messages WHERE delivered < version "
                "AND abandoned < version",
                within=PATIENCE,
            )
        except TimeoutError:
            say("messages were not delivered")
        try:
            await self._one.comes_true("SELECT count(*) = 0 FROM votes WHERE state = 'pending'")
        except TimeoutError:
            say("a click was not looked at")
        for request in self.requests:
            for fault in self._faults(request):
                say(f"{request.name}: {fault}")
        for name in self.private:
            for fault in self._private_faults(name):
                say(f"{name}: {fault}")
        self._one.verified()

    def _private_faults(self, name: str) -> list[str]:
        """What only Carol is told: in the channel or in her direct messages, once at least."""
        found = self._recorded(name)
        if len(found) != 1:
            return [f"recorded {len(found)} times"]
        status = str(found[0]["status"])
        self.report.private[status] += 1
        carol, others = self._one.ws.member("carol"), ("alice", "bob")
        told = [m for m in carol.messages() if m.user == "dbc" and name in m.plain]
        kept = self._one.rows("SELECT delivered FROM messages WHERE key = 'told:' || ? "
                              "AND delivered = version", found[0]["id"])  # fmt: skip
        seen = [m for one in others for m in self._one.ws.member(one).messages() if name in m.plain]
        checks = {
            "nobody was told": not told and (status == "done" or not kept),
            "its end was lost": not kept,
            "others have seen it": bool(seen),
        }
        return [fault for fault, holds in checks.items() if holds]

    def _faults(self, request: Request) -> list[str]:
        found = self._recorded(request.name)
        if len(found) != 1:
            return [f"recorded {len(found)} times"]
        status = str(found[0]["status"])
        self.report.ends[status] += 1
        calls = [c for c in self._one.world.changing_calls() if c.task_id == request.task]
        cards, copies = self._cards(request), self._of(request, "@dbc", "bob")
        ends = [m for m in self._of(request, CHANNEL) if not is_card(m.plain)]
        is_open = self._is_hasty and status in {"waiting", "following"}
        told = 0 if status in {"cancelled", "refused"} or is_open else 1
        shown = 0 if status == "refused" else 1  # before anybody was asked
        checks = {
            f"{len(calls)} changing calls": len(calls) > 1,
            f"{status}, but no call": status == "done" and not calls,
            f"{status}, but there was a call": status in NOT_DONE and bool(calls),
            "done, but the machine is there": status == "done" and self._is_there(request),
            f"{len(cards)} cards": len(cards) != shown,
            f"{len(ends)} ends of {status}": len(ends) != told,
            f"{len(copies)} copies": len(copies) != shown,
            "the card still asks": not is_open and any(m.buttons for m in [*cards, *copies]),
            "the copy says something else": [m.plain for m in cards] != [m.plain for m in copies],
            f"the card of {status} lies": not all(_fits(status, m) for m in cards),
        }
        return [fault for fault, holds in checks.items() if holds]

    def _is_there(self, request: Request) -> bool:
        return request.task in self._one.world.node("gpu1").tasks


def _fits(status: str, card: SeenMessage) -> bool:
    words = {
        "done": "is deleted", "cancelled": " withdrew “", "expired": "in time",
        "voided": "was not carried out",
    }  # fmt: skip
    return words.get(status, "") in card.plain


def put_rules(data: Path, text: str) -> None:
    """Let the file of rules say this, all at once."""
    new = data / f"{RULES_FILE}.new"
    new.write_text(text, encoding="utf-8")
    new.replace(data / RULES_FILE)


async def massacre(
    data: Path,
    *,
    rounds: int,
    seed: int = 0,
    seconds: float = 600,
    patience: float = PATIENCE,
) -> tuple[Report, str]:
    """Kill `rounds` times, for `seconds` at most; the figures, and the end of the bot's log.

    `patience` is how long (seconds) requests have to be settled after the last kill. Where it is
    short, the last bot starts once all that the dead had under way is over.
    """
    put_rules(data, RULES[0])
    async with mortal(data, extra={"POLICY_FILE": str(data / RULES_FILE)}) as one:
        report = await Massacre(one, rounds, seed, seconds, patience).run()
        return report, one.log.read_text(errors="replace")[-20_000:]


@click.command()
@click.option("--rounds", default=300, show_default=True, help="How often it is killed.")
@click.option("--seed", default=0, show_default=True, help="Of the moments.")
@click.option("--seconds", default=600.0, show_default=True, help="Stop killing after these.")
def main(rounds: int, seed: int, seconds: float) -> None:
    """Kill the bot again and again, and say what is left."""
    janitor.watch()
    data = Path(tempfile.mkdtemp(prefix="kill-"))
    report, _ = asyncio.run(massacre(data, rounds=rounds, seed=seed, seconds=seconds))
    click.echo(report)
    click.echo(f"The database and the log are in {data}.")
    if report.faults:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
