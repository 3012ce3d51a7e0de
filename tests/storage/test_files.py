"""What the ledger knows of a file: who put it where, and who deleted it there."""

from datetime import timedelta
from typing import Any

from bot.model import Execution, ExecutionStatus
from storage import Store
from tests.storage.samples import NOW, watch
from tests.storage.test_ledger import ids, stands

DONE, FAILED, REFUSED = ExecutionStatus.DONE, ExecutionStatus.FAILED, ExecutionStatus.REFUSED
IMAGE = "ubuntu-22.04.qcow2"
DOWNLOAD: dict[str, Any] = {
    "command": "image.download", "node": "node-1", "arguments": {"image": IMAGE},
}  # fmt: skip
UPLOAD: dict[str, Any] = {
    "command": "image.upload",
    "node": "node-2",
    "arguments": {"image": f"/data/{IMAGE}"},
    "facts": {"server": "hub"},
}


async def about(store: Store, place: str, **limits: Any) -> list[Execution]:
    commands = ["image.download", "image.upload"]
    async with store.browse() as tx:
        return await tx.executions.of_file(place, IMAGE, commands, stand={DONE, FAILED}, **limits)


async def test_of_a_file_those_are_told_that_name_it_and_its_place(store: Store) -> None:
    await stands(store, "here", DONE, **DOWNLOAD)
    await stands(store, "later", DONE, **DOWNLOAD, created_at=NOW + timedelta(seconds=1))
    await stands(store, "there", DONE, **(DOWNLOAD | {"node": "node-3"}))
    await stands(store, "other", DONE, **(DOWNLOAD | {"arguments": {"image": "a_b.qcow2"}}))
    await stands(store, "else", DONE, **(DOWNLOAD | {"command": "image.delete"}))
    await stands(store, "refused", REFUSED, **DOWNLOAD)
    await stands(store, "up", DONE, **UPLOAD)
    assert ids(await about(store, "node-1")) == ["later", "here"]
    assert ids(await about(store, "node-1", since=NOW + timedelta(seconds=1))) == ["later"]
    assert ids(await about(store, "hub")) == ["up"]


async def test_a_failed_one_counts_where_its_node_had_accepted_it(store: Store) -> None:
    for name in ("refused", "accepted", "unsure", "moved"):
        await stands(store, name, FAILED, **DOWNLOAD)
    async with store.write() as tx:
        for name, known in {
            "accepted": {},
            "unsure": {"unsure": True},
            "moved": {"unsure": True, "moved": True},
        }.items():
            await tx.watches.add(watch(name, execution=f"execution-{name}", **known))
    assert set(ids(await about(store, "node-1"))) == {"accepted", "moved"}
