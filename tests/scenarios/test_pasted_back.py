"""Whatever the bot shows of a thing names it when it is pasted back, behind any command for it."""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

import pytest

from sandbox.dbc.demo import demo_renter
from sandbox.dbc.task import Snapshot
from sandbox.slack.errors import Json
from sandbox.slack.person import SeenMessage
from tests.scenarios.changing import DEEDS, LOCAL, NAME
from tests.scenarios.metal import knows_rack, rack, rents_slot
from tests.scenarios.stage import CHANNEL, Stage

ADAS = "Ada's training run"
_DATE = re.compile(r"<!date\^[^|]*\|[^>]*>")
_PERSON = re.compile(r"<@\w+>")


def marked(row: str) -> str:
    """A row with the marks of Slack's formatting."""
    return _PERSON.sub("@Alice", _DATE.sub("today at 8:11 AM", row))


def copied(row: str) -> str:
    """A row as it is on the clipboard of who marks it in Slack."""
    return marked(row).replace("*", "")


def in_code(row: str) -> str:
    """The same without the marks of code, as other clients copy it."""
    return copied(row).replace("`", "")


def with_lamps(row: str) -> str:
    """The same with the characters of emoji in place of their names."""
    lamps = {":large_green_circle:": "🟢", ":white_circle:": "⚪", ":key:": "🔑", ":warning:": "⚠️"}
    for name, lamp in lamps.items():
        row = row.replace(name, lamp)
    return in_code(row)


def quoted_line(row: str) -> str:
    """The row as a quotation."""
    return f"> {copied(row)}"


def escaped(row: str) -> str:
    """The same as it stands in the source of a message."""
    return f"&gt; {copied(row)}"


def cell_by_cell(row: str) -> str:
    """A table's row as clients copy it that draw its cells below each other."""
    return copied(row).replace("\t", "\n")


def in_blocks(row: str) -> str:
    """The same where each cell is a block of its own."""
    return copied(row).replace("\t", "\n\t")


COPIES = (cell_by_cell, in_blocks, copied, in_code, with_lamps, quoted_line, escaped, marked)


def written(cell: Json) -> str:
    """What stands in a cell of a table."""
    inner = [written(one) for one in cell.get("elements", ())]
    text = cell.get("text") or cell.get("fallback") or f"@{cell.get('user_id', '')}"
    return "".join(inner) if inner else str(text)


def tables_of(told: SeenMessage) -> list[list[str]]:
    """The rows of a message's table with their titles, cells apart by tabs as Slack copies them."""
    tables = [block for block in told.blocks if block["type"] == "table"]
    return [["\t".join(map(written, row)) for row in table["rows"]] for table in tables]


async def rows_of(stage: Stage, line: str, having: str) -> list[str]:
    """The lines that the bot shows to a command, of one thing."""
    told = await stage.asks(stage.alice, f"/dbc {line}")
    if tables := tables_of(told):
        titles, *rows = tables[0]
        return [row for row in rows if having in f"{titles}\t{row}".lower()]
    rows = [row for row in told.plain.splitlines() if having in row.replace("*", "")]
    assert rows, told.plain
    return rows


@dataclass(frozen=True)
class Shown:
    """Where a thing is shown, what stands in its row, and a command for it with its answer."""

    listing: str
    having: str
    line: str
    answer: Callable[[Stage], str]


def _task(desc: str) -> Callable[[Stage], str]:
    return lambda stage: stage.task(desc).task_id


def _node(name: str) -> Callable[[Stage], str]:
    return lambda stage: stage.node(name).node_id


