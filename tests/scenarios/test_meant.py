"""What people type, paste and choose is understood as they meant it, and never as another thing."""

from datetime import timedelta
from pathlib import Path

import pytest

from sandbox.dbc.images import ImageFile
from sandbox.dbc.task import Libvirt, Status
from sandbox.dbc.values import GIB
from tests.scenarios.site import NAME, asked, site
from tests.scenarios.stage import CHANNEL, Stage

NARROW, WIDE = "GPU-9", "ＧＰＵ－９"


async def twins(stage: Stage, first: str = NARROW, second: str = WIDE) -> tuple[str, str]:
    """Two machines that are called almost alike, both seen; their ids."""
    narrow, wide = stage.task("Ada's training run"), stage.task("inference")
    narrow.desc, wide.desc = first, second
    await stage.gives_session(stage.alice, "gpu1")
    await stage.passes()
    return narrow.task_id, wide.task_id


@pytest.mark.parametrize("line", ["/dbc vm show {}", "@dbc vm show {}", "vm show `{}`"])
async def test_a_name_is_the_machine_that_is_called_exactly_so(one_stage: Stage, line: str) -> None:
    narrow, wide = await twins(one_stage)
    channel = "@dbc" if line.startswith("vm") else CHANNEL
    for name, task in ((WIDE, wide), (NARROW, narrow)):
        told = await one_stage.asks(one_stage.alice, line.format(name), channel=channel)
        assert task in told.plain


async def test_where_two_fold_alike_both_are_listed_and_nothing_runs(one_stage: Stage) -> None:
    stage = one_stage
    await twins(stage)
    told = await stage.asks(stage.alice, "/dbc vm restart gpu–9 force")
    assert "“gpu–9” could be any of" in told.plain
    assert NARROW in told.plain
    assert WIDE in told.plain
    assert stage.changes() == []


async def test_a_form_takes_the_exact_name_and_lists_several(one_stage: Stage) -> None:
    stage = one_stage
    _, wide = await twins(stage)
    await stage.alice.types("/dbc vm name", channel=CHANNEL)
    await stage.alice.sees_modal("Name a machine")
    assert (await stage.alice.suggests("Machine", WIDE))[0].startswith(WIDE)
    assert len(await stage.alice.suggests("Machine", "gpu–9")) == 2
    await stage.alice.closes()
    await stage.asks(stage.alice, f"/dbc vm name {WIDE} ｗｉｄｅ－１")
    assert wide in (await stage.asks(stage.alice, "/dbc vm show WIDE—1")).plain


async def test_quotes_of_a_name_are_told_from_quotes_around_it(one_stage: Stage) -> None:
    stage = one_stage
    plain, quoted = await twins(stage, "prod", "“prod”")
    assert plain in (await stage.asks(stage.alice, "/dbc vm show prod")).plain
    assert quoted in (await stage.asks(stage.alice, "/dbc vm show “prod”")).plain
    assert quoted in (await stage.asks(stage.alice, '/dbc vm show "“prod”"')).plain
    assert plain in (await stage.asks(stage.alice, '/dbc vm show "prod"')).plain


async def test_a_machine_that_nobody_has_seen_yet_is_not_taken_for_another(
    one_stage: Stage,
) -> None:
    stage = one_stage
    unseen = stage.task("inference")
    stage.task("Ada's training run").desc = NARROW
    unseen.desc = "other"
    await stage.gives_session(stage.alice, "gpu1")
    await stage.passes()
    unseen.desc = WIDE
    assert unseen.task_id in (await stage.asks(stage.alice, f"/dbc vm show {WIDE}")).plain


@pytest.mark.parametrize(
    "line",
    [
        "/dbc vm logs *inference* 20.",
        "`/dbc vm logs inference 20`",
        "/dbc vm logs <inference>，２０",
        "/dbc vm logs inference． lines＝２０",
        "/dbc 〝vm logs inference 20〞",
    ],
)
async def test_a_line_pasted_back_means_what_it_says(one_stage: Stage, line: str) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu1")
    channel = "@dbc" if line.startswith("`") else CHANNEL
    await stage.asks(stage.alice, line.replace("，２０", " ２０"), channel=channel)
    (call,) = stage.world.calls.of("tasks.logs")
    assert call.task_id == stage.task("inference").task_id


