"""A renter gets a session: proof of the wallet, the node's session id, its signature."""

import json
import re

import pytest

from bot.ids import UserId
from sandbox.dbc.demo import demo_renter
from sandbox.dbc.keys import Wallet, multisig_address, new_nonce
from tests.scenarios.stage import CHANNEL, Stage
from tests.scenarios.test_sessions import stored

RENTER = demo_renter()
STRANGER = Wallet.from_seed("stranger")
MEMBERS = tuple(Wallet.from_seed(f"member {number}") for number in range(3))
TWO_OF_THREE = multisig_address([one.address for one in MEMBERS], 2)


def proof(wallet: Wallet = RENTER, nonce: str = "") -> dict[str, str]:
    made = wallet.proof(nonce or None)
    return {"Wallet": made["wallet"], "Nonce": made["nonce"], "Signature": made["sign"]}


async def asks(stage: Stage, values: dict[str, str], node: str = "gpu1") -> None:
    await stage.alice.types(f"/dbc session request {node}", channel=CHANNEL)
    await stage.alice.sees_modal("Request a session")
    await stage.alice.submits(values)


async def session_id_shown(stage: Stage) -> str:
    told = await stage.alice.sees("gave your session id")
    assert told.ephemeral
    found = re.search(r"python -m bot sign --session (\w+)", told.plain)
    assert found, told.plain
    return found[1]


async def pastes(stage: Stage, signature: str) -> None:
    await stage.alice.presses("Paste the signature")
    await stage.alice.sees_modal("Sign the session id")
    await stage.alice.submits({"Session signature": signature})


async def test_a_renter_gets_a_session(stage: Stage) -> None:
    await asks(stage, proof())
    session_id = await session_id_shown(stage)
    assert session_id not in stage.bob.screen()
    await pastes(stage, RENTER.sign(session_id))
    await stage.reads(stage.alice, "Your session for *gpu1* works and is kept; it sees 2 machines")
    await stage.alice.types("/dbc vm list")
    await stage.alice.sees("inference")


async def test_the_id_that_waits_is_encrypted_and_erased(one_stage: Stage) -> None:
    await asks(one_stage, proof())
    session_id = await session_id_shown(one_stage)
    assert session_id.encode() not in stored(one_stage)
    await one_stage.restart_bot()
    await pastes(one_stage, RENTER.sign(session_id))
    await one_stage.reads(one_stage.alice, "works and is kept")
    async with one_stage.bot.store.read() as tx:
        assert await tx.renters.of(UserId(one_stage.alice.id), one_stage.clock.now()) == []


async def test_after_an_hour_it_has_to_be_asked_for_again(one_stage: Stage) -> None:
    await asks(one_stage, proof())
    session_id = await session_id_shown(one_stage)
    await one_stage.alice.presses("Paste the signature")
    await one_stage.alice.sees_modal("Sign the session id")
    await one_stage.passes(3601)
    await one_stage.alice.submits({"Session signature": RENTER.sign(session_id)})
    assert one_stage.alice.modal is not None
    assert "its hour is over" in str(one_stage.alice.modal.errors)
    await one_stage.alice.closes()
    told = await one_stage.asks(one_stage.alice, "/dbc session sign")
    assert one_stage.alice.modal is None
    assert "its hour is over" in told.plain


async def test_a_multisig_gets_a_session_signed_by_any_member(stage: Stage) -> None:
    stage.node("gpu2").end_rental(online=True)
    stage.node("gpu2").rent(TWO_OF_THREE)
    lines = [" ".join(one.proof().values()) for one in MEMBERS[:2]]
    values = {
        "Multisig: wallets": "\n".join(one.address for one in MEMBERS),
        "Multisig: threshold": "2",
        "Multisig: signatures": "\n".join(lines),
    }
    await asks(stage, values, "gpu2")
    session_id = await session_id_shown(stage)
    await pastes(stage, MEMBERS[2].sign(session_id))
    await stage.reads(stage.alice, "Your session for *gpu2* works and is kept")


NONCE = new_nonce()


