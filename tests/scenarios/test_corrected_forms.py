"""A form whose acknowledgement got lost is sent in again: it is taken once, and says so."""

import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from bot.app import Bot
from sandbox.slack import Person
from tests.scenarios.machines import off
from tests.scenarios.site import asked, entries, now, site
from tests.scenarios.stage import CHANNEL, LIMITS, Stage
from tests.scenarios.stored import alter
from tests.scenarios.test_forms import opens

GLASS = """
[[rule]]
name = "glass"
match = { command = "vm.delete" }
break_glass = { persons = ["U0CAROL"] }
"""
TAKEN = "This form was taken when you sent it first"
OVER = f"{TAKEN}. See what became of it"
TROUBLE = "We had some trouble connecting"


async def named(stage: Stage, nickname: str) -> None:
    """Alice names a node by the form, and the form stands there all the same."""
    await stage.asks(stage.alice, "/dbc node use gpu1")
    await stage.alice.types("/dbc node name", channel=CHANNEL)
    await stage.alice.sees_modal("")
    node = stage.node("gpu1").node_id
    await stage.alice.submits({"Node": node, "Nickname": nickname}, is_lost=True)
    assert TROUBLE in in_form(stage.alice)
    await stage.quiet()


def in_form(person: Person) -> str:
    """What stands in the form on top."""
    assert person.modal is not None, person.screen()
    return f"{person.modal} {person.modal.trouble}"


async def names(stage: Stage) -> list[str]:
    """The nicknames that were requested."""
    kept = await entries(stage)
    return [
        str(one.arguments["nickname"])
        for one in kept
        if one.kind == "requested" and one.command == "node.name"
    ]


async def restarted(stage: Stage) -> None:
    """The same bot in another process."""
    await stage.bot.stop()
    stage.bot = Bot(stage.settings(), stage.clock, LIMITS)
    await stage.bot.start(ticking=False)
    await stage.bot.edge.connected()


async def test_a_correction_says_with_what_the_form_was_taken(one_stage: Stage) -> None:
    await named(one_stage, "rack-a")
    await one_stage.alice.submits({"Nickname": "rack-b"})
    assert f"{TAKEN} (Nickname: rack-a)" in in_form(one_stage.alice)
    assert await names(one_stage) == ["rack-a"]


async def test_what_is_sent_in_again_as_it_was_is_one_request(one_stage: Stage) -> None:
    await named(one_stage, "rack-a")
    await one_stage.alice.submits({})
    assert one_stage.alice.modal is None
    assert await names(one_stage) == ["rack-a"]


async def test_another_process_judges_it_the_same(one_stage: Stage) -> None:
    await named(one_stage, "rack-a")
    await restarted(one_stage)
    await one_stage.alice.submits({"Nickname": "rack-b"})
    assert f"{TAKEN} (Nickname: rack-a)" in in_form(one_stage.alice)
    await one_stage.alice.submits({"Nickname": "rack-a"})
    assert one_stage.alice.modal is None
    assert await names(one_stage) == ["rack-a"]


async def test_a_correction_of_what_was_refused_is_taken(one_stage: Stage) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu1")
    await stage.asks(stage.alice, "/dbc vm list")
    await stage.alice.types("/dbc disk resize inference", channel=CHANNEL)
    await stage.alice.sees_modal("Grow a disk")
    await stage.alice.submits({"Disk": "vdb", "Grow by (GiB)": "50"}, is_lost=True)
    await stage.quiet()
    off(stage)
    await stage.alice.submits({"Grow by (GiB)": "20"})
    await stage.ends(stage.alice, "inference on gpu1 has 20 GiB more on vdb")
    assert [call.additional["size"] for call in stage.world.changing_calls()] == [20]


async def test_a_form_that_waits_for_its_node_does_not_wait_for_ever(one_stage: Stage) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu1")
    await stage.asks(stage.alice, "/dbc vm list")
    off(stage)
    await stage.alice.types("/dbc disk resize inference", channel=CHANNEL)
    await stage.alice.sees_modal("Grow a disk")
    await stage.alice.submits({"Disk": "vdb", "Grow by (GiB)": "50"}, is_lost=True)
    await stage.quiet()
    await stage.alice.submits({})
    await stage.quiet()
    assert stage.alice.modal is None
    assert stage.changes() == ["disks.resize"]


async def test_another_machine_in_the_same_form_is_not_done_as_well(tmp_path: Path) -> None:
    """What is chosen there changes the form itself."""
    async with site(tmp_path) as stage:
        await stage.asks(stage.alice, "/dbc vm list")
        await stage.alice.types("/dbc vm delete", channel=CHANNEL)
        await stage.alice.sees_modal("Delete a machine")
        await stage.alice.submits({"Machine": stage.task("inference").task_id}, is_lost=True)
        await stage.quiet()
        other = stage.task("Ada's training run").task_id
        await stage.alice.fills({"Machine": other})
        await stage.quiet()
        await stage.alice.submits({})
        assert f"{TAKEN} (Machine: inference)" in in_form(stage.alice)
        assert "Withdraw that request first" in in_form(stage.alice)


async def test_another_password_is_not_told(one_stage: Stage) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu1")
    await stage.asks(stage.alice, "/dbc vm list")
    await stage.alice.types("/dbc vm passwd inference", channel=CHANNEL)
    await stage.alice.sees_modal("Set a password")
    await stage.alice.submits({"New password": "N3w-Passw0rd"}, is_lost=True)
    await stage.quiet()
    await stage.alice.submits({"New password": "0ther-Passw0rd"})
    shown = in_form(stage.alice)
    assert f"{TAKEN}; what you changed since was not." in shown
    assert stage.changes() == ["tasks.passwd"]
    assert "N3w" not in stage.alice.screen().replace(shown, "")


