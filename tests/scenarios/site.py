"""A stage for reviews: who is entitled, which rules hold, and what a question looks like."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from zlib import crc32

import pytest

from bot.model import AuditEntry, AuditKind, AuditQuery, ExecutionStatus
from sandbox.slack import Person, SeenMessage
from tests.scenarios.stage import CHANNEL, NO_OUTAGES, Stage, staged

NAME = "inference"
# One scenario of each behaviour is played over HTTP as well; not all of them, which takes time.
both_ways = pytest.mark.parametrize("http", [False, True], ids=["socket", "http"])
both_stages = pytest.mark.parametrize("stage", ["socket", "http"], indirect=True)
DELETE = f"/dbc vm delete {NAME}"


@asynccontextmanager
async def site(
    data: Path, policy: str = "", *, http: bool = False, entitled: str = "alice bob carol"
) -> AsyncIterator[Stage]:
    """A stage with these rules beside the bot's own; the people named are entitled to gpu1."""
    async with staged(data, http=http, policy=policy or "[defaults]\n") as stage:
        await stage.gives_sessions((stage.ws.member(name), "gpu1") for name in entitled.split())
        yield stage


def rules(stage: Stage, text: str) -> None:
    """These are the rules from now on."""
    quiet = "" if "[outages]" in text else NO_OUTAGES
    (stage.data / "policy.toml").write_text(f"{text}\n{quiet}", encoding="utf-8")
    stage.bot.reload_policy()


def is_http(request: pytest.FixtureRequest) -> bool:
    """Whether a stage is reached over HTTP: where no way is named, by the scenario's name.

    What is about the way in (acknowledgements, deliveries, views) runs in both: `both_stages`.
    """
    ways = "socket", "http"
    by_name = ways[crc32(request.node.originalname.encode()) % 2]
    return str(getattr(request, "param", by_name)) == "http"


async def asked(stage: Stage, line: str = DELETE, person: Person | None = None) -> SeenMessage:
    """Somebody (Alice) asks in the channel; what asks them, or everybody."""
    person = person or stage.alice
    await person.types(line, channel=CHANNEL)
    await stage.quiet()
    return stage.question(person)


async def approves(stage: Stage, person: Person, question: SeenMessage) -> None:
    """`person` presses Approve, and everything that follows from it has been said."""
    await person.presses("Approve", question)
    await stage.quiet()


async def denies(stage: Stage, person: Person, question: SeenMessage, why: str) -> None:
    """`person` presses Deny and says why."""
    await person.presses("Deny", question)
    await person.sees_modal("Deny")
    await person.submits({"Why not?": why})
    await stage.quiet()


def now(stage: Stage, question: SeenMessage) -> SeenMessage:
    """The question's message as it stands now."""
    everywhere = [*stage.alice.messages(), *stage.bob.messages(), *stage.carol.messages()]
    return next(m for m in everywhere if (m.channel, m.ts) == (question.channel, question.ts))


def told(person: Person, words: str) -> list[SeenMessage]:
    """The messages on somebody's screen that have these words."""
    return [m for m in person.messages() if words in m.plain.replace("*", "")]


async def entries(stage: Stage) -> list[AuditEntry]:
    """What the audit has recorded, oldest first."""
    async with stage.bot.store.read() as tx:
        rows = await tx.audit.page(AuditQuery(), before=None, limit=500)
    return [row.entry for row in reversed(rows)]


async def refused_clicks(stage: Stage) -> list[tuple[str, str]]:
    """Whose clicks were refused, and why, as the audit has it."""
    return [
        (entry.actor, entry.details.get("why", ""))
        for entry in await entries(stage)
        if entry.kind is AuditKind.CLICK_REFUSED
    ]


async def dies_as_it_runs(stage: Stage) -> None:
    """The one card that waits was approved, and a bot that is no more had begun to carry it out.

    Whether that one had called DBC cannot be known.
    """
    async with stage.bot.store.write() as tx:
        [waiting] = await tx.approvals.open()
        now = stage.clock.now()
        await tx.executions.claim(
            waiting.execution, "dead", now, now + timedelta(minutes=5),
            expect={ExecutionStatus.WAITING}, to=ExecutionStatus.RUNNING,
        )  # fmt: skip
