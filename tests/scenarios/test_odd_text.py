"""Text from outside that cannot be stored, or shows as something else; names that mislead."""

from pathlib import Path

import pytest

from tests.scenarios.site import asked, site
from tests.scenarios.stage import CHANNEL, Stage


@pytest.mark.parametrize(
    ("desc", "shown"),
    [("\u202eenod\u202c", "enod"), ("gpu\u2066-9\u2069", "gpu-9")],
)
async def test_a_description_is_shown_without_what_misleads(
    one_stage: Stage, desc: str, shown: str
) -> None:
    stage = one_stage
    stage.task("inference").desc = desc
    await stage.gives_session(stage.alice, "gpu1")
    listed = await stage.asks(stage.alice, "/dbc vm list")
    assert shown in listed.plain
    told = await stage.asks(stage.alice, f"/dbc vm show {shown}")
    assert stage.task(desc).task_id in told.plain


async def test_a_line_with_control_characters_is_taken(one_stage: Stage) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu1")
    told = await stage.asks(stage.alice, "/dbc vm\0 show \u202dinference\u202c\x07")
    assert stage.task("inference").task_id in told.plain


@pytest.mark.parametrize(
    ("nickname", "why"),
    [
        ("-force", "looks like an option"),
        ("—force", "looks like an option"),
        ("7a9QmX2cVb4nK8pL0sW3x", "looks like an id"),
        ("help", "vm name"),
        ("delete", "is a word of the commands"),
        ("snapshot", "is a word of the commands"),
        ("with", "is a word of the commands"),
        ("给", "is a word of the commands"),
        ("上", "is a word of the commands"),
        ("ＯＮ", ""),
    ],
)
async def test_a_nickname_that_would_be_taken_for_something_else_is_refused(
    one_stage: Stage, nickname: str, why: str
) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu1")
    told = await stage.asks(stage.alice, f"/dbc vm name inference {nickname}")
    assert why in told.plain
    assert nickname not in (await stage.asks(stage.alice, "/dbc vm list")).plain


async def test_a_nickname_cannot_hide_a_machine_that_is_named_by_its_id(one_stage: Stage) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu1")
    await stage.passes()
    beginning = stage.task("Ada's training run").task_id[:6]
    told = await stage.asks(stage.alice, f"/dbc vm name inference {beginning}")
    assert "is the beginning of an id" in told.plain
    await stage.alice.types("/dbc vm name inference", channel=CHANNEL)
    await stage.alice.sees_modal("Name a machine")
    await stage.alice.submits({"Nickname": "-x"})
    form = await stage.alice.sees_modal("Name a machine")
    assert "looks like an option" in str(form.errors)


@pytest.mark.parametrize(
    ("alias", "why"),
    [
        ("restart", "is a command already"),
        ("vm", "is a command already"),
        ("58fb618a58fb618a58fb6", "looks like an id"),
    ],
)
async def test_an_alias_that_would_be_taken_for_something_else_is_refused(
    one_stage: Stage, alias: str, why: str
) -> None:
    told = await one_stage.asks(one_stage.alice, f"/dbc alias add {alias} = vm list")
    assert why in told.plain


async def test_a_description_formats_nothing_on_a_card(tmp_path: Path) -> None:
    async with site(tmp_path) as stage:
        machine = stage.task("inference")
        machine.desc = "*free* :tada: box"
        question = await asked(stage, f"/dbc vm delete {machine.task_id}")
        [shown] = [row for row in question.plain.splitlines() if machine.task_id in row]
        assert not any(mark in shown for mark in ("*free", ":tada:"))
        assert shown.replace("\u2060", "") == f"*free* :tada: box · `{machine.task_id}`"
