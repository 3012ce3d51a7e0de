"""What a long history costs: a page of the audit, its verification, and its export."""

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from bot.ids import UserId
from bot.model import AuditQuery
from storage import Store, Vault
from tests.benchmarks.filling import fill, node_of
from tests.benchmarks.load import Load
from tests.benchmarks.peers import Room
from tests.benchmarks.stage import ROOT, Stage, one_bot

_SHARED = "files.completeUploadExternal"
_PATIENCE = 1_800.0  # seconds


@dataclass(frozen=True, slots=True)
class History:
    """Milliseconds for the slowest page of people who are no auditors; seconds and MiB of `audit
    verify`; by how many MiB an export grows the bot, the seconds it takes, and the median
    milliseconds of an acknowledgement before and meanwhile.
    """

    page: float
    verify: float
    verify_memory: float
    export_memory: float
    export: float
    before: float
    meanwhile: float


def history(rows: int) -> History:
    """All of it, with so many rows of the audit and as many messages."""
    with tempfile.TemporaryDirectory() as directory:
        data = Path(directory)
        url = f"sqlite+aiosqlite:///{data}/bot.db"
        store = Store(url, Vault.from_file(data / "credential.key"))
        page = asyncio.run(_page(store, url, rows))
        verify, verify_memory = _verify(url)

        def be_auditor(room: Room) -> None:
            rules = f'[audit.auditors]\npersons = ["{room.user}"]\n'
            (data / "policy.toml").write_text(rules, encoding="utf-8")

        with one_bot(data, 1, ROOT, be_auditor) as (stage, bot):
            with Load(stage.ports["bot"], 1) as load:
                before = _acks(stage, load, 50)
                size, begun = bot.memory, time.perf_counter()
                load.at_once(stage.requests("audit export", 1))
                meanwhile: list[float] = []
                while not stage.told().get(_SHARED):
                    meanwhile += _acks(stage, load, 5)
                    if time.perf_counter() - begun > _PATIENCE:
                        raise TimeoutError("the audit was not exported")
            took, grown = time.perf_counter() - begun, bot.memory - size
        return History(
            page, verify, verify_memory, grown, took, _ms(before), _ms(meanwhile or before)
        )


async def _page(store: Store, url: str, rows: int) -> float:
    """Milliseconds for a page, of the slowest of some readers."""
    await store.migrate()
    await fill(url, rows)
    readers = (
        AuditQuery(reader=UserId("U0NOBODY"), reader_nodes=frozenset()),
        AuditQuery(reader=UserId("U00001"), reader_nodes=frozenset()),
        AuditQuery(reader=UserId("U0NOBODY"), reader_nodes=frozenset({node_of(7)})),
        AuditQuery(reader=UserId("U00001"), reader_nodes=frozenset(map(node_of, range(10)))),
    )
    slowest = 0.0
    for query in readers:
        times = []
        for _ in range(3):
            begun = time.perf_counter()
            async with store.browse() as tx:
                await tx.audit.page(query, before=None, limit=11)
            times.append((time.perf_counter() - begun) * 1000)
        slowest = max(slowest, median(times))
    await store.close()
    return slowest


def _verify(url: str) -> tuple[float, float]:
    """Seconds of `audit verify`, and its MiB at the most."""
    begun = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "bot", "audit", "verify", "--database", url],
        stdout=subprocess.DEVNULL,
        cwd=ROOT,
    )
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError("the audit is not sound")
    return time.perf_counter() - begun, used.ru_maxrss / 1024


def _acks(stage: Stage, load: Load, count: int) -> list[float]:
    times: list[float] = []
    for _ in range(count):
        times += load.at_once(stage.requests("help", 1))  # signed just now
        time.sleep(0.02)
    return times


def _ms(times: Sequence[float]) -> float:
    return median(times) * 1000
