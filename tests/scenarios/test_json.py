"""What `--json` gives, for everything that only reads: keys for machines, values of types."""

import json
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.commands.rows import command_table
from bot.language.args import JSON
from bot.language.table import Command
from bot.model import Effect
from sandbox.dbc.demo import demo_renter
from sandbox.dbc.task import Libvirt, Status
from tests.scenarios.metal import rack, slot
from tests.scenarios.orders import chained
from tests.scenarios.site import DELETE
from tests.scenarios.stage import CHANNEL, Stage

SHOW = "/dbc vm show inference --json"
# What a parameter of a kind is called on this stage, where its own example is not known there.
CALLED: dict[str, str] = {
    "vm": "inference",
    "metal": "slot-1",
    "image": "pytorch-2.4.qcow2",
    "snapshot": "nightly",
}
# Commands that need more than what they require, or something else, to have something to say.
LINES = {
    "snapshot.list": "snapshot list “Ada’s training run”",
    "snapshot.show": "snapshot show “Ada’s training run” nightly",
    "image.progress": "image progress pytorch-2.4.qcow2 on gpu1",
    "metal.power": "metal power status slot-1",
    "approval.show": "approval show {approval}",
    "audit.export": "audit export since=2h",
    "help": "help vm restart",
}
OTHER_WORDS = {
    "vm.logs": {"end"},
    "watch.list": {"command"},
    "approval.list": {"command", "status", "review"},
    "approval.show": {"command", "status", "review"},
    "audit.list": {"kind", "task", "machine"},
    "audit.export": {"format"},
    "cost": {"from_block", "to_block", "dbc", "usd", "what"},  # exact, where people see cents
    "order.list": {"phase", "renter", "gpu_indexes", "start_block", "end_block", "block"},
    "order.show": {"phase", "start_block", "end_block", "block"},
    "node.orders": {"status", "end_block"},
    "order.rescue": {
        "phase",
        "renter",
        "order",
        "gpu_indexes",
        "start_block",
        "end_block",
        "block",
    },
}
IMAGE = "pytorch-2.4.qcow2"
DOCTOR = '[doctor]\npeople = { persons = ["U0ALICE"] }\n'
_FREE = re.compile(r"[\d,]+(?= mib are free)")  # another number a moment later
_SIZE = re.compile(r"\d+(\.\d+)?\s?([KMGTP]i?B?|%)", re.IGNORECASE)


async def _something_of_everything(stage: Stage) -> str:
    """Let every list have an element; the number of an approval that waits."""
    alice = stage.alice
    machine = slot(stage)
    await alice.types(f"/dbc session add {machine.node_id}", channel=CHANNEL)
    await alice.sees_modal("Add a session")
    session_id, sign = machine.session_for(demo_renter())
    await alice.submits({"Session id": session_id, "Session signature": sign})
    await alice.sees_modal("works")
    await alice.closes()
    await stage.asks(alice, f"/dbc metal list {rack(stage).node_id}")
    await stage.asks(alice, f"/dbc node name {machine.node_id} slot-1")
    await stage.asks(alice, "/dbc lan create team01 192.168.66.0/24 on gpu1")
    await stage.asks(alice, "/dbc alias add r = vm restart $1 force")
    await stage.asks(alice, "/dbc session share gpu1 with @bob")
    await stage.asks(alice, "/dbc settings node=gpu1")
    task = stage.task("Ada's training run")
    assert task.domain is not None
    task.domain.state, task.status = Libvirt.SHUT_OFF, Status.CLOSED
    stage.node("gpu1").transfers.rate = 1_000_000
    await stage.asks(alice, "/dbc vm list")
    await stage.asks(alice, f"/dbc snapshot create {task.task_id} nightly to=hub")
    await stage.asks(alice, f"/dbc image download {IMAGE} from=hub on gpu1")
    await stage.asks(alice, DELETE)
    listed = await stage.asks(alice, "/dbc approval list")
    found = re.search(r"`(\w{8})` ", listed.plain)
    assert found is not None
    return found[1]


async def _said(stage: Stage, line: str) -> str:
    """What a line is answered with, be it a message or a file."""
    before = [m for m in stage.alice.messages() if m.files]
    answer = await stage.asks(stage.alice, line)
    shared = [m for m in stage.alice.messages() if m.files][len(before) :]
    if shared and str(shared[0].files[0].name).endswith(".json"):
        return (shared[0].files[0].content or b"").decode()
    return answer.plain


def _json_in(text: str) -> Any:
    begin = min(at for at in (text.find("{"), text.find("[")) if at >= 0)
    return json.loads(text[begin : max(text.rfind("}"), text.rfind("]")) + 1])


