"""What is logged: one form for our lines and the libraries', and no secret in either."""

import json
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from bot.outlet import Outlet

ROOT = Path(__file__).parents[2]
# Lines as the bot's libraries write them, and as the bot does, with secrets wherever they may be.
LINES = """
import logging, warnings
import structlog
from bot import log

from bot.redaction import Redactor
known = Redactor()
log.configure(FORM, "info", ["s3cret-password", 's3cret"quoted'], known)
known.learn(["XYs3cret#9.."])
structlog.get_logger().info("node says", text="%58%59s3cret%239..")
logging.getLogger("slack_sdk.web.async_client").warning("sent with %s", "xoxb-s3cret-1")
logging.getLogger("slack").error({"url": "wss://x/?ticket=s3cret&app_id=1"})
try:
    raise ValueError("no way to postgresql://me:s3cret-password@db/x")
except ValueError:
    logging.getLogger("apscheduler.executors").exception("job failed")
    structlog.get_logger().exception("surprise", given={"deep": ["xapp-s3cret", 's3cret"quoted']})
logging.getLogger("aiohttp.server").info("not of interest")
structlog.get_logger().info("said", to="https://hooks.slack.com/commands/T/s3cret é")
warnings.warn("s3cret-password is old")
"""


def logged(form: str) -> list[str]:
    """The lines on standard error."""
    done = subprocess.run(
        [sys.executable, "-c", LINES.replace("FORM", repr(form))],
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    return done.stderr.splitlines()


def test_with_json_every_line_is_an_object_whoever_wrote_it() -> None:
    entries = [json.loads(line) for line in logged("json")]
    assert [entry["level"] for entry in entries] == [
        "info", "warning", "error", "error", "error", "info", "warning",
    ]  # fmt: skip
    assert all(entry["event"] and entry["timestamp"].endswith("Z") for entry in entries)
    assert [entry.get("logger", "") for entry in entries][1:4] == [
        "slack_sdk.web.async_client", "slack", "apscheduler.executors",
    ]  # fmt: skip
    assert all("Traceback" in entry["exception"] for entry in entries[3:5])


WORDS = """
import logging, structlog
from bot import log
from bot.reply import bold, line, say
log.configure(FORM, "info")
said = say("{machine} runs on {node}.", machine=bold("train"), node="gpu1")
for value in (said, bold("train"), line(said, " So."), [said], {"deep": [said]}):
    structlog.get_logger().info("said", why=value)
structlog.get_logger().info("said", shape=(1, 2))
"""


@pytest.mark.parametrize("form", ["json", "console"])
def test_words_for_people_are_logged_as_english(form: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", WORDS.replace("FORM", repr(form))],
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert done.stderr.count("train runs on gpu1.") == 4
    assert "train runs on gpu1. So." in done.stderr
    assert "Phrase" not in done.stderr
    assert "Span" not in done.stderr


@pytest.mark.parametrize("form", ["json", "console"])
def test_no_secret_is_in_any_line(form: str) -> None:
    lines = logged(form)
    assert "s3cret" not in "\n".join(lines)
    assert "******" in lines[0]
    assert "…" in lines[1]


def test_what_a_full_pipe_does_not_take_is_dropped_and_counted_once_there_is_room() -> None:
    reading, writing = os.pipe()
    outlet = Outlet(writing, "{} lost\n".format)
    os.set_blocking(writing, False)
    with suppress(BlockingIOError):
        while True:
            os.write(writing, b"x" * 4096)
    os.set_blocking(writing, True)
    for line in ("first\n", "second\n"):
        outlet.write(line)
    os.read(reading, 2**20)
    outlet.write("third\n")
    assert os.read(reading, 2**20) == b"2 lost\nthird\n"
    os.close(reading)
    outlet.write("fourth\n")  # nobody reads it any more
    os.close(writing)
    outlet.write("fifth\n")


@pytest.mark.parametrize("logger", ["structlog.get_logger()", "logging.getLogger('aiohttp')"])
def test_whoever_logs_to_a_full_disk_hears_nothing_of_it(logger: str) -> None:
    lines = f"""
import logging, structlog
from bot import log
log.configure("json", "info")
for number in range(3):
    {logger}.warning("said %s", number)
print("went on")
"""
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-c", lines],
            cwd=ROOT, stdout=subprocess.PIPE, stderr=full, text=True, timeout=60, check=True,
        )  # fmt: skip
    assert done.stdout == "went on\n"
