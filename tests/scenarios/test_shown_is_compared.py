"""What was shown is compared before a reviewed change runs, and what differs is named.

Somebody else changes it meanwhile: outside the bot, or another person through it.
"""

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from sandbox.dbc.demo import demo_renter
from sandbox.dbc.images import ImageFile
from sandbox.dbc.values import GIB
from tests.scenarios.changing import DEEDS, LOCAL, NAME, NO_REVIEW, Deed, does, prepared
from tests.scenarios.metal import slot
from tests.scenarios.site import approves, both_ways, now, rules, site
from tests.scenarios.stage import Stage
from tests.scenarios.test_shown_is_sent import question_of

# Bob approves what Alice asks for; Carol acts at once.
ALICES = (
    NO_REVIEW + '[[rule]]\nname = "hers"\nmatch = { person = ["U0ALICE"], '
    'effect = ["change", "disrupt", "destroy"] }\n'
    'approvals = 1\napprovers = { persons = ["U0BOB"] }\n'
)
SLOT = '"rack 7, slot 1"'
Meanwhile = Callable[[Stage], Awaitable[None]]


def outside(change: Callable[[Stage], None]) -> Meanwhile:
    """Somebody changes it without the bot."""

    async def happens(stage: Stage) -> None:
        change(stage)

    return happens


def carol(line: str) -> Meanwhile:
    """Carol has it done through the bot, and it comes to its end."""

    async def happens(stage: Stage) -> None:
        await stage.asks(stage.carol, f"/dbc {line}")
        for _ in range(6):
            await stage.passes(5)

    return happens


def _memory(stage: Stage) -> None:
    stage.task(NAME).memory = 200 * GIB


def _cores(stage: Stage) -> None:
    stage.task(NAME).cpu_cores = 4


def _port(stage: Stage) -> None:
    stage.task(NAME).ssh_port = 5799


def _bigger(stage: Stage) -> None:
    stage.task(NAME).disks["vdb"].size += 7 * GIB


def _on_hub(stage: Stage) -> None:
    stage.world.image_servers["hub"].images[LOCAL] = ImageFile(9 * GIB)


def _on_node(stage: Stage) -> None:
    stage.node("gpu1").files[f"/data/{LOCAL}"] = ImageFile(9 * GIB)


def _login(stage: Stage) -> None:
    stage.task(NAME).login_user = "mallory"


def _unpowered(stage: Stage) -> None:
    slot(stage).powered = False


def _moved(stage: Stage) -> None:
    slot(stage).ip = "198.51.100.77"


async def another_session(stage: Stage) -> None:
    """Alice replaces her session half an hour later."""
    rules(stage, NO_REVIEW)
    await stage.passes(1800)
    session_id, sign = stage.node("gpu1").session_for(demo_renter())
    await stage.alice.types("/dbc session add gpu1")
    await stage.alice.sees_modal("Add a session")
    await stage.alice.submits({"Session id": session_id, "Session signature": sign})
    await stage.quiet()
    rules(stage, ALICES)


def deed(name: str, line: str = "") -> Deed:
    return Deed(line or DEEDS[name].line, before=DEEDS[name].before, form=DEEDS[name].form)


