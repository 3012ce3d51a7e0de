"""What DBC does not say is shown as nothing, or as not known: never as 0, None or an empty name."""

import json
import re
from typing import Any

import pytest

from sandbox.dbc.task import Status
from tests.scenarios.metal import knows_rack, rack
from tests.scenarios.stage import CHANNEL, Stage

PYTORCH = "pytorch-2.4.qcow2"
# A number that nobody said, a name of nothing, or a separator beside nothing.
WRONG = re.compile(
    r"\bNone\b|\b0 (GPU|core|%)|:0\b|:None|``|\(\)|· ·|·\s*$|^\s*·|\?|  \(node's time\)|null",
    re.MULTILINE,
)
LINES = (
    "vm list",
    "vm show inference",
    "disk list inference",
    "snapshot list inference",
    "snapshot show inference before",
    "image list gpu1",
    "image list hub",
    "node show gpu1",
    "node list",
    "node orders gpu1",
    "lan list gpu1",
    f"image progress {PYTORCH} on gpu1",
)


@pytest.fixture
async def stage(one_stage: Stage) -> Stage:
    """Alice's machine has a snapshot, a network is there, and an image is on its way."""
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu1")
    await stage.asks(stage.alice, "/dbc lan create team01 192.168.66.0/24 on gpu1")
    machine = stage.task("inference")
    await stage.asks(stage.alice, "/dbc vm shutdown inference")
    await stage.confirms(stage.alice, "Shut down")
    await stage.ends(stage.alice, "inference is off")
    await stage.asks(stage.alice, "/dbc snapshot create inference before to=hub")
    await stage.passes(30)
    assert machine.snapshots
    node = stage.node("gpu1")
    node.transfers.download(PYTORCH, "/data", stage.world.image_servers["hub"], node.now)
    stage.world.faults.on("sparse")
    return stage


def nothings(value: Any) -> list[Any]:
    """The values of JSON that stand for something absent without being null."""
    if isinstance(value, dict):
        told = [one for name, one in value.items() if name != "gpu_indexes"]
        return [found for one in told for found in nothings(one)]
    if isinstance(value, list):
        return [found for one in value for found in nothings(one)]
    return [value] if value in ("", "None", 0) and value is not False else []


@pytest.mark.parametrize("line", LINES)
async def test_what_is_not_said_is_not_made_up(stage: Stage, line: str) -> None:
    told = (await stage.asks(stage.alice, f"/dbc {line}")).plain
    shown = re.sub(r"<!date[^>]*>|:[a-z_]+:", "", told)
    assert not WRONG.search(shown), shown
    told = (await stage.asks(stage.alice, f"/dbc {line} --json")).plain
    found = json.loads(told.strip("` \n").removeprefix("json"))
    assert nothings(found) == [], found


async def test_a_machine_being_created_has_no_size_and_no_way_in_yet(stage: Stage) -> None:
    stage.task("inference").status = Status.CREATING
    told = (await stage.asks(stage.alice, "/dbc vm show inference")).plain.replace("*", "")
    assert "Size\nnot known yet" in told, told
    assert "Created\nnot known yet" in told


async def test_a_machine_without_a_port_has_no_line_that_names_one(stage: Stage) -> None:
    stage.world.faults.off("sparse")
    machine = stage.task("inference")
    machine.vnc_port = 0
    told = (await stage.asks(stage.alice, "/dbc vm show inference")).plain
    assert "ssh -p 5685" in told
    assert "VNC" not in told
    found = json.loads(
        (await stage.asks(stage.alice, "/dbc vm show inference --json")).plain.strip("` \n")
    )
    assert [port["service"] for port in found["ports"]] == ["ssh"]


async def test_bare_metal_that_says_little_is_listed_with_what_it_says(one_stage: Stage) -> None:
    await knows_rack(one_stage)
    one_stage.world.faults.on("sparse", path="/bare_metal")
    manager = rack(one_stage).node_id
    for line in ("metal list", f"metal list {manager}"):
        await one_stage.alice.types(f"/dbc {line}", channel=CHANNEL)
        await one_stage.quiet()
        shown = re.sub(r"<!date[^>]*>|:[a-z_]+:", "", one_stage.alice.last(CHANNEL).plain)
        assert not WRONG.search(shown), shown
