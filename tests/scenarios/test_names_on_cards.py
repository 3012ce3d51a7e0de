"""What approvers read of a machine is not what its requester has just called it."""

from pathlib import Path

import pytest

from tests.scenarios.changing import NO_REVIEW
from tests.scenarios.site import asked, both_ways, now, site, told
from tests.scenarios.stage import CHANNEL, Stage
from tests.scenarios.test_approval_rules import rule

ADAS = "Ada's training run"
TYPING = rule('command = "vm.delete"', "type_name = true")
FIELD = "Its description or id"


async def renamed(stage: Stage) -> None:
    """Alice gives Ada's machine a harmless nickname."""
    await stage.asks(stage.alice, "/dbc vm list")
    await stage.asks(stage.alice, f'/dbc vm name "{ADAS}" scratch-test')


async def test_a_card_says_what_the_machine_is_beside_its_nickname(tmp_path: Path) -> None:
    async with site(tmp_path) as stage:
        await renamed(stage)
        await stage.asks(stage.alice, "/dbc node name gpu1 toys")
        question = await asked(stage, "/dbc vm delete scratch-test")
        seen = question.plain.replace("*", "")
        assert f"Delete scratch-test ({ADAS}) on toys?" in seen
        assert f"Delete scratch-test ({ADAS})" in question.message.text
        assert f"Description\n{ADAS}" in seen
        assert stage.task(ADAS).task_id in seen
        assert f"gpu1 · `{stage.node('gpu1').node_id[:12]}`" in seen
        for nickname in ("scratch-test", "toys"):
            assert f":warning: {nickname} since" in seen
        assert seen.count(f", given by <@{stage.alice.id}>") == 2


async def test_a_nickname_of_long_ago_needs_no_warning(tmp_path: Path) -> None:
    async with site(tmp_path) as stage:
        await renamed(stage)
        await stage.passes(8 * 24 * 3600)
        question = await asked(stage, "/dbc vm delete scratch-test")
        assert f"Delete scratch-test ({ADAS})" in question.plain.replace("*", "")
        assert "given by" not in question.plain


@both_ways
async def test_a_nickname_is_not_what_an_approver_types(tmp_path: Path, *, http: bool) -> None:
    async with site(tmp_path, TYPING, http=http) as stage:
        await renamed(stage)
        question = await asked(stage, "/dbc vm delete scratch-test")
        assert "must type its description or id" in question.plain
        await stage.bob.presses("Approve", question)
        await stage.bob.sees_modal(ADAS)
        await stage.bob.submits({FIELD: "scratch-test"})
        modal = await stage.bob.sees_modal(FIELD)
        assert "That is another one" in str(modal.errors)
        assert stage.changes() == []
        await stage.bob.submits({FIELD: ADAS.replace("'", "’")})
        await stage.ends(stage.alice, f"scratch-test ({ADAS}) is deleted")
        assert stage.changes() == ["tasks.delete"]


async def test_the_id_does_as_well_as_the_description(tmp_path: Path) -> None:
    async with site(tmp_path, TYPING) as stage:
        await renamed(stage)
        question = await asked(stage, "/dbc vm delete scratch-test")
        await stage.bob.presses("Approve", question)
        await stage.bob.sees_modal(FIELD)
        await stage.bob.submits({FIELD: stage.task(ADAS).task_id})
        await stage.ends(stage.alice, f"scratch-test ({ADAS}) is deleted")


async def test_a_name_given_while_it_waits_changes_nothing_of_what_was_asked(
    tmp_path: Path,
) -> None:
    async with site(tmp_path) as stage:
        await stage.asks(stage.alice, "/dbc vm list")
        question = await asked(stage, f'/dbc vm delete "{ADAS}"')
        await stage.asks(stage.carol, f'/dbc vm name "{ADAS}" other')
        await stage.bob.presses("Approve", question)
        await stage.quiet()
        await stage.ends(stage.alice, f"other ({ADAS}) is deleted")
        assert stage.changes() == ["tasks.delete"]
        assert now(stage, question).buttons == []


@pytest.mark.parametrize("line", [f'vm name "{ADAS}" scratch-test', "node name gpu1 toys"])
async def test_those_who_use_it_are_told_of_its_new_name(tmp_path: Path, line: str) -> None:
    async with site(tmp_path, NO_REVIEW, entitled="alice bob") as stage:
        other = stage.ws.add_channel("ml-team", "alice", "carol", "dbc")
        await stage.asks(stage.alice, "/dbc vm list")
        await stage.asks(stage.alice, f"/dbc session share gpu1 with #{other.id}")
        await stage.asks(stage.alice, f"/dbc {line}", CHANNEL)
        await stage.passes(5)
        words = f"<@{stage.alice.id}> has renamed"
        assert [m.channel for m in told(stage.bob, words)] == [stage.bob.last("@dbc").channel]
        assert [m.channel for m in told(stage.carol, words)] == [other.id]
        assert len(told(stage.alice, words)) == 1


async def test_lists_reminders_and_ends_say_what_it_is_beside_its_nickname(tmp_path: Path) -> None:
    async with site(tmp_path) as stage:
        await renamed(stage)
        await stage.asks(stage.alice, "/dbc node name gpu1 toys")
        question = await asked(stage, "/dbc vm delete scratch-test")
        listed = (await stage.asks(stage.bob, "/dbc approval list")).plain.replace("*", "")
        assert f"Delete scratch-test ({ADAS}) on toys" in listed
        assert f"(machine `{stage.task(ADAS).task_id[:8]}`, node gpu1)" in listed
        await stage.passes(11 * 60)
        assert told(stage.bob, f"Delete scratch-test ({ADAS}) on toys still waits")
        await stage.bob.presses("Approve", question)
        await stage.ends(stage.alice, f"scratch-test ({ADAS}) is deleted on toys")
        assert f"scratch-test ({ADAS}) is deleted" in now(stage, question).plain.replace("*", "")


@pytest.mark.parametrize("desc", ["inference", "生产数据库" * 40])
async def test_the_last_question_to_an_approver_has_the_id_and_all_that_is_lost(
    tmp_path: Path, desc: str
) -> None:
    async with site(tmp_path) as stage:
        task = stage.task("inference")
        task.desc = desc
        await stage.asks(stage.alice, "/dbc vm list")
        await stage.alice.types(f"@dbc vm delete {task.task_id}", channel=CHANNEL)
        await stage.quiet()
        card = [m for m in stage.bob.messages() if "Approve" in m.buttons][-1]
        buttons = [e for b in card.blocks if b["type"] == "actions" for e in b["elements"]]
        [asked] = [e["confirm"]["text"]["text"] for e in buttons if "confirm" in e]
        assert f"Machine {task.task_id[:8]}." in asked.replace("`", "")
        assert "Nothing brings them back." in asked
        assert "Delete" in asked


async def test_slacks_own_question_shows_a_name_as_it_is(tmp_path: Path) -> None:
    """Nothing in it is struck through or bold."""
    async with site(tmp_path) as stage:
        stage.task("inference").desc = "~prod~ *db*"
        await stage.asks(stage.alice, "/dbc vm list")
        card = await asked(stage, f"/dbc vm delete {stage.task('~prod~ *db*').task_id}")
        buttons = [e for b in card.blocks if b["type"] == "actions" for e in b["elements"]]
        [question] = [e["confirm"]["text"] for e in buttons if "confirm" in e]
        assert question["type"] == "plain_text"
        assert "~prod~ *db*" in question["text"]
