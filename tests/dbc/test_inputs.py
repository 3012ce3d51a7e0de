"""Ports, filters, identities and bare metal: malformed ones cannot be made."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from bot.dbc import fields, firewall
from bot.dbc.client import DbcClient
from bot.dbc.errors import InvalidField
from bot.dbc.identity import Multisig, NodeKeySignature, SessionPair, Target, WalletSignature
from bot.dbc.requests import BareMetalChange, BareMetalSpec
from tests.dbc.conftest import NODE, FakeDaemon, in_turn, reply, text

WALLET = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY"
OTHER_WALLET = "5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty"
SIGN = SecretStr("0" * 128)

# The little languages


@pytest.mark.parametrize(
    "entry", ["tcp,123", "udp,111:222", "tcp,333-444", "tcp,555-666:777-888", "tcp,65535"]
)
def test_custom_ports_are_accepted(entry: str) -> None:
    assert firewall.custom_port(entry) == entry


@pytest.mark.parametrize(
    "entry",
    [
        "",
        "tcp",
        "tcp,",
        "icmp,1",
        "tcp/udp,123",
        "TCP,123",
        "tcp, 123",
        "tcp,0",
        "tcp,65536",
        "tcp,444-333",
        "tcp,1-2:3",
        "tcp,1:3-4",
        "tcp,1-2:3-9",
        "tcp,1,2",
        "tcp,1;reboot",
    ],
)
def test_bad_custom_ports_are_refused(entry: str) -> None:
    with pytest.raises(InvalidField):
        firewall.custom_port(entry)


@pytest.mark.parametrize(
    "rule",
    [
        "in,tcp,22,0.0.0.0/0,accept",
        "out,udp,53-60,203.0.113.9/32,drop",
        "inout,all,all,0.0.0.0/0,drop",
        "in,icmp,all,0.0.0.0/0,accept",
        "in,ssh,all,0.0.0.0/0,accept",
        "in,https,443,0.0.0.0/0,accept",
        "out,dns(udp),all,0.0.0.0/0,accept",
    ],
)
def test_network_filters_are_accepted(rule: str) -> None:
    assert firewall.network_filter(rule) == rule


@pytest.mark.parametrize(
    "rule",
    [
        "",
        "in,tcp,22,0.0.0.0/0",
        "in,tcp,22,0.0.0.0/0,accept,x",
        "both,tcp,22,0.0.0.0/0,accept",
        "in,ftp,21,0.0.0.0/0,accept",
        "in,gre,all,10.0.0.1/32,accept",
        "in,tcp,all,0.0.0.0/0,accept",
        "in,tcp,0,0.0.0.0/0,accept",
        "in,tcp,80-22,0.0.0.0/0,accept",
        "in,ssh,2222,0.0.0.0/0,accept",
        "in,icmp,22,0.0.0.0/0,accept",
        "in,tcp,22,10.0.0.0/8,accept",
        "in,tcp,22,10.0.0.1,accept",
        "in,tcp,22,0.0.0.0/32,accept",
        "in,tcp,22,0.0.0.0,accept",
        "in,tcp,22,host/32,accept",
        "in,tcp,22,0.0.0.0/0,allow",
        "in, tcp,22,0.0.0.0/0,accept",
    ],
)
def test_bad_network_filters_are_refused(rule: str) -> None:
    with pytest.raises(InvalidField):
        firewall.network_filter(rule)


@pytest.mark.parametrize(
    "group",
    [
        "",
        "239.0.0.1",
        "239.0.0.1:",
        "239.0.0.1:0",
        "239.0.0.1:70000",
        "239.0.0.1:1-2",
        "x:1",
        "1:1",
    ],
)
def test_bad_multicast_groups_are_refused(group: str) -> None:
    with pytest.raises(InvalidField):
        firewall.multicast(group)


@given(st.text())
def test_description_that_passes_survives_unescaped_pasting(desc: str) -> None:
    try:
        fields.description(desc)
    except InvalidField:
        return
    assert json.loads(f'{{"desc":"{desc}"}}') == {"desc": desc}
    desc.encode()


# Identity


@pytest.mark.parametrize(
    "make",
    [
        lambda: Target(node_id=NODE, rent_order="12a"),
        lambda: Target(node_id=NODE, rent_order=""),
        lambda: Target(node_id=NODE.upper()),
        lambda: SessionPair.of("", "0" * 128),
        lambda: SessionPair.of("has space", "0" * 128),
        lambda: SessionPair.of("session", "0" * 127),
        lambda: SessionPair.of("session", "not hex"),
        lambda: WalletSignature(wallet="4abc", nonce=SecretStr("n"), sign=SIGN),
        lambda: WalletSignature(wallet=WALLET, nonce=SecretStr(""), sign=SIGN),
        lambda: NodeKeySignature(wallet=WALLET, nonce=SecretStr("n"), sign=SIGN),
        lambda: multisig(threshold=3),
        lambda: multisig(threshold=0),
        lambda: multisig(signer=OTHER_WALLET),
        lambda: multisig(nonces=("n1", "n1")),
    ],
)
def test_malformed_identity_cannot_be_made(make: Callable[[], object]) -> None:
    with pytest.raises(InvalidField):
        make()


def multisig(
    threshold: int = 2, signer: str = WALLET, nonces: tuple[str, str] = ("n1", "n2")
) -> Multisig:
    signs = tuple(
        WalletSignature(wallet=signer, nonce=SecretStr(nonce), sign=SIGN) for nonce in nonces
    )
    return Multisig(wallets=(WALLET, WALLET), threshold=threshold, signs=signs)


async def test_multisig_threshold_is_sent_as_text(daemon: FakeDaemon, dbc: DbcClient) -> None:
    daemon.answer = text('{"errcode":0,"message":{"session_id":"abc"}}')
    await dbc.nodes.session_id(NODE, multisig())
    sent = daemon.requests[0][1]["multisig_accounts"]
    assert sent["threshold"] == "2"
    assert [one["nonce"] for one in sent["signs"]] == ["n1", "n2"]


# Bare metal

METAL: dict[str, Any] = {
    "uuid": "3156995b-da18",
    "ip": "198.51.100.4",
    "ipmi_hostname": "10.0.0.110",
    "ipmi_username": "admin",
    "ipmi_password": SecretStr("secret"),
}


@pytest.mark.parametrize(
    "change",
    [
        {"uuid": ""},
        {"uuid": "a b"},
        {"ip": "x"},
        {"ipmi_hostname": ""},
        {"ipmi_username": 'a"'},
        {"ipmi_password": SecretStr("")},
        {"ipmi_password": SecretStr('a"')},
        {"ipmi_port": 0},
        {"ipmi_port": 70000},
        {"os": 'a"'},
        {"desc": "a\n"},
    ],
    ids=str,
)
def test_bare_metal_that_dbc_would_misread_cannot_be_made(change: dict[str, Any]) -> None:
    (field,) = change
    for make in (lambda: BareMetalSpec(**METAL | change), lambda: BareMetalChange(**change)):
        with pytest.raises(InvalidField) as caught:
            make()
        assert caught.value.field == field


async def test_ipmi_port_is_sent_as_a_number(daemon: FakeDaemon, dbc: DbcClient) -> None:
    added_as = {"bare_metal_nodes": [{"node_id": "n", "uuid": METAL["uuid"]}]}
    daemon.answer = in_turn(reply(0, added_as), reply(0, ""))
    key = NodeKeySignature(wallet=NODE, nonce=SecretStr("n1"), sign=SIGN)
    manager = Target(node_id=NODE, credentials=key)
    await dbc.metal.add(manager, BareMetalSpec(**METAL, ipmi_port="623"))
    await dbc.metal.modify(manager, NODE, BareMetalChange(ipmi_port=624))
    added, modified = (body["additional"] for _, body in daemon.requests)
    assert added["bare_metal_nodes"][0] == METAL | {"ipmi_password": "secret", "ipmi_port": 623}
    assert modified == {"ipmi_port": 624}
    assert daemon.paths[1] == f"/api/v1/bare_metal/modify/{NODE}"


def test_bare_metal_change_of_nothing_cannot_be_made() -> None:
    with pytest.raises(InvalidField):
        BareMetalChange()
