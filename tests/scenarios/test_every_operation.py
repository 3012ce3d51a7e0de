"""One tour past every operation of the DBC API: a person types it and it reaches the daemon."""

import re
from pathlib import Path

import pytest

from sandbox.dbc.demo import demo_renter
from sandbox.dbc.values import GIB
from tests.scenarios.metal import knows_rack, rack, rents_slot, signed, slot_three
from tests.scenarios.stage import CHANNEL, Stage
from tests.scenarios.test_session_request import asks, pastes, proof, session_id_shown

API = Path(__file__).parents[2] / "docs" / "dbc-api.md"
PYTORCH = "pytorch-2.4.qcow2"


def documented() -> list[str]:
    """The operations' paths without their parameters, as docs/dbc-api.md §3.1–3.7 heads them."""
    heads = re.findall(
        r"^#### 3\.[1-7]\.\d+ .*?`POST ([^`?\[]+)", API.read_text("utf-8"), re.MULTILINE
    )
    assert len(heads) == 37
    return [re.sub(r"<\w+>", "*", head) for head in heads]


def reached(stage: Stage, documented_paths: list[str]) -> set[str]:
    """Which of these the daemon has received."""
    got = [call.path.partition("?")[0].removeprefix("/api/v1") for call in stage.world.calls]
    exact = set(documented_paths)
    named = {
        path: re.compile(re.escape(path).replace(r"\*", "[^/]+"))
        for path in documented_paths
        if "*" in path
    }
    return {path for path in got if path in exact} | {
        name
        for name, pattern in named.items()
        for path in got
        if path not in exact and pattern.fullmatch(path)
    }


async def confirmed(stage: Stage, line: str) -> None:
    """Alice types it and presses what the card offers."""
    card = await stage.asks(stage.alice, line)
    assert "Confirm" in card.buttons, stage.alice.screen()
    await stage.alice.presses("Confirm", card)
    await stage.quiet()


async def machines(stage: Stage) -> None:
    alice = stage.alice
    await stage.asks(alice, "/dbc node show gpu1")
    await stage.asks(
        alice, "/dbc vm create image=ubuntu-20.04.qcow2 name=tour ssh_port=6000 on gpu1"
    )
    await stage.ends(alice, "tour is running")
    await stage.asks(alice, "/dbc vm list")
    await stage.asks(alice, "/dbc vm show tour")
    await stage.asks(alice, "/dbc vm logs tour")
    await alice.types("/dbc vm passwd tour", CHANNEL)
    await alice.sees_modal("Set a password")
    await alice.submits({"New password": "N3w-Passw0rd"})
    await stage.reads(alice, "is set")
    await confirmed(stage, "/dbc vm restart tour")
    await stage.ends(alice, "tour")
    await confirmed(stage, "/dbc vm shutdown tour")
    await stage.ends(alice, "tour is off")
    await stage.asks(alice, "/dbc vm start tour")
    await stage.ends(alice, "tour is running")
    await confirmed(stage, "/dbc vm poweroff tour")
    await stage.ends(alice, "tour is off")
    await stage.asks(alice, "/dbc vm modify tour mem=16")


async def disks_and_snapshots(stage: Stage) -> None:
    alice = stage.alice
    await stage.asks(alice, "/dbc disk add tour 50")
    await stage.ends(alice, "tour on gpu1 has a new disk")
    await stage.asks(alice, "/dbc disk list tour")
    await stage.asks(alice, "/dbc disk resize tour vdb +10")
    await stage.ends(alice, "tour on gpu1 has 10 GiB more on vdb")
    await confirmed(stage, "/dbc disk delete tour vdb")
    await stage.ends(alice, "tour on gpu1 no longer has the disk vdb")
    await stage.asks(alice, "/dbc snapshot create tour before to=hub")
    await stage.ends(alice, "tour on gpu1: snapshot before is on hub")
    await stage.asks(alice, "/dbc snapshot list tour")
    await stage.asks(alice, "/dbc snapshot show tour before")
    await confirmed(stage, "/dbc snapshot delete tour before")
    await stage.ends(alice, "tour on gpu1")
    await confirmed(stage, "/dbc vm delete tour")
    await stage.ends(alice, "tour is deleted")


async def images(stage: Stage) -> None:
    alice, transfers = stage.alice, stage.node("gpu1").transfers
    await stage.asks(alice, "/dbc image servers")
    await stage.asks(alice, "/dbc image list gpu1")
    transfers.rate = GIB / 100
    await stage.asks(alice, f"/dbc image download {PYTORCH} on gpu1")
    await stage.passes(30)
    await stage.asks(alice, f"/dbc image progress {PYTORCH} on gpu1")
    await confirmed(stage, f"/dbc image stop {PYTORCH} on gpu1")
    await stage.ends(alice, PYTORCH)
    await confirmed(stage, f"/dbc image delete {PYTORCH} on gpu1")
    local = "ubuntu-20.04.qcow2"
    await stage.asks(alice, f"/dbc image upload {local} to=backup on gpu1")
    await stage.passes(30)
    await stage.asks(alice, f"/dbc image progress {local} on gpu1")
    await confirmed(stage, f"/dbc image stop {local} on gpu1")
    await stage.ends(alice, local)


async def networks_and_metal(stage: Stage) -> None:
    alice = stage.alice
    await stage.asks(alice, "/dbc lan create team01 192.168.66.0/24 on gpu1")
    await confirmed(stage, "/dbc lan delete team01 on gpu1")
    await knows_rack(stage)
    machine = (await rents_slot(stage)).node_id[:8]
    await stage.asks(alice, f"/dbc metal power status {machine}")
    await stage.asks(alice, f"/dbc metal boot pxe {machine}")
    await alice.types(f"/dbc metal add {rack(stage).node_id}", channel=CHANNEL)
    await alice.sees_modal("Add bare metal")
    await alice.submits(slot_three(**signed(stage)))
    await alice.sees("has taken on", CHANNEL)
    await alice.types('/dbc metal remove "rack 7, slot 3"', channel=CHANNEL)
    await alice.sees_modal("Remove bare metal")
    await alice.submits(signed(stage))
    await stage.confirms(alice, "Let its manager forget")


@pytest.mark.slow
async def test_every_operation_of_dbc_is_reached_by_what_people_type(one_stage: Stage) -> None:
    stage = one_stage
    await asks(stage, proof())
    await pastes(stage, demo_renter().sign(await session_id_shown(stage)))
    await stage.reads(stage.alice, "works and is kept")
    await machines(stage)
    await disks_and_snapshots(stage)
    await images(stage)
    await networks_and_metal(stage)
    wanted = documented()
    assert sorted(set(wanted) - reached(stage, wanted)) == []
