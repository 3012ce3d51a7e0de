"""Whoever approves has read all that is sent: every argument, default and name that was looked up.

Walks every command that changes something, with little given and with all that can be given.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from bot.commands.rows import command_table
from bot.language.parse import Parsed, parse
from bot.language.table import Command
from bot.model import Effect
from sandbox.slack import SeenMessage
from tests.scenarios.changing import (
    BOBS_REVIEW,
    DEEDS,
    LOCAL,
    NAME,
    NO_REVIEW,
    PYTORCH,
    UNREVIEWED,
    Deed,
    does,
    prepared,
)
from tests.scenarios.metal import rack, signed, slot_three
from tests.scenarios.site import approves, both_ways, now, rules, site
from tests.scenarios.stage import CHANNEL, Stage
from tests.scenarios.test_every_operation import documented
from tests.scenarios.test_session_request import MEMBERS

TABLE = command_table()
_SIZES = "gpu=3 cpu=13 mem=47 disk=131"
_FIREWALL = "ports=tcp,8080;udp,6000-6010 filters=in,tcp,2222,0.0.0.0/0,accept"
_PASSWORD = "N3w-Passw0rd"


def _with(name: str, line: str = "", **changes: object) -> Deed:
    return replace(DEEDS[name], **({"line": line} if line else {}), **changes)  # type: ignore[arg-type]


def _all_of_slot(stage: Stage) -> Mapping[str, str]:
    return {
        "UUID": "3156995b-0009", "IP address": "198.51.100.9", "IPMI host": "192.0.2.119",
        "IPMI user": "operator", "IPMI password": _PASSWORD, "IPMI port": "6623",
        "System (OS)": "Debian 13", "Description": "slot nine", **signed(stage),
    }  # fmt: skip


def _multisig(_stage: Stage) -> Mapping[str, str]:
    proofs = [one.proof(None) for one in MEMBERS[:2]]
    signs = "\n".join(f"{one['wallet']} {one['nonce']} {one['sign']}" for one in proofs)
    wallets = "\n".join(one.address for one in MEMBERS)
    return {
        "Multisig: wallets": wallets, "Multisig: threshold": "2", "Multisig: signatures": signs,
        "Rent order": "1287",
    }  # fmt: skip


# With all that can be given; together with the short lines, every parameter is walked.
async def _shares(stage: Stage) -> None:
    await stage.asks(stage.alice, "/dbc session share gpu1 with #gpu-ops")


WHOLE: Mapping[str, Deed] = {
    "vm.create": _with(
        "vm.create",
        f"vm create name=t1 image={LOCAL} {_SIZES} os=windows bios=uefi nic=e1000 "
        f"public_ip=203.0.113.9 lan=team01 ssh=5701 rdp=5702 vnc=5987 {_FIREWALL} "
        f"multicast=230.0.0.1:5558 data_file=data_7.qcow2 on gpu1",
    ),
    "vm.modify": _with(
        "vm.modify",
        f"vm modify {NAME} gpu=3 cpu=13 mem=47 public_ip=203.0.113.9 ssh=5701 rdp=5702 vnc=5987 "
        f"{_FIREWALL}",
    ),
    "vm.passwd": _with("vm.passwd", f"vm passwd {NAME} user=root"),
    "disk.add": _with("disk.add", f"disk add {NAME} 137 dir=/data2"),
    "snapshot.create": _with(
        "snapshot.create", f'snapshot create {NAME} s1 to=backup desc="before the upgrade"'
    ),
    "image.upload": _with("image.upload", f"image upload /data2/{LOCAL} to=hub replace on gpu1"),
    "image.download": _with(
        "image.download", f"image download {PYTORCH} from=hub dir=/data2 replace on gpu1"
    ),
    "image.stop": _with("image.stop", f"image stop {PYTORCH} download on gpu1"),
    "metal.add": _with("metal.add", form=lambda stage: slot_three(**_all_of_slot(stage))),
    "metal.modify": _with(
        "metal.modify", 'metal modify "rack 7, slot 1" manager={rack}', form=_all_of_slot
    ),
    "metal.remove": _with("metal.remove", 'metal remove "rack 7, slot 1" manager={rack}'),
    "session.add": _with(
        "session.add",
        form=lambda stage: {**dict(DEEDS["session.add"].form(stage)), "Rent order": "1287"},  # type: ignore[misc]
    ),
    "session.request": _with("session.request", form=_multisig),
    "session.share": _with("session.share", "session share gpu1 with #gpu-ops hours=8"),
    "session.unshare": _with(
        "session.unshare", "session unshare gpu1 with #gpu-ops", before=_shares
    ),
    "session.sign": _with("session.sign", "session sign"),
    "watch.image": _with("watch.image", f"watch image {PYTORCH} download from=hub on gpu1"),
    "settings": Deed("settings node=gpu1 channel_node=gpu2"),
    "metal.power": _with("metal.power", 'metal power reset "rack 7, slot 1"'),
    "node.use": _with("node.use", "node use gpu1"),
}
NEVER_REVIEWED = frozenset({"approval.cancel", "approval.withdraw"}) | UNREVIEWED
WALKS = [(name, deed, "short") for name, deed in DEEDS.items() if name not in NEVER_REVIEWED]
WALKS += [(name, deed, "whole") for name, deed in WHOLE.items()]
WALKS += [("disk.resize", _with("disk.resize", f"disk resize {NAME} vdb size=150"), "whole size")]
WALKS += [("session.unshare", _with("session.unshare", "session unshare gpu1"), "everybody")]
walked = pytest.mark.parametrize(
    ("name", "deed"), [w[:2] for w in WALKS], ids=[f"{w[0]}-{w[2]}" for w in WALKS]
)


def _parsed(deed: Deed) -> Parsed:
    """The line as it is read once Slack has put ids for the names of people and channels."""
    line = deed.line.replace("{options}", "").replace("{rack}", "rack7")
    line = re.sub(r"@(\w+)", lambda found: f"<@U0{found[1].upper()}>", line)
    parsed = parse(TABLE, line.replace("#gpu-ops", "<#C0GPUOPS>"))
    assert isinstance(parsed, Parsed), parsed
    return parsed


def _given(command: Command, deed: Deed, values: Mapping[str, str]) -> dict[str, str]:
    """The arguments that a deed gives, by parameter."""
    parsed = _parsed(deed)
    labels = {str(p.arg.label): p.name for p in command.parameters}
    return {**parsed.values, **{labels[label]: text for label, text in values.items()}}


def _shown(command: Command, name: str, text: str) -> list[str]:
    """How an argument may stand on a card."""
    parameter = next(p for p in command.parameters if p.name == name)
    kind = parameter.arg.kind
    if kind.is_secret:
        return ["given, not shown"]
    if kind.is_flag:
        return ["yes"]
    if kind.is_list:
        return [", ".join(re.split(r"[\s;]+", text))]
    return [text, str(parameter.arg.said(text)), f"<@{text}>", f"<#{text}>"]


def _leaves(value: object) -> Iterator[str]:
    if isinstance(value, Mapping):
        for one in value.values():
            yield from _leaves(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _leaves(one)
    elif isinstance(value, bool):
        yield "yes" if value else ""
    else:
        yield str(value)


def _in_path(path: str) -> list[str]:
    """What of a path is no name of an operation."""
    path = path.partition("?")[0].removeprefix("/api/v1")
    for one in sorted(documented(), key=len, reverse=True):
        pattern = re.escape(one).replace(r"\*", "([^/]+)")
        if found := re.fullmatch(pattern, path):
            return list(found.groups())
    return []


def _called(command: Command) -> Mapping[str, str]:
    """What cards and forms call the choices of a command, by what is sent."""
    return {one: str(p.arg.said(one)) for p in command.parameters for one in p.arg.choices}


def _is_on(card: str, text: str) -> bool:
    return re.search(rf"(?<![\w.]){re.escape(text)}(?![\w])", card) is not None


def question_of(stage: Stage) -> SeenMessage:
    found = [m for m in stage.bob.messages(CHANNEL) if "Approve" in m.buttons]
    assert found, stage.alice.screen()
    return found[-1]


def test_every_argument_of_every_change_is_walked() -> None:
    missing = []
    for command in TABLE:
        if command.effect is Effect.READ or command.id in NEVER_REVIEWED:
            continue
        deeds = [deed for name, deed, _ in WALKS if name == command.id]
        assert deeds, command.id
        given: set[str] = set()
        for deed in deeds:
            given |= set(_parsed(deed).values)
        forms = [deed.form for deed in deeds if deed.form is not None]
        if not forms:
            typed = [p.name for p in command.parameters if not p.arg.pressed]
            missing += [(command.id, name) for name in typed if name not in given]
    assert missing == []


@walked
async def test_nothing_is_sent_that_the_card_did_not_show(
    tmp_path: Path, name: str, deed: Deed
) -> None:
    command = TABLE[name]
    async with site(tmp_path, NO_REVIEW, entitled="") as stage:
        deed = await prepared(stage, deed)
        deed = replace(deed, line=deed.line.replace("{rack}", rack(stage).node_id))
        values = dict(deed.form(stage)) if deed.form is not None else {}
        deed = replace(deed, form=(lambda _: values) if deed.form is not None else None)
        rules(stage, BOBS_REVIEW)
        await does(stage, deed)
        question = question_of(stage)
        card = question.plain.replace("*", "").replace("`", "")
        for argument, text in _given(command, deed, values).items():
            parameter = next((p for p in command.parameters if p.name == argument), None)
            if parameter is None or parameter is command.target:
                continue
            told = card.split(f"{command.kinds[argument].label}\n")[1:]
            assert told, f"{argument} is not on the card:\n{card}"
            if argument == "manager" or name == "settings":  # by id, whatever was typed
                continue
            assert any(told[-1].startswith(one) for one in _shown(command, argument, text)), card
        secrets = {str(p.arg.label) for p in command.parameters if p.arg.kind.is_secret}
        hidden = [text for label, text in values.items() if label in secrets]
        assert not [one for one in hidden if one in card]
        stage.world.calls.clear()
        await approves(stage, stage.bob, question)
        ended = now(stage, question).plain
        assert "Changed since it was shown" not in ended, ended
        calls = stage.world.changing_calls()
        assert bool(calls) is bool(deed.sends) or name == "session.request"
        for call in calls:
            for leaf in [*_leaves(call.additional), *_in_path(call.path)]:
                on_card = leaf[:12] if re.fullmatch(r"[0-9a-f]{64}", leaf) else leaf  # as on cards
                on_card = _called(command).get(leaf, on_card)
                if leaf and leaf not in hidden:
                    assert _is_on(card, on_card), f"{leaf} of {call.path} was not shown:\n{card}"
            assert call.node[:12] in card


@both_ways
async def test_a_card_says_with_whose_session_it_is_sent(tmp_path: Path, *, http: bool) -> None:
    async with site(tmp_path, NO_REVIEW, entitled="carol", http=http) as stage:
        await stage.asks(stage.carol, "/dbc session share gpu1 with @alice")
        rules(stage, BOBS_REVIEW)
        await stage.asks(stage.alice, f"/dbc vm restart {NAME}")
        question = question_of(stage)
        assert f"Session\nof <@{stage.carol.id}>" in question.plain.replace("*", "")
        rules(stage, NO_REVIEW)
        await stage.gives_session(stage.alice, "gpu1")
        rules(stage, BOBS_REVIEW)
        await approves(stage, stage.bob, question)
        differs = f"the session is now of <@{stage.alice.id}>, not of <@{stage.carol.id}>"
        assert f"Changed since it was shown: {differs}." in now(stage, question).plain
        assert stage.changes() == []


async def test_what_is_known_is_put_into_a_question_word_for_word(tmp_path: Path) -> None:
    async with site(tmp_path, NO_REVIEW, entitled="alice") as stage:
        rules(stage, BOBS_REVIEW)
        await stage.asks(stage.alice, f"/dbc vm create name={{image}} image={LOCAL} on gpu1")
        title = question_of(stage).plain.replace("*", "").partition("?")[0]
        size = "1 GPU, 8 cores, 32 GiB of memory and a data disk of 100 GiB"
        assert title.endswith(f"Create {{image}} with {size} from {LOCAL} on gpu1")
