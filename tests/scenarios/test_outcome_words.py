"""However a command ends, what is kept of it and shown later is a finished sentence."""

import re
from pathlib import Path

import pytest

from bot.model import AuditKind
from sandbox.dbc.images import ImageFile
from sandbox.dbc.values import GIB
from tests.scenarios.site import entries
from tests.scenarios.stage import Stage, is_unfinished, staged
from tests.scenarios.test_metal import rents_slot

PYTORCH = "pytorch-2.4.qcow2"
_DATE = re.compile(r"<!date\^[^>]*>|\{\}")  # as Slack takes moments; nothing, in JSON
# In an order in which each can be done.
LINES = (
    "vm restart inference",
    "vm modify inference mem=96",
    "vm shutdown inference",
    "disk add inference 20",
    "disk resize inference vdb 10",
    "disk delete inference vdc",
    "snapshot create inference before to=hub",
    "snapshot delete inference before",
    "vm start inference",
    "image upload mine.qcow2 to=hub on gpu1",
    f"image download {PYTORCH} on gpu1",
    "image delete mine.qcow2 on gpu1",
    "lan create team01 192.168.66.0/24 on gpu1",
    "lan delete team01 on gpu1",
    "vm create image=ubuntu-20.04.qcow2 name=one ssh_port=6000 on gpu1",
    'metal power off "rack 7, slot 1"',
    'metal boot pxe "rack 7, slot 1"',
    "vm delete inference",
)
# What happens to every change: nothing, a refusal, or nobody knows whether it was carried out.
FAULTS = ("", "unknown_node", "soft_failure", "reset_after")
CHANGES = (
    *("/tasks/restart", "/tasks/modify", "/tasks/shutdown", "/tasks/start", "/tasks/delete"),
    *("/disk/add", "/disk/resize", "/disk/delete", "/snapshot/create", "/snapshot/delete"),
    *("/images/upload", "/images/download", "/images/delete", "/lan/create", "/lan/delete"),
    *("/bare_metal/power", "/bare_metal/bootdev"),
)


async def carried_out(stage: Stage, line: str) -> None:
    """Alice types it, confirms it, and it comes to its end."""
    card = await stage.asks(stage.alice, f"/dbc {line}")
    if "Confirm" in card.buttons:
        await stage.alice.presses("Confirm", card)
        await stage.quiet()
    for _ in range(5):
        await stage.passes(30)


@pytest.mark.parametrize("fault", FAULTS)
async def test_every_end_is_kept_and_shown_as_a_finished_sentence(
    tmp_path: Path, fault: str
) -> None:
    async with staged(tmp_path) as stage:
        await stage.gives_session(stage.alice, "gpu1")
        await rents_slot(stage)
        node = stage.node("gpu1")
        node.files["/data/mine.qcow2"] = ImageFile(6 * GIB)
        node.transfers.rate = GIB
        for path in CHANGES if fault else ():
            stage.world.faults.on(fault, path=path)
        for line in LINES:
            await carried_out(stage, line)
        await stage.passes(4000)
        ends = {
            entry.command: entry for entry in await entries(stage) if entry.kind is AuditKind.ENDED
        }
        assert len(ends) > 12, ends.keys()
        assert {e.outcome for e in ends.values()} & {"done", "failed", "unknown", "refused"}
        assert [e.reason for e in ends.values() if not e.reason or is_unfinished(e.reason)] == []
        async with stage.bot.store.read() as tx:
            ledger = [e.outcome for e in await tx.executions.recent(limit=99)]
        assert [told for told in ledger if is_unfinished(told)] == []
        said = [m.plain for m in stage.alice.messages()]
        said += [
            (await stage.asks(stage.alice, f"/dbc {asked}")).plain
            for asked in ("audit list", "audit list --json", "watch list", "approval list")
        ]
        shown = [_DATE.sub("", told) for told in said]
        assert [told for told in shown if is_unfinished(told)] == []