async def test_a_hint_of_the_help_runs_when_it_is_pasted_into_a_thread(stage: Stage) -> None:
    await stage.gives_session(stage.alice, "gpu1")
    for line in (
        "@dbc &gt; `/dbc vm list`",
        "@dbc > `/dbc vm list`",
        "@dbc ```\n/dbc vm list\n```",
    ):
        assert "inference" in (await stage.asks(stage.alice, line)).plain


async def test_images_and_servers_are_called_as_they_are(one_stage: Stage) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu1")
    await stage.passes()
    await stage.passes()
    await stage.asks(
        stage.alice, "/dbc image download `ＰＹＴＯＲＣＨ－2.4.qcow2`. from=Ｈｕｂ。 on “ＧＰＵ1”。"
    )
    (call,) = stage.world.changing_calls()
    assert call.node_name == "gpu1"
    assert call.additional["image_filename"] == "pytorch-2.4.qcow2"
    assert call.additional["image_server"] == "hub"


async def test_the_typed_name_of_an_approval_is_compared_alike(tmp_path: Path) -> None:
    typing = "[defaults]\ndestroy = { approvals = 1, type_name = true }\n"
    async with site(tmp_path, typing) as stage:
        question = await asked(stage)
        await stage.bob.presses("Approve", question)
        await stage.bob.sees_modal("Its description or id")
        await stage.bob.submits({"Its description or id": f"“{NAME.upper()}”。"})
        await stage.ends(stage.alice, f"{NAME} is deleted")


@pytest.mark.parametrize("size", ["８Ｇ", "８ ＧｉＢ", "“8G”", "`8`。"])
async def test_a_form_reads_numbers_as_a_line_does(one_stage: Stage, size: str) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu1")
    task = stage.task("inference")
    assert task.domain is not None
    task.domain.state, task.status = Libvirt.SHUT_OFF, Status.CLOSED
    await stage.alice.types("/dbc disk add inference", channel=CHANNEL)
    await stage.alice.sees_modal("Add a data disk")
    await stage.alice.submits({"Size (GiB)": size})
    await stage.quiet()
    assert [call.additional["size"] for call in stage.world.changing_calls()] == [8]


@pytest.mark.parametrize("ports", ["tcp，8080\nudp，6000–6010", "ＴＣＰ,８０８０； udp,6000—6010"])
async def test_a_form_reads_ports_as_a_line_does(one_stage: Stage, ports: str) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu1")
    await stage.alice.types("/dbc vm create name=t1 on gpu1", channel=CHANNEL)
    await stage.alice.sees_modal("Create a machine")
    await stage.alice.presses("More options")
    await stage.quiet()
    await stage.alice.submits({"Image": "ubuntu-22.04-cuda-12.qcow2", "More ports": ports})
    await stage.quiet()
    (call,) = stage.world.calls.of("tasks.create")
    assert call.additional["custom_port"] == ["tcp,8080", "udp,6000-6010"]


@pytest.mark.parametrize("typed", ["train-01", "TRAIN-01"])
async def test_the_beginning_of_a_seen_name_is_not_taken_for_an_unseen_machine(
    one_stage: Stage, typed: str
) -> None:
    stage = one_stage
    unseen = stage.task("inference")
    stage.task("Ada's training run").desc = "train-01-old"
    unseen.desc = "other"
    await stage.gives_session(stage.alice, "gpu1")
    await stage.passes()
    unseen.desc = "train-01"
    assert unseen.task_id in (await stage.asks(stage.alice, f"/dbc vm show {typed}")).plain
    await stage.asks(stage.alice, "/dbc vm restart train-01 force")
    await stage.confirms(stage.alice, "Force-restart")
    (call,) = stage.world.changing_calls()
    assert call.task_id == unseen.task_id


