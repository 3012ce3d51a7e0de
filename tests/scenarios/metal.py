"""Bare metal in a scenario: the rack of the sandbox, and who rents a slot of it."""

from sandbox.dbc.demo import demo_renter
from sandbox.dbc.keys import Wallet, new_nonce
from sandbox.dbc.metal import MetalMachine, MetalManager
from tests.scenarios.stage import CHANNEL, Stage

PASSWORD = "Ipmi-S3cret"


def rack(stage: Stage) -> MetalManager:
    return next(iter(stage.world.managers.values()))


def slot(stage: Stage, number: int = 1) -> MetalMachine:
    machines = {machine.desc: machine for machine in rack(stage).machines.values()}
    return machines[f"rack 7, slot {number}"]


async def knows_rack(stage: Stage) -> None:
    await stage.alice.types(f"/dbc metal list {rack(stage).node_id}", channel=CHANNEL)
    await stage.alice.sees("manages 2 machines", CHANNEL)


async def rents_slot(stage: Stage) -> MetalMachine:
    """Alice adds her session for the first machine."""
    machine = slot(stage)
    await stage.alice.types(f"/dbc session add {machine.node_id}", channel=CHANNEL)
    await stage.alice.sees_modal("Add a session")
    session_id, sign = machine.session_for(demo_renter())
    await stage.alice.submits({"Session id": session_id, "Session signature": sign})
    await stage.reads(stage.alice, "it is a bare-metal machine, Chassis Power is on")
    return machine


def signed(stage: Stage, key: Wallet | None = None) -> dict[str, str]:
    nonce = new_nonce()
    return {"Nonce": nonce, "Signature": (key or rack(stage).key).sign(nonce)}


def slot_three(**other: str) -> dict[str, str]:
    return {
        "UUID": "3156995b-0003",
        "IP address": "198.51.100.6",
        "IPMI host": "192.0.2.113",
        "IPMI user": "admin",
        "IPMI password": PASSWORD,
        "Description": "rack 7, slot 3",
        **other,
    }
