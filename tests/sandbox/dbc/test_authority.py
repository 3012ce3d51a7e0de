"""Sessions, wallets, multisig accounts and verifiers."""

from datetime import timedelta
from typing import Any

import pytest

from sandbox.dbc import ManualClock, Node, Wallet, World
from sandbox.dbc.chain import MachineState
from sandbox.dbc.keys import multisig_address, new_nonce, verifies
from tests.sandbox.dbc.conftest import CREATE, Caller

MEMBERS = [Wallet.from_seed(name) for name in ("ann", "ben", "cid")]
SIGN = (
    "2460725b2f5e737cd810c773be61b9b27c3b9dbdac4af9cf25c7be9949ad7202"
    "a0b7467f71ad843888f482662d3ae2e4fa566d3c1930a3fa90f3dcb97ea4098d"
)


def test_published_signature_verifies() -> None:
    wallet = "5Dy8ULx1De6u3WE9ixpy1VKK2CVssvsjQT15qcmQsG662Zj4"
    nonce = "5q7KRn4d8EmXFFsim8vHBp23N2CpERbD2mWR3WCo1o3teZnGxYEh4N6"
    assert verifies(SIGN, nonce, wallet)
    assert verifies(f"0x{SIGN}", nonce, wallet)
    assert not verifies(SIGN, f"<Bytes>{nonce}</Bytes>", wallet)
    assert not verifies(SIGN[:-2], nonce, wallet)


def test_known_development_account() -> None:
    alice = Wallet.from_seed("//Alice")
    assert alice.address == "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY"


def joint(*signers: Wallet, threshold: str = "2") -> dict[str, Any]:
    signs = []
    for signer in signers:
        proof = signer.proof()
        signs.append({name: proof[name] for name in ("wallet", "nonce", "sign")})
    wallets = [member.address for member in MEMBERS]
    return {"multisig_accounts": {"wallets": wallets, "threshold": threshold, "signs": signs}}


async def session_id(caller: Caller, node: Node, **envelope: Any) -> Any:
    return (await caller.send("/mining_nodes/session_id", node.node_id, {}, **envelope)).message


async def test_session_never_changes_and_is_good_on_its_node_only(
    caller: Caller, node: Node, world: World, renter: Wallet
) -> None:
    first = await session_id(caller, node, **renter.proof())
    assert await session_id(caller, node, **renter.proof()) == first
    other = world.add_node("gpu2")
    other.rent(renter)
    found = first["session_id"]
    pair = {"session_id": found, "session_id_sign": renter.sign(found)}
    assert (await caller.send("/tasks", node.node_id, {}, **pair)).code == 0
    refused = await caller.send("/tasks", other.node_id, {}, **pair)
    assert refused.text == "check authority failed: session_id is invalid"


async def test_nonce_is_good_once_until_the_node_restarts(
    caller: Caller, node: Node, renter: Wallet
) -> None:
    proof = renter.proof()
    assert (await caller.send("/tasks", node.node_id, {}, **proof)).code == 0
    again = await caller.send("/tasks", node.node_id, {}, **proof)
    assert again.text == "check authority failed: nonce check failed"
    node.restart_process()
    assert (await caller.send("/tasks", node.node_id, {}, **proof)).code == 0


async def test_valid_session_leaves_the_nonce_unused(
    caller: Caller, node: Node, renter: Wallet
) -> None:
    proof = renter.proof()
    assert (await caller.send("/tasks", node, {}, **proof)).code == 0
    assert (await caller.send("/tasks", node.node_id, {}, **proof)).code == 0


async def test_multisig_account_rents_and_any_member_signs_its_session(
    caller: Caller, node: Node
) -> None:
    account = multisig_address([member.address for member in MEMBERS], 2)
    node.chain.orders.clear()
    node.rent(account)
    ann, ben, cid = MEMBERS
    found = (await session_id(caller, node, **joint(ann, cid)))["session_id"]
    pair = {"session_id": found, "session_id_sign": ben.sign(found)}
    assert (await caller.send("/tasks", node.node_id, {}, **pair)).code == 0
    stranger = Wallet.from_seed("dan")
    pair["session_id_sign"] = stranger.sign(found)
    assert (await caller.send("/tasks", node.node_id, {}, **pair)).code == -3


@pytest.mark.parametrize(
    ("envelope", "status"),
    [
        (joint(MEMBERS[0]), 400),  # fewer signatures than the threshold: the front sees that
        (joint(MEMBERS[0], Wallet.from_seed("dan")), 400),
        (joint(MEMBERS[0], MEMBERS[1], threshold="-1"), 400),
        (joint(MEMBERS[0], MEMBERS[0], threshold="0"), 200),
    ],
)
async def test_incomplete_multisig_is_refused(
    caller: Caller, node: Node, envelope: dict[str, Any], status: int
) -> None:
    outcome = await caller.send("/tasks", node.node_id, {}, **envelope)
    assert outcome.status == status
    assert outcome.code != 0


async def test_verifier_may_create_but_not_touch_disks(caller: Caller, node: Node) -> None:
    verifier = Wallet.from_seed("verifier")
    node.chain.state = MachineState.VERIFYING
    node.chain.verifiers.add(verifier.address)
    made = await caller.send("/tasks/start", node.node_id, dict(CREATE), **verifier.proof())
    assert made.message["task_id"].startswith("vm_check_")
    (task,) = node.tasks.values()
    assert (len(task.gpus), task.cpu_cores) == (node.gpus, node.cpu_cores)
    refused = await caller.send(f"/disk/list/{task.task_id}", node.node_id, {}, **verifier.proof())
    assert refused.text == "check authority failed: "
    none = await caller.send("/mining_nodes/session_id", node.node_id, {}, **verifier.proof())
    assert none.text == "check authority failed"


async def test_tasks_are_listed_to_their_renter_but_touched_by_any(
    caller: Caller, node: Node, renter: Wallet
) -> None:
    task_id = await caller.create(node)
    stranger = Wallet.from_seed("stranger")
    node.rent(stranger)
    caller.wallet = stranger
    assert (await caller.ask("/tasks", node)).message == []
    assert (await caller.ask(f"/tasks/{task_id}", node)).text == "task_id not exist"
    node.define(node.tasks[task_id])
    assert (await caller.ask(f"/tasks/shutdown/{task_id}", node)).message == "ok"


async def test_ended_rental_is_told_apart(caller: Caller, node: Node) -> None:
    node.end_rental(online=False)
    refused = await caller.ask("/tasks", node)
    assert refused.text == "check authority failed: machine has already expired"
    node.end_rental()
    refused = await caller.ask("/tasks", node)
    assert refused.text == "check authority failed: machine is not be rented"


def test_nonces_differ() -> None:
    assert new_nonce() != new_nonce()


@pytest.mark.parametrize(
    ("orders_only", "reason"),
    [(False, "query machine_status failed"), (True, "machine has already expired")],
)
async def test_a_failing_chain_endpoint_refuses_a_good_session_for_a_while(
    orders_only: bool, reason: str, caller: Caller, node: Node, renter: Wallet, clock: ManualClock
) -> None:
    session, signature = node.session_for(renter)
    pair = {"session_id": session, "session_id_sign": signature}
    node.lose_chain(9, orders_only=orders_only)
    refused = await caller.send("/tasks", node.node_id, {}, **pair)
    assert (refused.code, refused.text) == (-3, f"check authority failed: {reason}")
    clock.advance(timedelta(seconds=9))
    assert (await caller.send("/tasks", node.node_id, {}, **pair)).code == 0