def _leaves(value: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    """Every single value, with the key that it stands under."""
    match value:
        case dict():
            for name, one in value.items():
                yield name, None
                yield from _leaves(one, name)
        case list():
            for one in value:
                yield from _leaves(one, key)
        case _:
            yield key, value


def _is_of_its_type(key: str, value: Any) -> bool:
    if re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", key) is None:
        return False
    if value is None:
        return True
    if key.endswith("_at"):
        return datetime.fromisoformat(value).utcoffset() == timedelta(0)
    if key.endswith("_node_time"):
        return datetime.fromisoformat(value).tzinfo is None
    if key.endswith(("_gib", "_percent")) or key in {"percent", "port", "cpus", "gpus"}:
        return isinstance(value, int | float) and not isinstance(value, bool)
    return not (isinstance(value, str) and _SIZE.fullmatch(value))


def _lines() -> dict[str, str]:
    """A line for every command that only reads."""
    reads = [c for c in command_table() if c.effect_of(_values(c)) is Effect.READ]
    return {command.id: LINES.get(command.id) or _line(command) for command in reads}


def _line(command: Command) -> str:
    required = [p.arg for p in command.parameters if p.required]
    return " ".join([command.title, *(CALLED.get(arg.kind.name, arg.example) for arg in required)])


def _values(command: Command) -> dict[str, str]:
    """The values with which a command only reads, if it may do that."""
    return {"command": "status"} if command.id == "metal.power" else {}


@pytest.mark.slow
async def test_what_only_reads_says_the_same_in_json(tmp_path: Path) -> None:
    async with chained(tmp_path, policy=DOCTOR) as scene:
        stage = scene.stage
        for person in (stage.alice, stage.bob, stage.carol):
            await stage.gives_session(person, "gpu1")
        scene.rents()
        await scene.passes(minutes=1, step=30)
        approval = await _something_of_everything(stage)
        faults = []
        for name, line in _lines().items():
            typed = f"/dbc {line.format(approval=approval)}"
            text = await _said(stage, typed)
            leaves = list(_leaves(_json_in(await _said(stage, f"{typed} --{JSON}"))))
            if not leaves:
                faults.append(f"{name} is empty")
            for key, value in leaves:
                is_said = key in OTHER_WORDS.get(name, ()) or _is_said(key, value, text)
                if not (is_said and _is_of_its_type(key, value)):
                    faults.append(f"{name}: {key} = {value!r}")
        assert not faults, "\n".join(faults)


# What the text shows in other words or cut short: ids, moments in one's own zone, people as names.
_UNSAID = re.compile(r"(.*_)?(id|at|time|hash|ts|file|user|by)|task|path|locale")


def _is_said(key: str, value: Any, text: str) -> bool:
    """Whether the text says a value, too: ids may be short there, moments are in one's own zone."""
    if value is None or isinstance(value, bool) or _UNSAID.fullmatch(key):
        return True
    shown, said = (_FREE.sub("…", one.casefold()) for one in (text, str(value)))
    return said in shown or said[:8] in shown


async def test_a_silent_node_is_said_in_json_too(one_stage: Stage) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu1", "gpu2")
    await stage.asks(stage.alice, "/dbc vm list")
    for name in ("gpu1", "gpu2"):
        stage.node(name).silent = True
    found = _json_in(await _said(stage, "/dbc vm list --json"))
    assert {one["node"] for one in found if one["problem"]} == {"gpu1", "gpu2"}
    assert [one["name"] for one in found if one["node"] == "gpu2" and "name" in one] == []
    assert len([one for one in found if one["node"] == "gpu1" and one["task"]]) == 2


async def test_an_empty_list_is_an_empty_array(one_stage: Stage) -> None:
    for line in ("alias list", "watch list", "approval list", "session list"):
        assert _json_in(await _said(one_stage, f"/dbc {line} --json")) == []


@pytest.mark.parametrize("line", ["node list", "metal list"])
async def test_a_filter_leaves_in_json_that_the_daemon_is_silent(
    one_stage: Stage, line: str
) -> None:
    await one_stage.asks(one_stage.alice, f"/dbc {line}")
    one_stage.daemon.crash()
    found = _json_in(await _said(one_stage, f"/dbc {line} --json --filter nothing-is-so-called"))
    assert [list(one) for one in found] == [["problem"]]


async def test_json_that_fits_into_no_message_is_not_cut_where_there_is_no_file(
    one_stage: Stage,
) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu1")
    for number in range(60):
        stage.node("gpu1").running_task(demo_renter(), desc=f"machine {number}", vnc_port=5000)
    stage.ws.faults.error("storage_limit_reached", "files.getUploadURLExternal")
    shown = await stage.asks(stage.alice, "/dbc vm list --json")
    assert "could not be shared (storage_limit_reached)" in shown.plain
    assert "too long for a message" in shown.plain
    assert "[" not in shown.plain