SHOWN: Mapping[str, Shown] = {
    "machine in a list": Shown("vm list", ADAS, "vm show {}", _task(ADAS)),
    "machine in a heading": Shown(f"vm show {NAME}", NAME, "vm show {}", _task(NAME)),
    "machine, for its disks": Shown("vm list", NAME, "disk list {}", lambda _: "vdb"),
    "machine, before more words": Shown(
        "vm list", ADAS, "vm logs {} head 5", lambda _: "first 5 lines"
    ),
    "machine, behind an option": Shown("vm list", NAME, "vm restart --dry-run {}", _task(NAME)),
    "node in a list": Shown("node list", "gpu1", "node show {}", _node("gpu1")),
    "node in a heading": Shown("node show gpu1", "gpu1", "node show {}", _node("gpu1")),
    "silent node in a list": Shown("node list", "gpu3", "node name {} spare", lambda _: "spare"),
    "node of a session": Shown("session list", "gpu1", "session check {}", lambda _: "gpu1 works"),
    "bare metal in a list": Shown(
        "metal list", "rack 7, slot 1", "metal power status {}", lambda _: "rack 7, slot 1"
    ),
    "bare metal of a manager": Shown(
        "metal list rack7", "slot 1", "metal power status {}", lambda _: "rack 7, slot 1"
    ),
    "disk": Shown(
        f"disk list {NAME}", "vdb", f"disk delete {NAME} {{}} --dry-run", lambda _: '"vdb"'
    ),
    "snapshot": Shown(
        f"snapshot list {NAME}", "before", f"snapshot show {NAME} {{}}", lambda _: "snap_before"
    ),
    "image on a node": Shown(
        "image list gpu1", LOCAL, "image delete {} on gpu1 --dry-run", lambda _: LOCAL
    ),
    "image on a server": Shown(
        "image list hub", "pytorch", "image download {} from hub on gpu1 --dry-run",
        lambda _: "pytorch-2.4.qcow2",
    ),
    "image server": Shown(
        "image servers", "hub", "image list {}", lambda _: "hub (image server)"
    ),
    "network": Shown(
        "lan list gpu1", "team01", "lan delete {} on gpu1 --dry-run", lambda _: "team01"
    ),
    "alias": Shown("alias list", "stands for", "alias remove {}", lambda _: "The alias r is gone"),
    "approval": Shown(
        "approval list", "requested by", "approval show {}", lambda _: f"Shut down {NAME} on gpu1?"
    ),
    "what is followed": Shown(
        "watch list", "followed until", "watch stop {}", lambda _: "I no longer follow"
    ),
}  # fmt: skip


async def test_what_is_followed_is_named_as_its_machine_is_shown(one_stage: Stage) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu1")
    await BEFORE["what is followed"](stage)
    await stage.asks(stage.alice, "/dbc vm list")
    task = stage.task(NAME).task_id
    told = await stage.asks(stage.alice, f"/dbc watch stop {NAME} · {task} on gpu1")
    assert "I no longer follow" in told.plain


async def _has_snapshot(stage: Stage) -> None:
    task = stage.task(NAME)
    text = "the one · before the upgrade"
    task.snapshots.append(Snapshot("before", text, "/data/snap_before.qcow2", task.created_at))
    task.snapshot_status["before"] = "none"


async def _has_metal(stage: Stage) -> None:
    await knows_rack(stage)
    await rents_slot(stage)
    await stage.asks(stage.alice, f"/dbc node name {rack(stage).node_id} rack7")


async def _waits(stage: Stage) -> None:
    await stage.asks(stage.alice, f"/dbc vm shutdown {NAME}")


BEFORE: Mapping[str, Callable[[Stage], Awaitable[None]]] = {
    "disk": DEEDS["disk.delete"].before,
    "snapshot": _has_snapshot,
    "bare metal in a list": _has_metal,
    "bare metal of a manager": _has_metal,
    "network": DEEDS["lan.delete"].before,
    "alias": DEEDS["alias.remove"].before,
    "approval": _waits,
    "what is followed": DEEDS["watch.stop"].before,
}


@pytest.mark.parametrize("case", SHOWN)
async def test_what_is_shown_names_it_when_it_is_pasted_back(one_stage: Stage, case: str) -> None:
    stage, shown = one_stage, SHOWN[case]
    await stage.gives_session(stage.alice, "gpu1")
    await stage.asks(stage.alice, "/dbc vm list")
    if before := BEFORE.get(case):
        await before(stage)
    [row] = await rows_of(stage, shown.listing, shown.having)
    done = stage.changes()
    for copy in COPIES if case != "what is followed" else (copied,):
        if case == "alias":  # the copy before has removed it
            await BEFORE[case](stage)
        pasted = shown.line.format(copy(row))
        told = await stage.asks(stage.alice, f"/dbc {pasted}")
        answer = told.plain.replace("*", "").replace("`", "")
        assert shown.answer(stage) in answer, pasted
    assert stage.changes() == done


IN_CHINESE = {"stands for": "代表", "requested by": "申请", "followed until": "跟踪"}


@pytest.mark.slow
@pytest.mark.parametrize("case", SHOWN)
async def test_a_row_of_a_chinese_list_names_it(one_stage: Stage, case: str) -> None:
    stage, shown = one_stage, SHOWN[case]
    await stage.gives_session(stage.alice, "gpu1")
    await stage.asks(stage.alice, "/dbc vm list")
    if before := BEFORE.get(case):
        await before(stage)
    stage.alice.speaks("zh-CN")
    await stage.ws.idle()
    [row] = await rows_of(stage, shown.listing, IN_CHINESE.get(shown.having, shown.having))
    row = _DATE.sub("今天 08:11", row)
    stage.alice.speaks("en-US")
    await stage.ws.idle()
    for copy in COPIES if case != "what is followed" else (copied,):
        if case == "alias":  # the copy before has removed it
            await BEFORE[case](stage)
        pasted = shown.line.format(copy(row))
        told = await stage.asks(stage.alice, f"/dbc {pasted}")
        answer = told.plain.replace("*", "").replace("`", "")
        wanted = _task(NAME) if case == "approval" else shown.answer
        assert wanted(stage) in answer, pasted