async def test_the_form_asks_the_node_too_before_it_takes_a_beginning(one_stage: Stage) -> None:
    stage = one_stage
    unseen = stage.task("inference")
    stage.task("Ada's training run").desc = "train-01-old"
    unseen.desc = "other"
    await stage.gives_session(stage.alice, "gpu1")
    await stage.passes()
    unseen.desc = "train-01"
    await stage.alice.types("/dbc vm name train-01", channel=CHANNEL)
    await stage.alice.sees_modal("Name a machine")
    await stage.alice.submits({"Nickname": "mine"})
    await stage.quiet()
    assert unseen.task_id in (await stage.asks(stage.alice, "/dbc vm show mine")).plain


async def test_the_beginning_of_a_nodes_name_is_not_taken_for_an_unseen_node(
    one_stage: Stage,
) -> None:
    stage = one_stage
    seen, unseen = stage.node("gpu2"), stage.node("gpu1")
    seen.name, unseen.name = "rack-10", "other"
    await stage.asks(stage.alice, "/dbc node list")
    unseen.name = "rack-1"
    assert unseen.node_id in (await stage.asks(stage.alice, "/dbc node show rack-1")).plain


async def looked(stage: Stage) -> None:
    """Alice may use gpu1, and its images and those of the servers were looked at."""
    await stage.gives_session(stage.alice, "gpu1")
    await stage.passes()
    await stage.passes()


@pytest.mark.parametrize(
    ("there", "typed", "means"),
    [
        (("base.qcow2", "Base.qcow2"), "Base.qcow2", "Base.qcow2"),
        (("base.qcow2", "Base.qcow2"), "BASE.qcow2", None),
        (("base.qcow2",), "BASE.qcow2", "base.qcow2"),
    ],
)
async def test_an_image_is_the_file_that_is_called_so(
    one_stage: Stage, there: tuple[str, ...], typed: str, means: str | None
) -> None:
    stage = one_stage
    server = stage.world.image_servers["hub"]
    server.images.update({name: ImageFile(GIB) for name in there})
    await looked(stage)
    told = await stage.asks(stage.alice, f"/dbc image download {typed} from=hub on gpu1")
    sent = [call.additional["image_filename"] for call in stage.world.changing_calls()]
    assert sent == ([means] if means else [])
    if means is None:
        assert "could be any of" in told.plain


async def test_an_image_of_another_place_is_not_taken_for_one_that_is_typed(
    one_stage: Stage,
) -> None:
    stage = one_stage
    stage.world.image_servers["backup"].images["only-there.qcow2"] = ImageFile(GIB)
    await looked(stage)
    told = await stage.asks(
        stage.alice, "/dbc image download ONLY-there.qcow2 from=hub on gpu1 --dry-run"
    )
    assert "only-there.qcow2" not in told.plain
    assert stage.changes() == []


async def test_where_the_list_is_old_an_image_goes_as_it_is_typed(one_stage: Stage) -> None:
    stage = one_stage
    await looked(stage)
    stage.clock.advance(timedelta(hours=1))
    stage.world.image_servers["hub"].images["PyTorch-2.4.qcow2"] = ImageFile(GIB)
    await stage.asks(stage.alice, "/dbc image download PyTorch-2.4.qcow2 from=hub on gpu1")
    sent = [call.additional["image_filename"] for call in stage.world.changing_calls()]
    assert sent == ["PyTorch-2.4.qcow2"]


ROWS = (
    ":large_green_circle: *Ada's training run* `{}` running",
    "🟢 Ada's training run {} running",
    "• Ada’s training run {} off (as last seen, 10:00)",
)


@pytest.mark.parametrize("row", ROWS)
async def test_a_row_of_the_list_pasted_behind_a_verb_is_its_machine(
    one_stage: Stage, row: str
) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu1")
    await stage.asks(stage.alice, "/dbc vm list")
    task = stage.task("Ada's training run").task_id
    pasted = row.format(task[:8])
    assert task in (await stage.asks(stage.alice, f"/dbc vm show {pasted}")).plain
    await stage.asks(stage.alice, f"/dbc vm restart --force {pasted}")
    await stage.confirms(stage.alice, "Force-restart")
    (call,) = stage.world.changing_calls()
    assert call.task_id == task


