"""What a card shows determines what is sent: read back from it, the request is the same."""

from collections.abc import Mapping
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bot.commands import vm_create, vm_modify
from bot.errors import BotError
from bot.ids import TaskId
from bot.language.table import Command
from bot.language.terms import terms_of
from bot.messages.facts import unread
from bot.watches.observers.modified import FIELDS, NONE

_TASK = "0000000000000000000000"
_PORTS = st.integers(1, 65535).map(str)
_LISTED = st.lists(st.sampled_from(["tcp,8080", "udp,6000-6010", "tcp,22"]), max_size=3).map(
    " ".join
)
_FILTERED = st.sampled_from(["", "in,tcp,22,0.0.0.0/0,accept", "none"])
_NEW = st.fixed_dictionaries(
    {"name": st.sampled_from(["t1", "train 2"]), "image": st.sampled_from(["a.qcow2", "b.qcow2"])},
    optional={
        "gpu": st.integers(0, 64).map(str),
        "cpu": st.integers(1, 1024).map(str),
        "mem": st.integers(1, 65536).map(str),
        "disk": st.integers(1, 10_000).map(str),
        "os": st.sampled_from(["linux", "windows"]),
        "bios": st.sampled_from(["legacy", "uefi", "pxe"]),
        "nic": st.sampled_from(["virtio", "e1000"]),
        "public_ip": st.sampled_from(["203.0.113.9"]),
        "lan": st.sampled_from(["team01"]),
        "data_file": st.sampled_from(["data_7.qcow2"]),
        "ssh": _PORTS,
        "rdp": _PORTS,
        "vnc": st.integers(5900, 65535).map(str),
        "ports": _LISTED,
        "multicast": st.sampled_from(["", "230.0.0.1:5558"]),
    },
)
_CHANGED = st.fixed_dictionaries(
    {},
    optional={
        "mem": st.sampled_from(["64", "100", "200"]),
        "cpu": st.sampled_from(["8", "16"]),
        "gpu": st.sampled_from(["0", "1"]),
        "ssh": st.sampled_from(["5684", "5701"]),
        "rdp": st.sampled_from(["5702"]),
        "vnc": st.sampled_from(["5904", "5987"]),
        "ports": st.sampled_from(["tcp,8080", "none"]),
        "filters": _FILTERED,
        "public_ip": st.sampled_from(["203.0.113.9", "none"]),
    },
)
_STATES = st.fixed_dictionaries(
    {"public_ip": st.sampled_from([NONE, "203.0.113.9", "203.0.113.10"])},
    optional={
        "mem": st.sampled_from(["64", "200"]),
        "cpu": st.sampled_from(["8", "16"]),
        "gpu": st.sampled_from(["0", "1"]),
        "ssh": st.sampled_from(["5684", "5701"]),
        "vnc": st.sampled_from(["5904", "5987"]),
        "filters": st.sampled_from([NONE, "in,tcp,22,0.0.0.0/0,accept"]),
    },
)


def read(command: Command, texts: Mapping[str, str], *, left_out: bool) -> dict[str, Any]:
    """The values of these texts; with `left_out`, defaults stand for the others."""
    return {
        p.name: p.arg.read(p.name, texts[p.name])
        if texts.get(p.name)
        else (p.default if left_out else None)
        for p in command.parameters
        if p is not command.target
    }


def shown(command: Command, given_: Mapping[str, str]) -> dict[str, str]:
    """The arguments as a card has them."""
    facts = terms_of(command.parameters, command.target, {**command.defaults, **given_}, secrets={})
    return {name: fact.text for name, fact in facts.items()}


@given(_NEW)
def test_a_new_machine_is_the_one_on_the_card(texts: dict[str, str]) -> None:
    command = vm_create.COMMAND
    texts = {name: text for name, text in texts.items() if text}
    try:
        spec = vm_create.spec(TaskId(_TASK), read(command, texts, left_out=True))
    except (BotError, ValueError):
        return  # refused before anything is asked
    card = shown(command, {**vm_create.ports_of(spec), **texts})
    again = vm_create.spec(TaskId(_TASK), read(command, card, left_out=False) | _empty(card))
    assert again.additional() == spec.additional()


def _empty(card: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """A list that is not on the card is empty."""
    return {name: () for name in ("ports", "filters", "multicast") if name not in card}


@given(_CHANGED, _STATES)
def test_a_change_is_the_one_on_the_card(texts: dict[str, str], state: dict[str, str]) -> None:
    command = vm_modify.COMMAND
    texts = {name: text for name, text in texts.items() if text}
    wanted = read(command, texts, left_out=False)
    sent = [step.change.additional() for step in vm_modify.steps_of(wanted, state)]
    seen = vm_modify.present_of(wanted, state)
    known = {
        name: seen[f"{vm_modify.WAS}{name}"]
        for name in FIELDS
        if f"{vm_modify.WAS}{name}" in seen and unread(f"{vm_modify.WAS}{name}") not in seen
    }
    card = read(command, shown(command, texts), left_out=False)
    again = vm_modify.steps_of(card, known)
    assert [step.change.additional() for step in again] == sent
