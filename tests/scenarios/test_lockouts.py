"""Rules that nobody can meet: the operator is told at start, and people why they are refused."""

import asyncio
import os
from pathlib import Path

import pytest

from tests.scenarios.site import rules, site, told
from tests.scenarios.stage import CHANNEL, staged


async def test_a_file_that_lets_nobody_begin_is_named_at_start(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with staged(tmp_path, policy="[defaults]\nchange = { approvals = 1 }\n") as stage:
        logged = capsys.readouterr().out
        assert "policy.locks_out" in logged
        assert "session add" in logged
        assert "name `approvers`" in logged
        await stage.alice.types("/dbc session add gpu1", CHANNEL)
        await stage.alice.sees_modal("Add a session")
        pair = stage.pair("gpu1")
        await stage.alice.submits({"Session id": pair[0], "Session signature": pair[1]})
        modal = await stage.alice.sees_modal("Whoever runs this bot has to name")
        assert "they add theirs with" not in str(modal.blocks)
        await stage.quiet()


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (
            '[[rule]]\nname = "two of one"\nmatch = { command = "vm.delete" }\napprovals = 2\n'
            'approvers = { persons = ["U0BOB"] }\n',
            "Nobody can do “vm delete”: it needs 2 approvals, and only U0BOB could give one",
        ),
        (
            '[[rule]]\nname = "leads"\nmatch = { command = "vm.delete" }\n'
            'approvers = { persons = ["U0BOB"] }\n'
            '[[rule]]\nname = "others"\nmatch = { effect = "destroy" }\n'
            'approvers = { persons = ["U0CAROL"] }\n',
            "the rules name nobody ((default), leads, others)",
        ),
        (
            '[[rule]]\nname = "frozen"\nmatch = {}\ndeny = "Frozen."\n',
            "it is denied to everybody ((default), frozen)",
        ),
    ],
)
async def test_a_reload_names_what_nobody_can_do_any_more(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, named: str
) -> None:
    async with site(tmp_path, entitled="alice") as stage:
        assert "policy.locks_out" not in capsys.readouterr().out
        rules(stage, text)
        assert named in capsys.readouterr().out


async def test_people_are_answered_while_a_file_of_rules_is_read(tmp_path: Path) -> None:
    async with site(tmp_path, entitled="alice") as stage:
        path = stage.data / "policy.toml"
        path.unlink()
        os.mkfifo(path)  # whoever reads it waits until it is written
        reloading = stage.bot.reload_policy_aside()
        await stage.asks(stage.alice, "/dbc alias add q = vm list")
        assert not reloading.done()
        assert not told(stage.alice, "Not now.")
        text = '[[rule]]\nname = "a"\nmatch = { command = "alias.add" }\ndeny = "Not now."\n'
        await asyncio.to_thread(path.write_text, text)
        await reloading
        await stage.asks(stage.alice, "/dbc alias add q = vm list")
        assert told(stage.alice, "Not now.")


async def test_what_is_about_no_node_is_refused_for_its_true_reason(tmp_path: Path) -> None:
    async with site(tmp_path, "[defaults]\n", entitled="alice bob") as stage:
        rules(stage, '[[rule]]\nname = "a"\nmatch = { command = "alias.add" }\napprovals = 1\n')
        await stage.asks(stage.alice, "/dbc alias add q = vm list")
        assert told(stage.alice, "Whoever runs this bot has to name `approvers` for it")
