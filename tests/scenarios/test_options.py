"""What every command understands: dry runs, filters, JSON, files."""

import json
from pathlib import Path

import pytest

from sandbox.dbc.images import ImageFile
from tests.scenarios.stage import CHANNEL, Stage, staged


async def test_a_dry_run_shows_the_request_and_does_nothing(stage: Stage) -> None:
    await stage.gives_session(stage.alice, "gpu1")
    task = stage.task("inference").task_id
    seen = await stage.asks(stage.alice, "/dbc vm delete inference --dry-run")
    assert seen.ephemeral
    assert "nothing was sent" in seen.plain
    assert f"POST /api/v1/tasks/delete/{task}" in seen.plain
    assert stage.node("gpu1").node_id in seen.plain
    assert "You would be asked to confirm" in seen.plain
    assert "all its disks" in seen.plain
    assert stage.changes() == []
    assert not [m for m in stage.bob.messages(CHANNEL) if "inference" in m.plain]


async def test_a_dry_run_says_who_would_have_to_approve(tmp_path: Path) -> None:
    async with staged(tmp_path, policy="") as stage:
        await stage.gives_session(stage.alice, "gpu1")
        alone = await stage.asks(stage.alice, "/dbc vm delete inference --dry-run")
        assert "It would be refused" in alone.plain
        await stage.gives_session(stage.bob, "gpu1")
        seen = await stage.asks(stage.alice, "/dbc vm delete inference —dry-run")
        assert f"1 approval needed, by <@{stage.bob.id}>" in seen.plain
        assert stage.changes() == []


async def test_a_dry_run_of_what_cannot_be_is_refused_as_the_real_run_would_be(
    one_stage: Stage,
) -> None:
    seen = await one_stage.asks(one_stage.alice, "/dbc vm delete inference --dry-run")
    assert "would be refused. You have no node access" in seen.plain


async def test_a_dry_run_leaves_what_the_bot_keeps_as_it_was(one_stage: Stage) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu1")
    seen = await stage.asks(stage.alice, "/dbc session remove gpu1 --dry-run")
    assert "DBC would get nothing" in seen.plain
    assert "is erased" in seen.plain
    assert "gpu1" in (await stage.asks(stage.alice, "/dbc session list")).plain
    seen = await stage.asks(stage.alice, "/dbc node use gpu1 --dry-run")
    assert "Your default node is now *gpu1*" in seen.plain
    assert "none" in (await stage.asks(stage.alice, "/dbc whoami")).plain


async def test_a_dry_run_goes_through_a_form(one_stage: Stage) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu1")
    await stage.alice.types("/dbc vm passwd inference --dry-run", channel=CHANNEL)
    await stage.alice.sees_modal("Set a password")
    await stage.alice.submits({"New password": "correct horse battery"})
    seen = await stage.alice.sees_modal("Dry run")
    assert "passwd" in seen.plain
    assert "correct horse" not in seen.plain
    assert stage.changes() == []


async def test_a_filter_keeps_the_rows_with_a_text(stage: Stage) -> None:
    await stage.gives_session(stage.alice, "gpu1", "gpu2")
    listed = await stage.asks(stage.alice, "/dbc vm list --filter INFER")
    assert "inference" in listed.plain
    assert "Ada's training run" not in listed.plain
    assert "gpu2" not in listed.plain
    assert "1 line with “INFER”" in listed.plain


async def test_json_has_whole_ids(one_stage: Stage) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu1")
    listed = await stage.asks(stage.alice, "/dbc vm list filter=inference json=yes")
    text = listed.plain
    [machine] = json.loads(text[text.index("[") : text.rindex("]") + 1])
    assert machine["task"] == stage.task("inference").task_id
    assert machine["name"] == "inference"
    assert machine["node"] == "gpu1"


@pytest.mark.parametrize("line", ["/dbc vm list --file", "@dbc vm list --file"])
async def test_a_file_goes_where_the_answer_belongs(one_stage: Stage, line: str) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu1")
    await stage.asks(stage.alice, line)
    [shared] = [m for m in stage.alice.messages() if m.files]
    assert b"inference" in (shared.files[0].content or b"")
    assert shared.channel.startswith("D" if line.startswith("/") else "C")


async def test_what_is_too_long_becomes_a_file_by_itself(one_stage: Stage) -> None:
    stage = one_stage
    for number in range(150):
        name = f"/data/an-image-with-a-long-name-number-{number}.qcow2"
        stage.node("gpu1").files[name] = ImageFile(2**30)
    await stage.gives_session(stage.alice, "gpu1")
    listed = await stage.asks(stage.alice, "/dbc image list gpu1")
    assert "This is long. All of it: image-list-" in listed.plain
    [shared] = [m for m in stage.alice.messages() if m.files]
    assert b"number-149" in (shared.files[0].content or b"")


async def test_a_file_that_cannot_be_shared_is_said_in_what_is_shown(one_stage: Stage) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu1")
    stage.ws.faults.error("storage_limit_reached", "files.getUploadURLExternal")
    listed = await stage.asks(stage.alice, "/dbc vm list --file")
    assert "could not be shared (storage_limit_reached)" in listed.plain
    assert "inference" in listed.plain


async def test_passwords_are_never_kept_as_a_file(one_stage: Stage) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu1")
    stage.task("inference").login_password = "pw-" + "x" * 7_000
    shown = await stage.asks(stage.alice, "/dbc vm show inference")
    await stage.alice.presses("Reveal passwords", shown)
    modal = await stage.alice.sees_modal("Only you see this")
    assert "pw-xxx" in modal.plain
    assert not [m for m in stage.alice.messages() if m.files]