REPLACING = f"image upload {LOCAL} to=hub replace on gpu1"
FETCHING = f"image download {LOCAL} from=hub replace on gpu1"
CASES = {
    "memory": (
        deed("vm.modify", f"vm modify {NAME} mem=100"),
        outside(_memory),
        "memory is now 200 GiB, not 64 GiB",
    ),
    "memory by Carol": (
        deed("vm.modify", f"vm modify {NAME} mem=100"),
        carol(f"vm modify {NAME} mem=128"),
        "memory is now 128 GiB, not 64 GiB",
    ),
    "cores that were as wanted": (
        deed("vm.modify", f"vm modify {NAME} mem=100 cpu=8"),
        outside(_cores),
        "CPU cores is now 4, not 8",
    ),
    "port": (
        deed("vm.modify", f"vm modify {NAME} ssh=5701"),
        outside(_port),
        "SSH port is now 5799, not 5685",
    ),
    "resize": (
        deed("disk.resize"),
        outside(_bigger),
        "Present size was “100G” and is now “107G”; Size afterwards was “150G” and is now “157G”",
    ),
    "resize by Carol": (
        deed("disk.resize"),
        carol(f"disk resize {NAME} vdb +20"),
        "Size afterwards was “150G” and is now “170G”",
    ),
    "add": (deed("disk.add"), outside(_bigger), "and are now “vda 350G, vdb 107G”"),
    "add by Carol": (deed("disk.add"), carol(f"disk add {NAME} 30"), "vdb 100G, vdc 30G”"),
    "snapshot": (deed("snapshot.create"), outside(_bigger), "vdb 107G”"),
    "snapshot by Carol": (
        deed("snapshot.create"),
        carol(f"disk resize {NAME} vdb +20"),
        "vdb 120G”",
    ),
    "upload": (
        deed("image.upload", REPLACING), outside(_on_hub), "Present file was “4G” and is now “9G”",
    ),
    "upload by Carol": (
        deed("image.upload", REPLACING),
        carol(f"image delete {LOCAL} on gpu1"),
        "New file was “4G” and is now “not listed”",
    ),
    "download": (
        deed("image.download", FETCHING),
        outside(_on_node),
        "Present file was “4G” and is now “9G”",
    ),
    "download by Carol": (
        deed("image.download", FETCHING),
        carol(f"image delete {LOCAL} on gpu1"),
        "Present file was “4G” and is now “none”",
    ),
    "share": (
        deed("session.share"), another_session, "the session is now added",
    ),
    "name by Carol": (
        deed("vm.name"), carol(f"vm name {NAME} scratch"), "the nickname is now scratch, not none",
    ),
    "node's name by Carol": (
        deed("node.name"), carol("node name gpu1 scratch"), "the nickname is now scratch, not",
    ),
    "default by Carol": (
        deed("node.use"), carol("node use gpu2 here"), "the node that is meant is now gpu2",
    ),
    "login": (deed("vm.passwd"), outside(_login), "User was “dbc” and is now “mallory”"),
    "power": (deed("metal.power"), outside(_unpowered), "the power is now off, not on"),
    "power before a boot": (
        deed("metal.boot"), outside(_unpowered), "the power is now off, not on",
    ),
    "metal": (
        deed("metal.modify"),
        outside(_moved),
        "the IP address is now 198.51.100.77, not 198.51.100.4",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
async def test_what_differs_from_the_card_is_named_and_nothing_runs(
    tmp_path: Path, case: str
) -> None:
    asked, meanwhile, differs = CASES[case]
    async with site(tmp_path, NO_REVIEW, entitled="carol") as stage:
        asked = await prepared(stage, asked)
        rules(stage, ALICES)
        await does(stage, asked)
        question = question_of(stage)
        title = question.plain.replace("*", "").partition("?")[0].partition(": ")[2]
        await meanwhile(stage)
        stage.world.calls.clear()
        await approves(stage, stage.bob, question)
        ended = now(stage, question).plain.replace("*", "")
        assert "Changed since it was shown: " in ended
        assert differs in ended
        if case != "node's name by Carol":  # a node is called everywhere as it is called now
            assert title in ended
        assert stage.changes() == []


@both_ways
async def test_what_was_voided_is_still_told_as_it_was_shown(tmp_path: Path, *, http: bool) -> None:
    async with site(tmp_path, NO_REVIEW, entitled="alice", http=http) as stage:
        rules(stage, ALICES)
        await stage.asks(stage.alice, f"/dbc vm modify {NAME} mem=100")
        listed = await stage.asks(stage.alice, "/dbc approval list")
        number = listed.plain.split("`")[1]
        _memory(stage)
        await approves(stage, stage.bob, question_of(stage))
        told = await stage.asks(stage.alice, f"/dbc approval show {number}")
        assert "Change memory 64 → 100 GiB" in told.plain
