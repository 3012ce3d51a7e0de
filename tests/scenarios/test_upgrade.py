"""A database of each release is taken up by this version, with everything that was open in it."""

import re
import sqlite3
from contextlib import AsyncExitStack, closing
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from bot.model import AuditQuery
from storage.migrations import HEAD, REVISIONS
from tests.release import HERE, load
from tests.scenarios.site import NAME, now
from tests.scenarios.stage import CHANNEL, staged

JOINED = "Also requested by"
RELEASES = sorted(HERE.glob("*.sql"))


def test_there_is_a_database_of_a_release() -> None:
    assert RELEASES


@pytest.mark.parametrize("release", RELEASES, ids=lambda path: path.stem)
async def test_what_was_open_in_a_release_goes_on(release: Path, tmp_path: Path) -> None:
    load(release, tmp_path)
    with closing(sqlite3.connect(tmp_path / "bot.db")) as raw:
        former = raw.execute(REVISIONS).fetchall()
    async with AsyncExitStack() as stack:
        with capture_logs() as logs:
            stage = await stack.enter_async_context(staged(tmp_path, policy=""))
        migrated = [one for one in logs if one["event"] == "database.migrated"]
        assert [((one["from"],), one["to"]) for one in migrated] == [(former[0], HEAD)]
        with capture_logs() as logs:
            await stage.restart_bot()
        assert [one for one in logs if one["event"] == "database.migrated"] == []
        async with stage.bot.store.read() as tx:
            before = await tx.audit.head()
        assert "vm restart $1 force" in (await stage.asks(stage.alice, "/dbc alias list")).plain
        assert "gpu1" in (await stage.asks(stage.alice, "/dbc settings")).plain
        followed = await stage.asks(stage.alice, "/dbc watch list")
        assert "pytorch" in followed.plain
        for person in (stage.alice, stage.bob, stage.carol):  # these nodes know no former session
            await stage.gives_session(person, "gpu1")
        listed = await stage.asks(stage.bob, "/dbc approval list", CHANNEL)
        found = re.search(r"`(\w{8})` ", listed.plain)
        assert found, listed.plain
        card = await stage.asks(stage.bob, f"/dbc approval show {found[1]}", CHANNEL)
        assert NAME in card.plain
        await stage.bob.presses("Approve", card)
        await stage.quiet()
        await stage.passes(60)
        assert "tasks.delete" in stage.changes(), stage.alice.screen()
        async with stage.bot.store.read() as tx:
            rows = await tx.audit.page(AuditQuery(), before=None, limit=500)
        assert before is not None
        assert rows[-1].seq == 1  # nothing of the former rows is gone


async def test_a_card_that_an_older_replica_drew_meanwhile_is_drawn_anew(tmp_path: Path) -> None:
    load(RELEASES[-1], tmp_path)
    delete = '/dbc vm delete "Ada\'s training run"'
    async with staged(tmp_path, policy="") as stage:
        for person in (stage.alice, stage.bob, stage.carol):
            await stage.gives_session(person, "gpu1")
        await stage.passes(1)  # the first look at all that waits
        card = await stage.asks(stage.alice, delete)
        with closing(sqlite3.connect(tmp_path / "bot.db")) as raw:
            former = raw.execute("SELECT content, key FROM messages WHERE key LIKE 'card:%'")
            drawn = former.fetchall()
        await stage.asks(stage.bob, f'{delete} reason="the disk is full"')
        assert JOINED in now(stage, card).plain
        with closing(sqlite3.connect(tmp_path / "bot.db")) as raw, raw:
            redraw = "UPDATE messages SET content = ?, version = version + 1 WHERE key = ?"
            raw.executemany(redraw, drawn)
        await stage.passes(2)
        assert JOINED not in now(stage, card).plain
        await stage.passes(60)
        assert JOINED in now(stage, card).plain