async def sets_a_password(stage: Stage, password: str) -> None:
    """Alice sets a password by the form, and the form stands there all the same."""
    await stage.gives_session(stage.alice, "gpu1")
    await stage.asks(stage.alice, "/dbc vm list")
    await stage.alice.types("/dbc vm passwd inference", channel=CHANNEL)
    await stage.alice.sees_modal("Set a password")
    await stage.alice.submits({"New password": password}, is_lost=True)
    await stage.quiet()


async def test_the_same_password_again_is_one_request_once_it_is_set(one_stage: Stage) -> None:
    stage = one_stage
    await sets_a_password(stage, "N3w-Passw0rd")
    await stage.alice.submits({})
    await stage.quiet()
    assert OVER in in_form(stage.alice)
    assert stage.changes() == ["tasks.passwd"]


async def test_the_same_password_again_is_one_request_once_it_was_refused(
    one_stage: Stage,
) -> None:
    stage = one_stage
    off(stage)
    await sets_a_password(stage, "N3w-Passw0rd")
    await restarted(stage)
    before, recorded = stage.changes(), await entries(stage)
    await stage.alice.submits({})
    await stage.quiet()
    assert OVER in in_form(stage.alice)
    assert (stage.changes(), await entries(stage)) == (before, recorded)


async def test_another_password_is_taken_once_the_first_was_refused(one_stage: Stage) -> None:
    stage = one_stage
    off(stage)
    await sets_a_password(stage, "N3w-Passw0rd")
    await stage.alice.submits({"New password": "0ther-Passw0rd"})
    await stage.quiet()
    requested = [one.command for one in await entries(stage) if one.kind == "requested"]
    assert requested == ["vm.passwd", "vm.passwd"]


async def test_what_a_former_version_took_with_a_password_is_taken_for_the_same(
    one_stage: Stage,
) -> None:
    stage = one_stage
    off(stage)
    await sets_a_password(stage, "N3w-Passw0rd")
    before = stage.changes()
    alter(stage, "UPDATE executions SET digest = NULL")
    await stage.alice.submits({"New password": "0ther-Passw0rd"})
    await stage.quiet()
    assert OVER in in_form(stage.alice)
    assert stage.changes() == before


async def test_what_failed_in_part_is_not_done_again_by_a_correction(one_stage: Stage) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu1")
    await stage.asks(stage.alice, "/dbc vm list")
    off(stage)
    await opens(stage, "vm modify inference")
    await stage.alice.submits({"SSH port": "5700", "GPUs": "7"}, is_lost=True)
    await stage.quiet()
    assert stage.task("inference").ssh_port == 5700
    before = stage.changes()
    await stage.alice.submits({"GPUs": "2"})
    assert f"{TAKEN} (GPUs: 7); what you changed since was not." in in_form(stage.alice)
    assert "See what became of it" in in_form(stage.alice)
    assert stage.changes() == before


@pytest.mark.slow
async def test_a_form_that_was_corrected_too_often_says_so(one_stage: Stage) -> None:
    stage = one_stage
    off(stage)
    await sets_a_password(stage, "N3w-Passw0rd-0")
    for number in range(1, 20):
        await stage.alice.submits({"New password": f"N3w-Passw0rd-{number}"}, is_lost=True)
        await stage.quiet()
    before = stage.changes()
    await stage.alice.submits({"New password": "N3w-Passw0rd-20"})
    assert "You have changed this form 20 times" in in_form(stage.alice)
    assert stage.changes() == before


async def test_another_reason_of_a_denial_is_not_the_one_that_counts(tmp_path: Path) -> None:
    async with site(tmp_path) as stage:
        question = await asked(stage)
        await stage.bob.presses("Deny", question)
        await stage.bob.sees_modal("Deny")
        await stage.bob.submits({"Why not?": "wrong machine"}, is_lost=True)
        await stage.quiet()
        await stage.bob.submits({"Why not?": "not on a Friday"})
        assert f"{TAKEN} (Reason: wrong machine)" in in_form(stage.bob)
        assert "wrong machine" in now(stage, question).plain


async def test_another_reason_to_break_the_glass_is_not_the_one_that_is_told(
    tmp_path: Path,
) -> None:
    async with site(tmp_path, GLASS) as stage:
        await asked(stage)
        await stage.carol.presses("Break glass …", await stage.alice.sees("Needs 1", CHANNEL))
        await stage.carol.sees_modal("without approval")
        await stage.carol.submits({"Why can it not wait?": "It burns"}, is_lost=True)
        await stage.ends(stage.carol, "inference is deleted")
        await stage.carol.submits({"Why can it not wait?": "It floods"})
        assert f"{TAKEN} (Break glass: It burns)" in in_form(stage.carol)
        await stage.carol.submits({"Why can it not wait?": "It burns"})
        assert stage.carol.modal is None
        assert stage.changes() == ["tasks.delete"]


async def test_by_what_a_password_is_known_again_is_forgotten_after_its_time(
    one_stage: Stage,
) -> None:
    stage = one_stage
    off(stage)
    await sets_a_password(stage, "N3w-Passw0rd")
    kept = timedelta(days=stage.bot._settings.keep_days)
    found = []
    for passed in (kept - timedelta(days=1), timedelta(days=2)):
        stage.clock.advance(passed)
        await stage.passes(1)
        found.append(digests(stage))
    before, after = found
    assert before != [None]
    assert after == [None]


def digests(stage: Stage) -> list[str | None]:
    """By what the secrets of requests are known again."""
    with closing(sqlite3.connect(f"{stage.data}/bot.db")) as database:
        query = "SELECT digest FROM executions WHERE command = 'vm.passwd'"
        return [digest for (digest,) in database.execute(query)]
