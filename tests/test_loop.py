"""The loop that the bot runs on ends with it, whatever still goes on there."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
DEAF = """
import asyncio
from bot import loop

async def deaf():
    while True:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            pass

async def work():
    global kept
    kept = asyncio.create_task(deaf(), name="deaf")
    await asyncio.sleep(0)
    return "done"

print(loop.run(work()))
"""


def test_a_task_that_goes_on_although_cancelled_keeps_no_process() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", DEAF], cwd=ROOT, capture_output=True, text=True, timeout=60,
        check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    assert "done" in ended.stdout
    assert "tasks_cut_off" in ended.stdout
    assert "deaf" in ended.stdout
