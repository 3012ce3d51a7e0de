"""Starting the bot with settings that will not do: one clear line, no traceback."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def started(tmp_path: Path, **settings: str) -> str:
    """What `python -m bot run` prints before it gives up."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("SLACK_", "DATABASE_"))}
    environment = clean | {"PYTHONPATH": str(ROOT)} | settings
    done = subprocess.run(
        [sys.executable, "-m", "bot", "run"],
        cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    return done.stderr


def test_a_missing_token_is_named_and_where_it_comes_from(tmp_path: Path) -> None:
    told = started(tmp_path)
    assert "SLACK_BOT_TOKEN: Field required" in told
    assert ".env.example" in told


def test_a_slack_that_cannot_be_reached_is_told_apart_from_one_that_refuses(
    tmp_path: Path,
) -> None:
    told = started(
        tmp_path,
        SLACK_BOT_TOKEN="xoxb-secret",
        SLACK_APP_TOKEN="xapp-secret",
        SLACK_API_URL="http://127.0.0.1:9/api/",
        DATABASE_URL=f"sqlite+aiosqlite:///{tmp_path}/bot.db",
    )
    assert "Slack is not to be reached" in told
    assert "secret" not in told
