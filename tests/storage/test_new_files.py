"""New files where the file system knows no hard links: whole or not there, made by one alone."""

import json
import signal
import subprocess
import sys
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest

from storage import Store, Vault
from tests import janitor
from tests.storage.samples import SOON, execution
from tests.without_links import MAKERS, ROOT


def _seen(act: str, directory: Path) -> list[dict[str, Any]]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.without_links", act, str(directory)],
        cwd=ROOT, env=janitor.inherited(), capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.mark.slow
async def test_a_kill_at_any_line_leaves_a_whole_file_or_none_and_blocks_nobody(
    tmp_path: Path, vault: Vault
) -> None:
    store = Store(f"sqlite+aiosqlite:///{tmp_path / 'source.db'}", vault)
    await store.migrate()
    assert await store.record(execution(), by="p", until=SOON)
    await store.close()
    seen = _seen("kill", tmp_path)
    assert {one["name"] for one in seen} == set(MAKERS)
    for _, group in groupby(seen, key=lambda one: one["name"]):
        tries = list(group)
        whole = tries[-1]["killed"]  # of the one that was not killed
        assert [one["code"] for one in tries] == [-signal.SIGKILL] * (len(tries) - 1) + [0]
        assert whole > 0
        assert {one["killed"] for one in tries} == {-1, whole}
        assert [one["next"] for one in tries if one["next"] not in (None, [0, whole])] == []


def test_of_two_who_make_it_at_once_one_wins(tmp_path: Path) -> None:
    seen = _seen("meet", tmp_path)
    assert len(seen) > 5
    for one in seen:
        assert sorted(one["codes"]) == [0, 3], one
        assert one["held"] == ("one" if one["codes"][0] == 0 else "two")
        assert one["left"] == 1  # no draft, no lock
