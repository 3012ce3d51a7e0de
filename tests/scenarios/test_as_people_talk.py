"""Lines as people say them: with articles, with nouns, with the names of months and of weeks."""

import pytest

from tests.scenarios.stage import Stage


@pytest.fixture
async def stage(one_stage: Stage) -> Stage:
    """Alice has machines that the bot knows."""
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu1", "gpu2")
    await stage.passes()
    return stage


async def test_articles_and_nouns_are_no_names(stage: Stage) -> None:
    for line in (
        "check my sessions",
        "check sessions",
        "session check my sessions",
        "check the session for gpu1",
    ):
        told = await stage.asks(stage.alice, f"/dbc {line}")
        assert "Your session for *gpu1* works." in told.plain, line
    told = await stage.asks(stage.alice, "/dbc restart the machine inference")
    assert told.plain.startswith(":raised_hand: Restart *inference* on *gpu1*?")
    for line in ("restart all machines", "restart both machines"):
        told = await stage.asks(stage.alice, f"/dbc {line}")
        assert "Machine takes one name" in told.plain, line
    told = await stage.asks(stage.alice, "/dbc restart node gpu1")
    assert "Show node gpu1" in told.buttons
    assert stage.changes() == []


async def test_the_audit_of_a_month_or_a_week_is_found_by_its_name(stage: Stage) -> None:
    added = "session added"
    for line in (
        "audit list january", "audit list for this month", "audit list since=monday",
        "audit list since november", "audit list this week", "audit list my",
        "audit list from november to january",
    ):  # fmt: skip
        told = await stage.asks(stage.alice, f"/dbc {line}")
        assert added in told.plain, line
    for line in ("audit list november", "audit list last week", "audit list for last month"):
        told = await stage.asks(stage.alice, f"/dbc {line}")
        assert told.plain.startswith("Nothing that you may read fits."), line
    for line in (
        "export my audit for january", "export the audit since monday", "audit export csv",
        "export audit as csv",
    ):  # fmt: skip
        told = await stage.asks(stage.alice, f"/dbc {line}")
        assert told.plain.startswith("Sent "), line


async def test_a_greeting_and_a_question_for_it_are_no_part_of_a_wish(stage: Stage) -> None:
    told = await stage.asks(stage.alice, "/dbc good morning, could you please restart inference?")
    assert told.plain.startswith(":raised_hand: Restart *inference* on *gpu1*?")
    for line, first in {
        "can you delete ada?": "Show a machine",
        "can you delete ada please?": "Delete a machine",
        "how do I create a machine?": "Create a machine",
        "which images do we have": "List images",
        "what does it cost": "Show costs",
        "did my restart work?": "List machines",
        "who am i": "Show who you are",
    }.items():
        told = await stage.asks(stage.alice, f"/dbc {line}")
        assert told.buttons[0] == first, (line, told.buttons)
    assert stage.changes() == []


async def test_what_stands_in_quotes_behind_a_reason_is_no_option(stage: Stage) -> None:
    for line in ('restart inference reason "x=y"', 'restart inference because "x=y" fails'):
        told = await stage.asks(stage.alice, f"/dbc {line}")
        assert "Reason" in told.plain, line
        assert "x=y" in told.plain, line
    told = await stage.asks(stage.alice, "/dbc restart inference reason x=y")
    assert "It is not clear whether “x=y” is a part of the reason." in told.plain


async def test_a_wallet_is_watched_by_its_own_words(stage: Stage) -> None:
    wallet = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY"
    told = await stage.asks(stage.alice, f"/dbc watch wallet {wallet}")
    assert told.plain.startswith(f"You are told of the orders of `{wallet}`.")
    told = await stage.asks(stage.alice, f"/dbc stop watching the wallet {wallet}")
    assert told.plain.startswith(f"You are no longer told of the orders of `{wallet}`.")
    told = await stage.asks(stage.alice, "/dbc ask for access to gpu3")
    assert told.plain.startswith(":no_entry_sign:")
    assert "Nobody has a session for gpu3 to share." in told.plain


async def test_a_machine_or_a_node_in_the_place_of_another_leads_on(stage: Stage) -> None:
    for line, typed, button in (
        ("power off inference", "vm poweroff inference", "Power off a machine"),
        ("power on inference", "vm start inference", "Start a machine"),
        ("order show gpu1", "order list gpu1", "List rentals"),
        ("order rescue gpu1", "order list gpu1", "List rentals"),
        ("node use none", "settings node=none", "Change settings"),
    ):
        told = await stage.asks(stage.alice, f"/dbc {line}")
        assert f"Did you mean `/dbc {typed}`?" in told.plain, line
        assert button in told.buttons, line
    for line in ("delete inference on gpu2", "kill inference on gpu2", "is inference up on gpu2?"):
        told = await stage.asks(stage.alice, f"/dbc {line}")
        assert told.plain.startswith(":no_entry_sign: inference is on gpu1, not on gpu2."), line
        assert told.buttons == ["Show", "More …"], line
    told = await stage.asks(stage.alice, "/dbc power off inference")
    await stage.alice.presses("Power off a machine", told)
    form = await stage.alice.sees_modal("Power off a machine")
    assert form.value("Machine") == stage.task("inference").task_id
    await stage.alice.closes()
    told = await stage.asks(stage.alice, "/dbc restrat nosuch")
    assert "`/dbc vm restart <machine> [force]`" in told.plain
    assert stage.changes() == []


async def test_the_audit_is_read_since_an_hour_and_of_whom_a_mention_names(stage: Stage) -> None:
    await stage.asks(stage.bob, "/dbc alias add rr vm restart inference")
    added = "session added"
    for line in (
        "audit yesterday",
        "audit list yesterday",
        "audit since 9",
        "audit list since 9am",
    ):
        told = await stage.asks(stage.alice, f"/dbc {line}")
        assert added in told.plain, line
    told = await stage.asks(stage.alice, "/dbc audit list @bob")
    assert told.plain.startswith(("Audit, newest first", "Nothing that you may read fits."))
    assert added not in told.plain
    assert stage.changes() == []


async def test_quotes_around_all_that_an_alias_stands_for_are_no_part_of_it(stage: Stage) -> None:
    await stage.asks(stage.alice, '/dbc alias add rr="vm show inference"')
    told = await stage.asks(stage.alice, "/dbc rr")
    assert told.plain.startswith("*inference* on *gpu1*")


async def test_a_machine_is_called_neither_it_nor_all(stage: Stage) -> None:
    for name in ("it", "this", "all"):
        told = await stage.asks(stage.alice, f"/dbc vm name inference {name}")
        assert f"“{name}” is a word of the commands." in told.plain