TABLES = ("disk", "snapshot", "image on a node", "image on a server", "network", "alias")


@pytest.mark.slow
@pytest.mark.parametrize("language", ["en-US", "zh-CN"])
async def test_a_tables_row_is_understood_with_its_titles_and_several_are_not(
    one_stage: Stage, language: str
) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu1")
    await stage.asks(stage.alice, "/dbc vm list")
    for case in TABLES:
        shown = SHOWN[case]
        if before := BEFORE.get(case):
            await before(stage)
        done = stage.changes()
        stage.alice.speaks(language)
        await stage.ws.idle()
        [told] = tables_of(await stage.asks(stage.alice, f"/dbc {shown.listing}"))
        stage.alice.speaks("en-US")
        await stage.ws.idle()
        titles, *rows = map(copied, told)
        sought = IN_CHINESE.get(shown.having, shown.having) if language == "zh-CN" else shown.having
        [row] = [row for row in rows if sought in f"{titles}\t{row}".lower()]
        both = f"{titles}\n{row}\n{row.replace('a', 'b').replace('r', 's')}"
        for several in (both, both.replace("\t", "\n\t")):
            refused = await stage.asks(stage.alice, f"/dbc {shown.line.format(several)}")
            assert shown.answer(stage) not in refused.plain.replace("`", ""), several
        for whole in (f"{titles}\n{row}", f"{titles}\n{row}".replace("\t", "\n")):
            if case == "alias":
                await BEFORE[case](stage)
            answer = await stage.asks(stage.alice, f"/dbc {shown.line.format(whole)}")
            assert shown.answer(stage) in answer.plain.replace("`", ""), whole
        assert stage.changes() == done


@pytest.mark.parametrize("start", ["@dbc ", "", "@dbc > "])
async def test_a_row_is_understood_in_a_mention_and_in_a_direct_message(
    one_stage: Stage, start: str
) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu1")
    [row] = await rows_of(stage, "vm list", NAME)
    channel = CHANNEL if start else "@dbc"
    told = await stage.asks(stage.alice, f"{start}vm show {copied(row)}", channel)
    assert stage.task(NAME).task_id in told.plain


@pytest.mark.parametrize("channel", [CHANNEL, "@dbc"])
async def test_a_table_that_slack_keeps_as_a_table_is_read(one_stage: Stage, channel: str) -> None:
    """The composer makes an attachment of a pasted table."""
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu1")
    await stage.asks(stage.alice, "/dbc vm list")
    await _has_snapshot(stage)
    [rows] = tables_of(await stage.asks(stage.alice, f"/dbc snapshot list {NAME}"))
    line = f"{'@dbc ' if channel == CHANNEL else ''}snapshot show {NAME}"
    await stage.alice.types(line, channel, table=[row.split("\t") for row in rows])
    await stage.quiet()
    assert "snap_before" in stage.alice.last(channel).plain


async def test_a_row_of_costs_names_its_machine_and_hides_no_word(one_stage: Stage) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu1")
    await stage.asks(stage.alice, "/dbc vm list")
    row = "\t3.20\t1,040.50\t▓▓░░░ 40 % (estimate)"
    titles = "Machine\tIn USD\tIn DBC\tPercentage\n"
    for pasted in (f"{ADAS}{row}", f"{titles}{ADAS} · made by @Alice{row}"):
        told = await stage.asks(stage.alice, f"/dbc vm show {pasted}")
        assert stage.task(ADAS).task_id in told.plain, pasted
    told = await stage.asks(stage.alice, f"/dbc vm shutdown {NAME}\t40 %\t--dry-run")
    assert "dry run" in told.plain.lower()
    for words in (f"{NAME}\nthen restart it", f"{NAME}\trunning\n{ADAS}\trunning"):
        told = await stage.asks(stage.alice, f"@dbc vm shutdown {words}")
        assert "Shut down" not in told.plain, words
    assert stage.changes() == []


async def test_a_row_in_quotes_and_in_a_form_is_its_machine(one_stage: Stage) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu1")
    [row] = await rows_of(stage, "vm list", ADAS)
    task = stage.task(ADAS).task_id
    told = await stage.asks(stage.alice, f'/dbc vm show machine="{in_code(row)}"')
    assert task in told.plain
    await stage.alice.types("/dbc vm name", channel=CHANNEL)
    await stage.alice.sees_modal("Name a machine")
    for pasted in (with_lamps(row), f"{ADAS} ({task[:8]} on gpu1)"):
        assert [found.partition(" · ")[0] for found in await stage.alice.suggests(
            "Machine", pasted
        )] == [ADAS]  # fmt: skip


