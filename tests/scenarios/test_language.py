"""The language as people meet it: settings, search without a network, kept words, tolerance."""

from datetime import timedelta
from pathlib import Path

import pytest

from tests.scenarios.in_chinese import english_in
from tests.scenarios.stage import CHANNEL, Stage, staged


async def test_settings_are_shown_and_changed(stage: Stage) -> None:
    await stage.gives_session(stage.alice, "gpu1", "gpu2")
    shown = await stage.asks(stage.alice, "/dbc settings")
    assert "none\n`/dbc settings node=…`" in shown.plain
    changed = await stage.asks(stage.alice, "/dbc settings node=gpu2")
    assert "Settings changed" in changed.plain
    assert "gpu2" in (await stage.asks(stage.alice, "/dbc settings")).plain
    assert "gpu2" not in (await stage.asks(stage.bob, "/dbc settings")).plain
    await stage.asks(stage.alice, "/dbc settings channel_node=gpu1")
    assert "gpu1" in (await stage.asks(stage.bob, "/dbc settings")).plain
    cleared = await stage.asks(stage.alice, "/dbc settings node=none channel_node=none")
    assert "gpu" not in cleared.plain


async def test_a_setting_that_cannot_be_is_refused(one_stage: Stage) -> None:
    told = await one_stage.asks(one_stage.alice, "/dbc settings node=gpu9")
    assert "no node called “gpu9”" in told.plain


async def test_search_needs_no_daemon(one_stage: Stage) -> None:
    """What was seen in the background is offered at once, one's own nodes first."""
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu2")
    await stage.gives_session(stage.bob, "gpu1")
    await stage.passes()
    await stage.daemon.stop()
    await stage.alice.types("/dbc vm create name=x on gpu2", channel=CHANNEL)
    await stage.alice.sees_modal("Create a machine")
    images = await stage.alice.suggests("Image", "")
    nodes = await stage.alice.suggests("Node", "gpu")
    assert "gpu2" in images[0]
    assert nodes[0].startswith("gpu2")


async def test_disks_and_snapshots_are_found_by_name_and_machine(one_stage: Stage) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu1")
    await stage.passes()
    await stage.passes()
    await stage.alice.types("/dbc disk delete inference", channel=CHANNEL)
    await stage.alice.sees_modal("Delete a data disk")
    assert any("vda" in option for option in await stage.alice.suggests("Disk", ""))
    assert await stage.alice.suggests("Disk", "vdz") == ["“vdz”, as typed"]


async def test_networks_are_chosen_among_those_of_the_node_new_ones_too(one_stage: Stage) -> None:
    stage, alice = one_stage, one_stage.alice
    await stage.gives_session(alice, "gpu1")
    await stage.asks(alice, "/dbc lan create team01 192.168.66.0/24 on gpu1")
    await alice.types("/dbc vm create name=x on gpu1", channel=CHANNEL)
    await alice.sees_modal("Create a machine")
    await alice.presses("More options")
    assert await alice.suggests("Private network (LAN)", "") == ["team01 · 192.168.66.0/24"]
    await alice.closes()
    await stage.asks(alice, "/dbc lan create team03 192.168.68.0/24 on gpu1")
    stage.clock.advance(timedelta(minutes=1))
    await alice.types("/dbc lan delete on gpu1", channel=CHANNEL)
    await alice.sees_modal("Delete a network")
    found = await alice.suggests("Network", "")
    assert found == ["team01 · 192.168.66.0/24", "team03 · 192.168.68.0/24"]
    assert await alice.suggests("Network", "team09") == ["“team09”, as typed"]
    await alice.submits({"Network": found[0]})
    await stage.quiet()
    await stage.confirms(alice, "Delete")
    assert stage.changes()[-1] == "lan.delete"


async def test_the_background_asks_each_thing_once_in_a_while(one_stage: Stage) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu1")
    await stage.passes()
    await stage.passes()
    asked = len(stage.world.calls.of("images.list")), len(stage.world.calls.of("disks.list"))
    for _ in range(5):
        await stage.passes(60)
    again = len(stage.world.calls.of("images.list")), len(stage.world.calls.of("disks.list"))
    assert again == asked
    assert all(asked)


@pytest.mark.slow
async def test_a_silent_node_is_asked_less_and_less_in_the_background(one_stage: Stage) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu1")
    stage.node("gpu1").silent = True
    await stage.passes(60)
    asked = []
    for _ in range(4):
        lists = len(stage.world.calls.of("tasks.list"))
        for _ in range(20):
            await stage.passes(15)
        asked.append(len(stage.world.calls.of("tasks.list")) - lists)
    assert asked == [4, 1, 1, 1]  # in the end every five minutes


async def test_a_reason_typed_beside_a_form_is_in_the_form(one_stage: Stage) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu1")
    await stage.alice.types('/dbc vm delete reason="too old"', channel=CHANNEL)
    form = await stage.alice.sees_modal("Delete a machine")
    assert form.value("Reason") == "too old"


@pytest.mark.parametrize(
    "line",
    [
        "vm　logs　inference　２０",
        "ＶＭ ｌｏｇｓ “inference” lines＝２０",
        "vm logs 「inference」 ——lines 20",
        "vm logs, inference 20",
    ],
)
async def test_full_width_and_chinese_punctuation_mean_the_same(
    one_stage: Stage, line: str
) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu1")
    before = len(stage.world.calls.of("tasks.logs"))
    await stage.asks(stage.alice, f"/dbc {line}")
    assert len(stage.world.calls.of("tasks.logs")) == before + 1


async def test_help_names_what_needs_a_session_in_the_readers_language(one_stage: Stage) -> None:
    await one_stage.asks(one_stage.alice, "/dbc 设置 语言 中文")
    told = await one_stage.asks(one_stage.alice, "/dbc 帮助")
    (note,) = [row for row in told.plain.splitlines() if "需要节点的会话" in row]
    assert "虚拟机" in note
    assert "/dbc 镜像 上传" in note
    assert english_in(note) == []


async def test_help_marks_what_one_cannot_run_or_not_alone(tmp_path: Path) -> None:
    rules = '[[rule]]\nname = "no lans"\nmatch = { command = "lan.create" }\ndeny = "Not here."\n'
    async with staged(tmp_path, policy=rules) as stage:
        told = await stage.asks(stage.alice, "/dbc help")
        assert "metal boot`, `/dbc watch vm`, `/dbc watch image` need a session" in told.plain
        assert "session ask" in told.plain
        assert "delete*" in told.plain
        assert "* needs someone else's approval" in told.plain
        assert "The site's rules deny you 1 more command here" in told.plain
        await stage.gives_session(stage.alice, "gpu1")
        told = await stage.asks(stage.alice, "/dbc lan help")
        assert "need a session" not in told.plain
        assert "lan delete" in told.plain
        assert "(needs approval)" in told.plain
        assert "/dbc lan create" not in told.plain
