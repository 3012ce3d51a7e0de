"""The log answers who ran what: a line per command, with the ids that people and messages have."""

import json
import re
from pathlib import Path

from structlog.testing import capture_logs

from bot.version import VERSION
from tests.mortal import mortal
from tests.scenarios.machines import off
from tests.scenarios.stage import staged


async def test_each_command_is_one_line_from_its_request_to_its_end(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        await stage.gives_session(stage.alice, "gpu1")
        with capture_logs() as logs:
            await stage.asks(stage.alice, "/dbc vm list")
            off(stage)
            await stage.asks(stage.alice, "/dbc vm start inference")
            await stage.ends(stage.alice, "inference is running on gpu1")
            await stage.asks(stage.bob, "/dbc vm delete inference")
        read, started, refused = [one for one in logs if one["event"] == "command.ended"]
        assert (read["actor"], read["command"], read["outcome"]) == (
            stage.alice.id, "vm list", "done",
        )  # fmt: skip
        task = stage.task("inference")
        said = {name: started[name] for name in ("actor", "command", "machine", "outcome")}
        assert said == {
            "actor": stage.alice.id,
            "command": "vm start",
            "machine": task.task_id,
            "outcome": "done",
        }
        assert started["node"] == stage.node("gpu1").node_id
        assert started["took"] > 0
        assert started["why"] == "inference is running on gpu1."
        async with stage.bot.store.read() as tx:
            assert await tx.messages.find(f"card:{started['id']}") is not None
        assert (refused["actor"], refused["outcome"]) == (stage.bob.id, "refused")
        assert refused["why"]


async def test_the_error_id_that_people_see_is_in_the_line_of_their_delivery(
    tmp_path: Path,
) -> None:
    async with staged(tmp_path) as stage:
        await stage.gives_session(stage.alice, "gpu1")
        with capture_logs() as logs:
            stage.ws.faults.add("http", times=None)
            await stage.asks(stage.alice, "@dbc help")
        [failed] = [one for one in logs if "error_id" in one]
        assert failed["key"].partition(":")[2].startswith(failed["error_id"])


async def test_a_daemon_that_is_down_is_a_warning_said_once(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        await stage.gives_session(stage.alice, "gpu1")
        await stage.asks(stage.alice, "/dbc vm list")
        await stage.daemon.stop()
        with capture_logs() as logs:
            for _ in range(3):
                await stage.asks(stage.alice, "/dbc vm list")
                await stage.passes(60)
            await stage.asks(stage.alice, "/dbc vm logs inference")
        down = [one for one in logs if one["event"] == "dbc.down"]
        told = [(one["log_level"], one["why"]) for one in down]
        assert told == [("warning", "connection refused")]
        levels = {one["log_level"] for one in logs if one.get("outcome") == "failed"}
        assert levels == {"warning"}
        unread = [one for one in logs if one["event"] == "command.ended"][-1]
        assert (unread["outcome"], unread["why"]) == ("failed", "The DBC daemon cannot be reached.")
        assert [one for one in logs if one["log_level"] == "error" or "exc_info" in one] == []


async def test_the_log_begins_with_the_version_and_settings_without_secrets(
    tmp_path: Path,
) -> None:
    async with mortal(tmp_path) as bot:
        first = json.loads(bot.log.read_text().splitlines()[0])
        assert first["event"] == "starting"
        assert first["version"] == VERSION
        assert first["mode"] == "socket"
        assert first["database"] == f"{tmp_path}/bot.db"
        assert first["chain_nodes"] == "0"
        text = bot.log.read_text()
        assert not re.search(r"xoxb-|xapp-", text)
        await bot.gives_session(bot.ws.member("alice"), "gpu1")
        await bot.logs('"command": "session add"')