@pytest.mark.parametrize(
    "pasted",
    [
        "{name} ({id} on gpu1)",
        "{name} · {id}",
        "{name} · {whole}",
        "{name} on gpu1 🟢 running",
        "{name}, on gpu1, running",
        "{id} running",
        "{name} ({id} on gpu1，running)。",
        "({id}… on gpu1)",
        "“{name}” {id}",
    ],
)
async def test_a_machine_is_named_as_cards_and_refusals_name_it(
    one_stage: Stage, pasted: str
) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu1")
    await stage.asks(stage.alice, "/dbc vm list")
    task = stage.task(ADAS).task_id
    text = pasted.format(name=ADAS, id=task[:8], whole=task)
    assert task in (await stage.asks(stage.alice, f"/dbc vm show {text}")).plain


@pytest.mark.parametrize(
    "words",
    [
        "{name} {id} running force",
        "{name} {id} {other}",
        "{name} · {id} · inference",
        "{name} on gpu1 running inference",
        "{name} ({id} on gpu2)",
        "inference ({id} on gpu1)",
        "{id} {otherid}",
    ],
)
async def test_what_names_something_else_too_is_not_taken_for_a_row(
    one_stage: Stage, words: str
) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu1")
    await stage.asks(stage.alice, "/dbc vm list")
    ids = {"id": stage.task(ADAS).task_id[:8], "otherid": stage.task(NAME).task_id[:8]}
    text = words.format(name=ADAS, other=NAME, **ids)
    await stage.asks(stage.alice, f"/dbc vm shutdown {text}")
    assert [m for m in stage.alice.messages() if "Shut down" in m.plain] == []
    assert stage.changes() == []


@pytest.mark.parametrize(
    "when", ["tomorrow", "today", "2026-12-24", "at 22:00", "明天 上午", "off", "{id} tomorrow"]
)
async def test_when_something_should_happen_is_not_taken_for_a_row(
    one_stage: Stage, when: str
) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu1")
    await stage.asks(stage.alice, "/dbc vm list")
    said = when.format(id=stage.task(NAME).task_id[:8])
    told = await stage.asks(stage.alice, f"/dbc vm shutdown {NAME} {said}")
    assert re.search("I don't know what “|I do nothing later", told.plain), told.plain
    assert [m for m in stage.alice.messages() if "Shut down" in m.plain] == []
    assert stage.changes() == []


async def test_a_row_of_two_machines_that_are_called_alike_runs_nothing(one_stage: Stage) -> None:
    stage = one_stage
    stage.task(ADAS).desc = NAME
    for task in stage.node("gpu1").tasks.values():
        task.desc = "twin"
    await stage.gives_session(stage.alice, "gpu1")
    await stage.asks(stage.alice, "/dbc vm list")
    told = await stage.asks(stage.alice, "/dbc vm shutdown twin on gpu1 🟢 running")
    assert "could be any of twin (" in told.plain
    assert stage.changes() == []


@pytest.mark.parametrize("line", ["重启 测试 14 在 gpu2 上", "restart 测试 14 on gpu2"])
async def test_a_node_tells_two_machines_apart_that_share_a_name_with_a_space(
    one_stage: Stage, line: str
) -> None:
    stage = one_stage
    stage.task(NAME).desc = "测试 14"
    meant = stage.node("gpu2").running_task(
        demo_renter(), desc="测试 14", ssh_port=7002, vnc_port=6102
    )
    await stage.gives_session(stage.alice, "gpu1")
    await stage.gives_session(stage.alice, "gpu2")
    await stage.asks(stage.alice, "/dbc vm list")
    told = await stage.asks(stage.alice, f"/dbc {line}")
    assert meant.task_id in told.plain
    assert "Confirm" in told.buttons


async def test_a_machine_called_like_a_row_of_another_is_itself(one_stage: Stage) -> None:
    stage = one_stage
    odd = stage.task(ADAS)
    odd.desc = f"{NAME} on gpu1 running"
    await stage.gives_session(stage.alice, "gpu1")
    told = await stage.asks(stage.alice, f'/dbc vm show "{odd.desc}"')
    assert odd.task_id in told.plain
    await stage.passes()
    told = await stage.asks(stage.alice, f'/dbc vm shutdown "{odd.desc}" --dry-run')
    assert odd.task_id in told.plain
    told = await stage.asks(stage.alice, f"/dbc vm shutdown {odd.desc}")
    assert stage.task(NAME).task_id not in told.plain
    assert stage.changes() == []