@pytest.mark.parametrize(
    "words",
    ["{} running force", "{} running on gpu1 elsewhere", "no such row running"],
)
async def test_words_that_are_not_the_rows_are_not_passed_over(
    one_stage: Stage, words: str
) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu1")
    await stage.asks(stage.alice, "/dbc vm list")
    short = stage.task("Ada's training run").task_id[:8]
    told = await stage.asks(
        stage.alice, f"/dbc vm shutdown Ada's training run {words.format(short)}"
    )
    assert "I don't know what" in told.plain
    assert stage.changes() == []


async def test_of_what_means_several_one_has_to_be_chosen(one_stage: Stage) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu1")
    await stage.passes()
    for line, label, value in (
        ("snapshot delete inference all", "Snapshot", "Machine"),
        ("disk delete inference every", "Disk", "Machine"),
        ("image delete all on gpu1", "Image", "Node"),
        ("vm shutdown everything", "Machine", ""),
    ):
        told = await stage.asks(stage.alice, f"/dbc {line}")
        assert f"{label} takes one name, not “" in told.plain, line
        await stage.alice.presses("Change it…", told)
        form = await stage.alice.sees_modal()
        assert not form.value(label), line
        assert not value or form.value(value), line
        await stage.alice.closes()
    assert stage.changes() == []
    told = await stage.asks(stage.alice, '/dbc vm shutdown "all"')
    assert "None of your machines is called “all”." in told.plain


async def test_a_machine_where_a_node_belongs_is_told_as_one(one_stage: Stage) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu1")
    await stage.passes()
    for line in ("restart training on ada", "start jupyter on ada", "node show ada"):
        told = await stage.asks(stage.alice, f"/dbc {line}")
        assert "“ada” is a virtual machine, not a node." in told.plain, line
        assert told.buttons == ["Show Ada's training run", "More …"], line
    told = await stage.asks(stage.alice, "/dbc power on ada")
    assert "“ada” is a virtual machine, not a bare-metal machine." in told.plain
    assert stage.changes() == []


async def test_what_is_too_long_says_how_long_it_may_be(one_stage: Stage) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu1")
    told = await stage.asks(stage.alice, "/dbc share gpu1 with @carol for 1000 hours")
    assert "Hours must be between 1 and 744, not 1000." in told.plain


async def test_of_how_much_a_disk_grows_nothing_is_guessed(one_stage: Stage) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu1")
    await stage.passes()
    for line, size in (
        ("disk resize inference 200G", None),
        ("disk resize inference to 200G", "200"),
    ):
        await stage.alice.types(f"/dbc {line}", CHANNEL)
        form = await stage.alice.sees_modal("Grow a disk")
        assert (form.value("New size (GiB)"), form.value("Grow by (GiB)")) == (size, None), line
        assert not form.value("Disk")
        await stage.alice.closes()


async def test_following_a_machine_is_no_wallets(one_stage: Stage) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu1")
    await stage.passes()
    for line, shown in (
        ("unwatch inference", "List operations"), ("watch inference", "Follow a machine"),
        ("取消关注 inference", "List operations"), ("关注 inference", "Follow a machine"),
    ):  # fmt: skip
        told = await stage.asks(stage.alice, f"/dbc {line}")
        assert "allet" not in told.plain, line
        assert shown in told.buttons, line
    told = await stage.asks(stage.alice, "/dbc order unwatch inference")
    assert "is not a wallet address" in told.plain


async def test_stopping_a_download_is_a_wish_and_no_refusal(one_stage: Stage) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu1")
    for line in (
        "停止下载 pytorch-2.4.qcow2", "停止下载 pytorch-2.4.qcow2 在 gpu1 上",
        "取消下载 pytorch-2.4.qcow2", "暂停上传 pytorch-2.4.qcow2",
        "镜像 取消下载 pytorch-2.4.qcow2 在 gpu1 上",
    ):  # fmt: skip
        told = await stage.asks(stage.alice, f"/dbc {line}")
        assert "Nothing was done" not in told.plain, line
        assert "Stop a transfer" in told.buttons, (line, told.plain, told.buttons)
    assert "says not to" in (await stage.asks(stage.alice, "/dbc 停止删除 inference")).plain
    assert stage.changes() == []
