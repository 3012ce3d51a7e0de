"""Ends whatever a test run leaves behind, however it ended: Ctrl-C twice, `kill -9`, a crash.

`watch` starts a small process that waits for the end of this one, and then ends everything that
this one has started, also what detached itself (PostgreSQL, whose files it removes) or was started
in turn (a demo's bot, Chromium's helpers). It knows them by a mark in their environment, which only
Linux shows.
"""

import os
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

PREFIX = "DBC_TESTS_"
DATABASE = "postgres-"  # begins the name of a directory that nothing but the tests' server uses
_MARK = f"{PREFIX}RUN"
_PROCESSES = Path("/proc")
_SOFTLY = {"postgres": signal.SIGQUIT}  # else it leaves its shared memory behind
_ROUNDS = 100  # of a tenth of a second: one may start another in the last moment
_PATIENCE = 30  # rounds


def watch() -> None:
    """From now on, nothing that this process starts outlives it."""
    if not (_PROCESSES / "self/environ").exists():
        return
    mark, (reader, writer) = uuid4().hex, os.pipe()
    environment = {name: value for name, value in os.environ.items() if name != _MARK}
    os.posix_spawn(
        sys.executable,
        [sys.executable, "-I", "-S", __file__, mark],
        environment,
        file_actions=[
            (os.POSIX_SPAWN_DUP2, reader, 0),
            (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
            (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
        ],
        setsid=True,  # Ctrl-C is not for it
    )
    os.close(reader)
    # `writer` stays open, here alone, until the end of this process: the janitor reads its end.
    os.set_inheritable(writer, False)
    os.environ[_MARK] = mark


def inherited() -> dict[str, str]:
    """What belongs into the environment of a process that gets one of its own."""
    return {name: value for name, value in os.environ.items() if name.startswith(PREFIX)}


def marked(name: str, value: str) -> Iterator[tuple[int, str]]:
    """The processes with this in the environment that they were started with: id and name."""
    sought = f"{name}={value}".encode()
    for process in _PROCESSES.iterdir():
        if not process.name.isdigit():
            continue
        try:
            if sought in (process / "environ").read_bytes().split(b"\0"):
                yield int(process.name), (process / "comm").read_text().strip()
        except OSError:  # it has ended, or it is somebody else's
            continue


def works_in(pid: int) -> Path:
    """The directory that a process stands in: of PostgreSQL, that of its files."""
    return (_PROCESSES / str(pid) / "cwd").readlink()


def _end(mark: str) -> None:
    databases = set()
    for past in range(_ROUNDS):
        left = list(marked(_MARK, mark))
        if not left:
            break
        for pid, name in left:
            if name == "postgres":
                with suppress(OSError):
                    databases.add(works_in(pid))
            softly = _SOFTLY.get(name) if past < _PATIENCE else None
            with suppress(ProcessLookupError):
                os.kill(pid, softly or signal.SIGKILL)
        time.sleep(0.1)
    for directory in databases:
        if directory.name.startswith(DATABASE):
            shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    sys.stdin.buffer.read()
    _end(sys.argv[1])