@pytest.mark.parametrize(
    ("values", "field", "fault"),
    [
        (
            {**proof(nonce=NONCE), "Signature": RENTER.sign(f"<Bytes>{NONCE}</Bytes>")},
            "Signature",
            "wrapped in <Bytes>",
        ),
        (
            {**proof(), "Wallet": "1FRMM8PEiWXYax7rpS6X4XZX1aAAxSWx1CrKTyrVYhV24fg"},
            "Wallet",
            "written for another network: its prefix is 0, not 42",
        ),
        ({**proof(), "Wallet": RENTER.address[:-1] + "1"}, "Wallet", "typing mistake"),
        ({**proof(STRANGER), "Wallet": RENTER.address}, "Signature", "another key has signed"),
        ({**proof(), "Nonce": new_nonce()}, "Signature", "another text was signed"),
        ({**proof(), "Rent order": "12a"}, "Rent order", "is a number"),
        ({}, "Wallet", "needed"),
        ({**proof(), "Multisig: threshold": "2"}, "Wallet", "not both"),
        (
            {
                "Multisig: wallets": f"{MEMBERS[0].address} {MEMBERS[1].address}",
                "Multisig: threshold": "1",
                "Multisig: signatures": " ".join(
                    {**MEMBERS[1].proof(), "wallet": MEMBERS[0].address}.values()
                ),
            },
            "Multisig: signatures",
            f"line 1: {MEMBERS[1].address} has signed it",
        ),
        (
            {
                "Multisig: wallets": MEMBERS[0].address,
                "Multisig: threshold": "2",
                "Multisig: signatures": " ".join(MEMBERS[0].proof().values()),
            },
            "Multisig: threshold",
            "a number from 1 to 1",
        ),
    ],
)
async def test_a_wrong_proof_is_faulted_at_its_field_and_not_sent(
    one_stage: Stage, values: dict[str, str], field: str, fault: str
) -> None:
    await asks(one_stage, values)
    modal = one_stage.alice.modal
    assert modal is not None
    assert list(modal.errors) == [field]
    assert fault in modal.errors[field]
    assert one_stage.world.calls.of("nodes.session_id") == []


async def test_a_nonce_is_good_for_one_request(one_stage: Stage) -> None:
    again = proof()
    await asks(one_stage, again)
    await session_id_shown(one_stage)
    await asks(one_stage, again)
    modal = one_stage.alice.modal
    assert modal is not None
    assert "This nonce was used before" in modal.errors["Nonce"]


async def test_a_wallet_that_does_not_rent_the_node_is_told_so(stage: Stage) -> None:
    await asks(stage, proof(STRANGER))
    told = await stage.alice.sees_modal("This wallet does not hold the node's rental")
    assert "The nonce is used up" in told.plain


async def test_silence_burns_the_nonce_and_says_so(one_stage: Stage) -> None:
    again = proof()
    await asks(one_stage, again, "gpu3")
    told = await one_stage.alice.sees_modal("gpu3 did not answer in time")
    assert "The nonce is used up" in told.plain
    await asks(one_stage, again, "gpu3")
    modal = one_stage.alice.modal
    assert modal is not None
    assert "used before" in modal.errors["Nonce"]


async def test_what_reached_no_node_can_be_sent_again(one_stage: Stage) -> None:
    again = proof()
    await one_stage.alice.types("/dbc node list")
    await one_stage.alice.sees("gpu1")
    one_stage.node("gpu1").known = False
    await asks(one_stage, again)
    told = await one_stage.alice.sees_modal("The DBC daemon does not know gpu1")
    assert "can be sent again" in told.plain
    one_stage.node("gpu1").known = True
    await asks(one_stage, again)
    await session_id_shown(one_stage)


@pytest.mark.parametrize(
    ("signer", "text", "fault"),
    [
        (STRANGER, "{}", "another key has signed"),
        (RENTER, "<Bytes>{}</Bytes>", "wrapped in <Bytes>"),
        (RENTER, "something else", "another text was signed"),
    ],
)
async def test_a_wrong_session_signature_is_faulted_at_its_field(
    one_stage: Stage, signer: Wallet, text: str, fault: str
) -> None:
    await asks(one_stage, proof())
    session_id = await session_id_shown(one_stage)
    await pastes(one_stage, signer.sign(text.format(session_id)))
    modal = one_stage.alice.modal
    assert modal is not None
    assert fault in modal.errors["Session signature"]
    assert one_stage.world.calls.of("tasks.list") == []


async def test_secrets_of_a_request_are_nowhere_else(
    one_stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    given = proof()
    await asks(one_stage, given)
    session_id = await session_id_shown(one_stage)
    signature = RENTER.sign(session_id)
    await pastes(one_stage, signature)
    await one_stage.reads(one_stage.alice, "works and is kept")
    await one_stage.quiet()
    seen = capsys.readouterr()
    told = json.dumps([(c.method, c.args) for c in one_stage.ws.calls if "user" not in c.args])
    for secret in (given["Nonce"], given["Signature"], session_id, signature):
        assert secret not in seen.out + seen.err
        assert secret.encode() not in stored(one_stage)
        assert secret not in told
        assert secret not in one_stage.bob.screen()


async def test_a_dry_run_uses_no_nonce_up(one_stage: Stage) -> None:
    given = proof()
    await one_stage.alice.types("/dbc session request gpu1 --dry-run", channel=CHANNEL)
    await one_stage.alice.sees_modal("Request a session")
    await one_stage.alice.submits(given)
    await one_stage.reads(one_stage.alice, "mining_nodes/session_id")
    assert one_stage.world.calls.of("nodes.session_id") == []
    await asks(one_stage, given)
    await session_id_shown(one_stage)
