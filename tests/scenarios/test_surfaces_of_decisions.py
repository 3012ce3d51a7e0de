"""What people see of requests that others decide on, join, hold back or wait for; and of the ends.

In both languages. After a wanted change: `make snapshots`, and read the difference.
"""

import copy
from datetime import timedelta
from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion

from sandbox.dbc.values import GIB
from sandbox.dbc.worker import Durations
from sandbox.slack import Person
from tests.scenarios.changing import DEEDS, NO_REVIEW
from tests.scenarios.machines import off
from tests.scenarios.site import DELETE, NAME, rules, site
from tests.scenarios.stage import CHANNEL, Stage, staged
from tests.scenarios.surfaces import KEEP_THEM, TextFile, as_text
from tests.scenarios.test_surfaces_of_trouble import LOCALES, Walk, speaks

TWO = '[[rule]]\nname = "two"\nmatch = { command = "vm.delete" }\napprovals = 2\n'
FREEZERS = '[freeze]\npeople = { persons = ["U0BOB"] }\n'
ENDS = (
    "vm.start", "disk.add", "disk.resize", "disk.delete", "snapshot.create", "snapshot.delete",
    "vm.start", "vm.restart", "vm.reset", "vm.modify", "vm.shutdown", "vm.poweroff",
    "image.upload", "image.download", "image.delete", "lan.delete",
)  # fmt: skip


async def comes_late(stage: Stage, person: Person) -> None:
    """Somebody presses Approve on the card that was pressed last, as it stood before."""
    sent = [one for one in stage.ws.deliveries if one.type == "block_actions"][-1]
    payload = copy.deepcopy(sent.payload)
    payload |= {"trigger_id": f"{len(stage.ws.deliveries)}.late", "response_url": ""}
    payload["user"]["id"] = person.id
    payload["actions"][0]["action_id"] = "approval.approve:0"
    await stage.ws.core.dispatcher.dispatch("interactive", payload)
    await stage.quiet()


async def too_late(stage: Stage, walk: Walk, when: str) -> None:
    """Carol presses some seconds later, which is no double click, and minutes later."""
    stage.clock.advance(timedelta(seconds=3))
    await comes_late(stage, stage.carol)
    walk.note(f"{when}, just now")
    stage.clock.advance(timedelta(minutes=5))
    await comes_late(stage, stage.carol)
    walk.note(f"{when}, minutes ago")


@pytest.mark.parametrize("locale", LOCALES)
async def test_decisions(tmp_path: Path, locale: str, snapshot: SnapshotAssertion) -> None:
    async with site(tmp_path, TWO) as stage:
        alice, bob, carol = stage.alice, stage.bob, stage.carol
        await stage.asks(alice, "/dbc vm list")
        walk = await speaks(stage, locale)
        await stage.asks(alice, DELETE)
        walk.note("requested")
        await stage.asks(carol, f"{DELETE} reason=OPS-7")
        walk.note("requested by another, too")
        for person, what in ((bob, "one of two"), (bob, "once more"), (alice, "their own")):
            await walk.presses(person, "Approve", CHANNEL)
            walk.note(what)
        for line in ("approval list", "audit list"):
            await stage.asks(bob, f"/dbc {line}")
            walk.note(line)
        await walk.presses(bob, "Withdraw vote", CHANNEL)
        walk.note("the vote withdrawn")
        await walk.presses(bob, "Deny", CHANNEL)
        await bob.submits({walk.says("Why not?"): "in use"})
        await stage.quiet()
        walk.note("denied")
        await too_late(stage, walk, "denied")
        await stage.asks(alice, DELETE)
        await walk.presses(alice, "Withdraw", CHANNEL)
        walk.note("withdrawn")
        await too_late(stage, walk, "withdrawn")
        await stage.asks(alice, DELETE)
        await walk.presses(bob, "Approve", CHANNEL)
        await stage.passes(3600)
        walk.note("expired")
        await too_late(stage, walk, "expired")
        await stage.asks(alice, DELETE)
        for person in (bob, carol):
            stage.clock.advance(timedelta(seconds=1))
            await walk.presses(person, "Approve", CHANNEL)
        walk.note("approved")
        await too_late(stage, walk, "approved")
        await stage.passes(15, times=4)
        walk.note("in the end")
    assert as_text(walk.shown) == snapshot(extension_class=TextFile), KEEP_THEM


@pytest.mark.parametrize("locale", LOCALES)
async def test_held_back(tmp_path: Path, locale: str, snapshot: SnapshotAssertion) -> None:
    async with site(tmp_path, NO_REVIEW + FREEZERS, entitled="alice bob") as stage:
        alice, bob, carol = stage.alice, stage.bob, stage.carol
        await stage.asks(alice, "/dbc vm list")
        off(stage)
        stage.node("gpu1").durations = Durations(add=timedelta(minutes=3))
        walk = await speaks(stage, locale)
        rows = (
            (alice, "freeze no switch"), (bob, "freeze no switch"), (bob, "freeze again"),
            (alice, f"vm start {NAME}"), (bob, f"vm start {NAME}"), (alice, "whoami"),
            (bob, "unfreeze"), (bob, "unfreeze"), (alice, "help freeze"),
            (alice, f"disk add {NAME} 100"), (bob, f"disk add {NAME} 100"),
            (bob, f"vm start {NAME}"), (alice, f"disk resize {NAME} vdb +50"),
            (alice, f"vm start {NAME} --dry-run"), (alice, f"disk add {NAME} 100 --dry-run"),
            (bob, "approval list"), (carol, "session ask gpu1 reason=OPS-7"),
            (carol, "session ask gpu1"), (carol, "whoami"),
        )  # fmt: skip
        for number, (person, line) in enumerate(rows, start=1):
            stage.clock.advance(timedelta(seconds=1))
            await stage.asks(person, f"/dbc {line}")
            walk.note(f"{number}, {person.name}: {line}")
        await walk.presses(alice, "Withdraw")
        walk.note("withdrawn before it was sent")
        for person in (alice, bob):
            await walk.presses(person, "No")
        walk.note("declined")
        await stage.asks(carol, "/dbc session ask gpu1")
        walk.note("asked once more")
        await stage.passes(15, times=20)
        walk.note("in the end")
    assert as_text(walk.shown) == snapshot(extension_class=TextFile), KEEP_THEM


@pytest.mark.parametrize("locale", LOCALES)
async def test_good_ends(tmp_path: Path, locale: str, snapshot: SnapshotAssertion) -> None:
    async with staged(tmp_path) as stage:
        await stage.gives_session(stage.alice, "gpu1")
        await stage.asks(stage.alice, "/dbc vm list")
        stage.node("gpu1").transfers.rate = GIB
        walk = await speaks(stage, locale)
        rules(stage, NO_REVIEW)
        for number, name in enumerate(ENDS, start=1):
            deed = DEEDS[name]
            await deed.before(stage)
            await stage.alice.types(f"/dbc {deed.line}", channel=CHANNEL)
            await stage.quiet()
            walk.note(f"{number}, {name}")
            await stage.passes(20, times=5)
            walk.note(f"{number}, {name}, in the end")
        for line in ("audit list", "watch list", f"vm show {NAME}", "vm list"):
            await stage.asks(stage.alice, f"/dbc {line}")
            walk.note(line)
    assert as_text(walk.shown) == snapshot(extension_class=TextFile), KEEP_THEM
