"""Each command that changes something, as a person gives it: for walks over the whole table."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

import pytest

from bot.commands.rows import command_table
from bot.language.table import Command
from bot.model import MACHINE_GOALS, Effect
from sandbox.dbc import jobs
from sandbox.dbc.demo import demo_renter
from sandbox.dbc.task import Libvirt, Snapshot, Status
from sandbox.dbc.values import GIB
from sandbox.dbc.worker import Durations
from sandbox.slack import SeenMessage
from tests.scenarios.metal import knows_rack, rack, rents_slot, signed, slot_three
from tests.scenarios.stage import CHANNEL, Stage
from tests.scenarios.test_session_request import RENTER, proof, session_id_shown

NAME = "inference"
PYTORCH = "pytorch-2.4.qcow2"
LOCAL = "ubuntu-20.04.qcow2"
SLOT = '"rack 7, slot 1"'

# What may be changed at once, so that a scenario can prepare itself.
NO_REVIEW = "[defaults]\ndisrupt = {}\ndestroy = {}\n"
# Bob approves all changes.
BOBS_REVIEW = (
    '[[rule]]\nname = "all"\nmatch = { effect = ["change", "disrupt", "destroy"] }\n'
    'approvals = 1\napprovers = { persons = ["U0BOB"] }\n'
)

# The rules name who may do these; nobody approves them.
UNREVIEWED = frozenset({"freeze", "unfreeze"})

# Some of each kind: a walk that holds no safety rule leaves the other commands to CI.
SAMPLES = frozenset(
    {"disk.add", "image.download", "image.stop", "metal.boot", "session.share", "vm.create",
     "vm.delete", "vm.restart"}
)  # fmt: skip


def walk(values: Iterable[tuple[str, ...]]) -> list[pytest.ParameterSet]:
    """The values of a test for each command, its name first."""
    return [
        pytest.param(*one, marks=() if one[0] in SAMPLES else pytest.mark.slow) for one in values
    ]


def in_turns(
    values: Sequence[tuple[object, ...]], tests: int, turn: int
) -> list[pytest.ParameterSet]:
    """The values of one of several tests that hold the same of each: each value is quick in one.

    Shifted each time round, so that no test is left with every second value alone.
    """
    turns = [(place + place // tests) % tests for place in range(len(values))]
    return [
        pytest.param(*one, marks=() if its == turn else pytest.mark.slow)
        for one, its in zip(values, turns, strict=True)
    ]


Prepare = Callable[[Stage], Awaitable[None]]


async def _nothing(stage: Stage) -> None:
    """The machine room is as it has to be."""


@dataclass(frozen=True)
class Deed:
    """A line, what has to be so before, the form that it opens, and what DBC gets of it."""

    line: str
    sends: str = ""  # the beginning of a path; empty: DBC gets nothing
    before: Prepare = _nothing
    form: Callable[[Stage], Mapping[str, str]] | None = None
    is_for_me_alone: bool = False  # nobody else ever sees anything of it


async def _off(stage: Stage) -> None:
    task = stage.task(NAME)
    assert task.domain is not None
    task.status, task.domain.state = Status.CLOSED, Libvirt.SHUT_OFF


async def _copied(stage: Stage) -> None:
    await _off(stage)
    task = stage.task(NAME)
    task.snapshots.append(Snapshot("before", "", "/data/snap_before.qcow2", task.created_at))
    task.snapshot_status["before"] = "none"


async def _under_way(stage: Stage) -> None:
    gpu1, hub = stage.node("gpu1"), stage.world.image_servers["hub"]
    gpu1.transfers.rate = GIB / 10
    gpu1.transfers.download(PYTORCH, "/data", hub, stage.clock.now())


async def _going_off(stage: Stage) -> None:
    gpu1, task = stage.node("gpu1"), stage.task(NAME)
    gpu1.durations = Durations(poweroff=timedelta(minutes=1))
    task.status = Status.POWERING_OFF
    gpu1.push("poweroff", task, jobs.poweroff(gpu1, task))


async def _followed(stage: Stage) -> None:
    await _going_off(stage)
    await stage.asks(stage.alice, f"/dbc watch vm {NAME}")


async def _has_lan(stage: Stage) -> None:
    await stage.asks(stage.alice, "/dbc lan create team01 192.168.66.0/24 on gpu1")


async def _has_slot(stage: Stage) -> None:
    await knows_rack(stage)
    await rents_slot(stage)


async def _has_asked_for_a_session(stage: Stage) -> None:
    await stage.alice.types("/dbc session request gpu2", channel=CHANNEL)
    await stage.alice.sees_modal("Request a session")
    await stage.alice.submits(proof())
    await session_id_shown(stage)


async def _shares(stage: Stage) -> None:
    await stage.asks(stage.alice, "/dbc session share gpu1 with @bob")


async def _bob_has_another(stage: Stage) -> None:
    await stage.gives_session(stage.bob, "gpu2")


async def _has_alias(stage: Stage) -> None:
    await stage.asks(stage.alice, "/dbc alias add r = vm restart $1 force")


def _signature(stage: Stage) -> Mapping[str, str]:
    shown = next(m.plain for m in reversed(stage.alice.messages()) if "sign --session" in m.plain)
    session_id = shown.partition("sign --session ")[2].split()[0].strip("`")
    return {"Session signature": RENTER.sign(session_id)}


def _pair(stage: Stage) -> Mapping[str, str]:
    session_id, sign = stage.node("gpu2").session_for(demo_renter())
    return {"Session id": session_id, "Session signature": sign}


# What the rows do not tell: what has to be so before, a form, or what DBC gets of what changes no
# machine itself.
_SPECIAL: Mapping[str, Deed] = {
    "vm.create": Deed(f"vm create name=t1 image={LOCAL} on gpu1", "/tasks/start"),
    "vm.start": Deed(f"vm start {NAME}", "/tasks/start/", _off),
    "vm.modify": Deed(f"vm modify {NAME} mem=128 ssh=5700", "/tasks/modify/"),
    "vm.passwd": Deed(
        f"vm passwd {NAME}", "/tasks/passwd/", form=lambda _: {"New password": "N3w-Passw0rd"}
    ),
    "vm.name": Deed(f"vm name {NAME} prod"),
    "disk.add": Deed(f"disk add {NAME} 50", "/disk/add/", _off),
    "disk.resize": Deed(f"disk resize {NAME} vdb +50", "/disk/resize/", _off),
    "disk.delete": Deed(f"disk delete {NAME} vdb", "/disk/delete/", _off),
    "snapshot.create": Deed(f"snapshot create {NAME} s1 to=hub", "/snapshot/create/", _off),
    "snapshot.delete": Deed(f"snapshot delete {NAME} before", "/snapshot/delete/", _copied),
    "image.upload": Deed(f"image upload {LOCAL} to=backup on gpu1", "/images/upload"),
    "image.download": Deed(f"image download {PYTORCH} on gpu1", "/images/download"),
    "image.stop": Deed(f"image stop {PYTORCH} on gpu1", "/images/download_stop", _under_way),
    "image.delete": Deed(f"image delete {LOCAL} on gpu1", "/images/delete"),
    "lan.create": Deed("lan create team02 192.168.67.0/24 on gpu1", "/lan/create"),
    "lan.delete": Deed("lan delete team01 on gpu1", "/lan/delete/", _has_lan),
    "metal.add": Deed(
        "metal add rack7", "/bare_metal/add", _has_slot,
        form=lambda stage: slot_three(**signed(stage)),
    ),
    "metal.modify": Deed(
        f"metal modify {SLOT}", "/bare_metal/modify/", _has_slot,
        form=lambda stage: {"Description": "slot one", **signed(stage)},
    ),
    "metal.remove": Deed(f"metal remove {SLOT}", "/bare_metal/delete", _has_slot, form=signed),
    "metal.power": Deed(f"metal power off {SLOT}", "/bare_metal/power", _has_slot),
    "metal.boot": Deed(f"metal boot pxe {SLOT}", "/bare_metal/bootdev", _has_slot),
    "node.name": Deed("node name gpu1 rack-a"),
    "node.use": Deed("node use gpu1 here"),
    "session.add": Deed("session add gpu2", form=_pair),
    "session.request": Deed(
        "session request gpu2", "/mining_nodes/session_id", form=lambda _: proof()
    ),
    "session.sign": Deed("session sign gpu2", before=_has_asked_for_a_session, form=_signature),
    "session.ask": Deed("session ask gpu2", before=_bob_has_another),
    "session.share": Deed("session share gpu1 with @carol"),
    "session.unshare": Deed("session unshare gpu1 with @bob", before=_shares),
    "session.remove": Deed("session remove gpu1"),
    "watch.vm": Deed(f"watch vm {NAME}", before=_going_off),
    "watch.image": Deed(f"watch image {PYTORCH} on gpu1", before=_under_way),
    "watch.stop": Deed(f"watch stop {NAME}", before=_followed),
    # With another choice, ends mention nobody.
    "settings.notifications": Deed("settings notifications ends"),
    "settings.channel-notifications": Deed("settings channel-notifications ends"),
    "alias.add": Deed("alias add {options} q = vm list"),
    "alias.remove": Deed("alias remove r", before=_has_alias),
}  # fmt: skip
# They take a question that somebody has put.
_ABOUT_QUESTIONS = frozenset({"approval.cancel", "approval.withdraw"})


def _sends(row: Command) -> str:
    """Where what the row says of its end tells what DBC gets of it; empty: it gets nothing."""
    follow = row.follow or row.unanswered
    if row.id in _SPECIAL or follow is None:
        return ""
    if follow.goal in MACHINE_GOALS:
        return f"/tasks/{row.deed.verb or row.verb}/"
    raise LookupError(f"Say in _SPECIAL of tests/scenarios/changing.py what DBC gets of {row.id}.")


def _as_their_examples_say() -> Mapping[str, Deed]:
    """The rows that need nothing special: their example is the line."""
    changing = [row for row in command_table() if row.worst_effect is not Effect.READ]
    return {
        row.id: Deed(row.example.replace("train-01", NAME), _sends(row))
        for row in changing
        if row.id not in _ABOUT_QUESTIONS
    }


DEEDS: Mapping[str, Deed] = {**_as_their_examples_say(), **_SPECIAL}


async def prepared(stage: Stage, deed: Deed) -> Deed:
    """The stage is as the deed needs it; the deed, with ids that only the stage knows."""
    await stage.gives_session(stage.alice, "gpu1")
    await stage.asks(stage.alice, "/dbc vm list")
    stage.node("gpu1").transfers.rate = GIB
    await deed.before(stage)
    stage.world.calls.clear()
    line = deed.line.replace("metal add rack7", f"metal add {rack(stage).node_id}")
    return Deed(line, deed.sends, deed.before, deed.form, deed.is_for_me_alone)


async def does(stage: Stage, deed: Deed, *, options: str = "", source: str = "/dbc") -> None:
    """Alice gives the line and sends its form in."""
    line = deed.line if "{options}" in deed.line else f"{deed.line} {{options}}"
    typed = f"{source} {line.replace('{options}', options)}"
    await stage.alice.types(" ".join(typed.split()), channel=CHANNEL)
    if deed.form is not None:
        await stage.alice.sees_modal()
        await stage.alice.submits(dict(deed.form(stage)))
    await stage.quiet()


def public(stage: Stage) -> list[SeenMessage]:
    """What the bot has said that others than Alice see."""
    seen = [*stage.bob.messages(CHANNEL), *stage.bob.messages("@dbc")]
    return [m for m in seen if m.user == "dbc" and not m.ephemeral]
