"""Cards of one machine that wait at the same time name each other while they wait."""

from pathlib import Path

from sandbox.slack import Person, SeenMessage
from tests.scenarios.site import DELETE, NAME, denies, now, site, told
from tests.scenarios.stage import CHANNEL, Stage
from tests.scenarios.test_rules_at_the_run import rule

FORCE = f"/dbc vm restart {NAME} force"
BOTH = rule("approvals = 1").replace('"vm.delete"', '"vm.*"')
BESIDE = "Also pending approval for this machine: "


async def asked(stage: Stage, person: Person, line: str, title: str) -> SeenMessage:
    """Somebody asks in the channel; the card that has this title."""
    await person.types(line, channel=CHANNEL)
    await stage.quiet()
    return next(
        m for m in person.messages(CHANNEL) if f"{title} on gpu1?" in m.plain.replace("*", "")
    )


async def test_two_cards_of_one_machine_name_each_other_until_one_is_decided(
    tmp_path: Path,
) -> None:
    async with site(tmp_path, BOTH) as stage:
        first = await asked(stage, stage.alice, DELETE, "Delete inference")
        second = await asked(stage, stage.bob, FORCE, "Force-restart inference")
        deletion = f"{BESIDE}Delete inference on gpu1, requested by <@{stage.alice.id}>."
        assert deletion in now(stage, second).plain.replace("*", "")
        await stage.passes(5)
        restart = f"{BESIDE}Force-restart inference on gpu1, requested by <@{stage.bob.id}>."
        copies = told(stage.carol, restart)
        assert len({m.channel for m in copies} - {first.channel}) == 1, (
            "her own copy says so as well"
        )
        await denies(stage, stage.carol, second, "not now")
        await stage.passes(5)
        assert not told(stage.carol, BESIDE)
        assert "Approve" in now(stage, first).buttons


async def test_a_card_of_another_machine_names_none(tmp_path: Path) -> None:
    async with site(tmp_path, BOTH) as stage:
        await asked(stage, stage.alice, DELETE, "Delete inference")
        await asked(stage, stage.bob, "/dbc vm delete ada", "Delete Ada's training run")
        await stage.passes(5)
        assert not told(stage.carol, BESIDE)


async def test_the_card_in_chinese_names_the_other_one(tmp_path: Path) -> None:
    async with site(tmp_path, BOTH) as stage:
        await stage.asks(stage.carol, "/dbc settings language zh")
        await asked(stage, stage.alice, DELETE, "Delete inference")
        await asked(stage, stage.bob, FORCE, "Force-restart inference")
        await stage.passes(5)
        assert told(stage.carol, "该虚拟机另有待审批的申请：")


async def test_a_card_does_not_name_what_was_requested_in_another_conversation(
    tmp_path: Path,
) -> None:
    async with site(tmp_path, BOTH) as stage:
        first = await asked(stage, stage.alice, DELETE, "Delete inference")
        await stage.bob.types(f"vm restart {NAME} force", channel="@dbc")
        await stage.quiet()
        await stage.passes(5)
        told_there = now(stage, first).plain
        assert f"{BESIDE}1 request made elsewhere." in told_there
        assert "Force" not in told_there
        assert f"requested by <@{stage.bob.id}>" not in told_there
        own = next(m.plain for m in stage.bob.messages("@dbc") if BESIDE in m.plain)
        assert f"{BESIDE}1 request made elsewhere." in own
