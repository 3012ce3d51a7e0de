"""What is odd about one review, or gone, keeps nobody from being reminded."""

import sqlite3
from contextlib import closing
from pathlib import Path

from tests.scenarios.site import NAME, asked, site, told
from tests.scenarios.stage import CHANNEL
from tests.scenarios.test_floods import REVIEWED


async def test_an_odd_review_silences_no_other(tmp_path: Path) -> None:
    async with site(tmp_path, REVIEWED, entitled="alice bob carol") as stage:
        await stage.asks(stage.alice, f"/dbc vm name {NAME} called0")
        await stage.passes(1)
        await stage.asks(stage.bob, f"/dbc vm name {NAME} other")
        with closing(sqlite3.connect(f"{stage.data}/bot.db")) as database, database:
            first = "(SELECT id FROM approvals ORDER BY created_at LIMIT 1)"
            database.execute(f"UPDATE approvals SET reminders = -50 WHERE id = {first}")
        for _ in range(15):
            await stage.passes(60)
        assert told(stage.alice, "other still waits for a decision")
        assert told(stage.carol, "2 requests still wait for your decision")
        assert not told(stage.alice, "called0 still waits for a decision")


async def test_a_reminder_of_a_deleted_card_is_posted_in_the_channel(tmp_path: Path) -> None:
    async with site(tmp_path) as stage:
        question = await asked(stage)
        del stage.ws.core.state.channel(CHANNEL).messages[question.ts]
        for _ in range(12):
            await stage.passes(60)
        [reminder] = [m for m in told(stage.bob, "still waits") if m.channel == question.channel]
        assert reminder.thread_ts is None
        assert not [m for m in told(stage.alice, "still waits") if m.channel != question.channel]


async def test_nobody_waits_for_slack_once_for_each_request(tmp_path: Path) -> None:
    async with site(tmp_path, REVIEWED, entitled="alice bob carol") as stage:
        for name in ("one", "other", "third"):
            await stage.asks(stage.alice, f"/dbc vm name {NAME} {name}")
        stage.ws.faults.add("http_500", "users.info", times=None)
        rounds = []
        for _ in range(12):
            before = len(stage.ws.calls_of("users.info"))
            await stage.passes(60)
            rounds.append(len(stage.ws.calls_of("users.info")) - before)
        assert max(rounds) == 2 * min(rounds)  # in the round that reminds, once for all of them
