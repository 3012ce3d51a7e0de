"""A database as a release leaves it, with work under way: `python -m tests.release FILE.sql`.

Made once for each release and kept: a later version has to take it up where it stands.
"""

import asyncio
import sqlite3
import sys
import tempfile
from contextlib import closing
from pathlib import Path

from tests.scenarios.images import PYTORCH
from tests.scenarios.site import DELETE, site
from tests.scenarios.stage import CHANNEL

HERE = Path(__file__).parent / "releases"
KEY = "credential.key"


async def _filled(data: Path) -> None:
    """Sessions and names, something done, something pending approval, something in progress."""
    async with site(data) as stage:
        await stage.asks(stage.alice, "/dbc alias add r = vm restart $1 force")
        await stage.asks(stage.alice, "/dbc settings node=gpu1")
        await stage.alice.types(DELETE, channel=CHANNEL)
        await stage.quiet()
        await stage.alice.types(f"/dbc image download {PYTORCH} on gpu1", channel=CHANNEL)
        await stage.quiet()


def load(release: Path, data: Path) -> None:
    """Put the database of a release into the directory of a bot, with its key."""
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    first, _, script = release.read_text(encoding="utf-8").partition("\n")
    (data / KEY).write_text(first.removeprefix("-- "), encoding="ascii")
    with closing(sqlite3.connect(data / "bot.db")) as made:
        made.executescript(script)


def main() -> None:
    """Write the file."""
    with tempfile.TemporaryDirectory() as directory:
        data = Path(directory)
        asyncio.run(_filled(data))
        with closing(sqlite3.connect(data / "bot.db")) as made:
            lines = [f"-- {(data / KEY).read_text(encoding='ascii').strip()}", *made.iterdump()]
    Path(sys.argv[1]).write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
