"""A bug met before anything is sent: the request ends, once; no later try meets it again."""

from pathlib import Path

import pytest
from structlog.testing import capture_logs

from tests.scenarios.changing import NO_REVIEW
from tests.scenarios.site import NAME, site
from tests.scenarios.stage import CHANNEL


async def _bug(*_: object, **__: object) -> None:
    raise LookupError("a bug")


async def test_a_bug_before_the_call_ends_the_request_and_is_told_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with site(tmp_path, NO_REVIEW, entitled="alice") as stage:
        monkeypatch.setattr("bot.pipeline.preparation.as_meant", _bug)
        with capture_logs() as logged:
            told = await stage.asks(stage.alice, f"/dbc vm restart {NAME}", CHANNEL)
            for _ in range(3):
                await stage.passes(400)
        surprises = [one for one in logged if one["event"] == "surprise"]
        assert len(surprises) == 1
        assert "Something went wrong on my side before anything was sent." in told.plain
        assert f"error {surprises[0]['error_id']}" in told.plain.replace("`", "")
        assert [m for m in stage.alice.messages() if "went wrong" in m.plain] == [told]
        assert stage.changes() == []
        monkeypatch.undo()
        audit = await stage.asks(stage.alice, "/dbc audit list")
        assert "Something went wrong on my side before anything was sent." in audit.plain
        async with stage.bot.store.read() as tx:
            (one,) = await tx.executions.recent()
        assert one.status.is_end
