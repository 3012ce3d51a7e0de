"""What a command costs: the bot alone, many commands at once, and nothing else to do."""

import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from bot.model import ExecutionStatus
from tests.benchmarks.load import Load
from tests.benchmarks.stage import ROOT, one_bot

_COUNTED = ("chat.postMessage", "chat.update", "chat.postEphemeral", "users.info")


# One person asks for all of it, more than the bot would let one person do.
_NO_LIMITS = "[limits]\nperson = 10000\nchannel = 10000\n"


@dataclass(frozen=True, slots=True)
class Cost:
    """Milliseconds of processor time per command, seconds until the last was over, Slack's calls
    per command, and seconds from the bot's start until it was ready.
    """

    processor: float
    last: float
    calls: float
    start: float


def changes(count: int = 100, tree: Path = ROOT) -> Cost:
    """So many `vm start` at once, each for a machine of its own, until the last end is told."""
    return _cost("vm start {}", count, tree, is_change=True)


def reads(count: int = 100, tree: Path = ROOT) -> Cost:
    """So many `vm show` at once, until the last is answered."""
    return _cost("vm show {}", count, tree, is_change=False)


def _cost(text: str, count: int, tree: Path, *, is_change: bool) -> Cost:
    with tempfile.TemporaryDirectory() as directory:
        data = Path(directory)
        if (tree / "bot/pipeline/limits.py").exists():  # without it, an earlier commit
            (data / "policy.toml").write_text(_NO_LIMITS)
        with one_bot(data, count, tree) as (stage, bot):
            requests = stage.each([text.format(task) for task in stage.room.tasks])
            before, told = bot.processor, stage.told()
            begun = time.perf_counter()
            with Load(stage.ports["bot"], count) as load:
                load.at_once(requests)
            if is_change:
                stage.wait_for_ends(count)
                if (ends := stage.ends()) != {ExecutionStatus.DONE: count}:
                    raise RuntimeError(f"not all were carried out: {ends}")
            else:
                stage.wait_for_answers(count)
            last, used = time.perf_counter() - begun, bot.processor - before
            after = stage.told()
            calls = sum(after.get(name, 0) - told.get(name, 0) for name in _COUNTED)
            return Cost(used * 1000 / count, last, calls / count, stage.start)
