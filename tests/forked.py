"""The bot in processes of their own that need not import anything any more.

A start of Python with all that the bot is made of costs nearly two seconds of a processor. Here it
is made once: a process imports the bot, and waits; each start is a fork of it, with an environment,
a directory and files of its own. It is killed, stopped and waited for like any other process.
"""

import asyncio
import codecs
import gc
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import NoReturn

from tests import janitor

ROOT = Path(__file__).parents[1]
_LENGTH = 8  # bytes that say how long a request is
_FILES = 4  # of a request: whom to tell, standard input, output, error


class Forked:
    """A bot that runs, or has ended."""

    def __init__(self, told: socket.socket) -> None:
        self._told = told
        self.pid = int(_line(told))
        self.returncode: int | None = None

    async def wait(self) -> int:
        """Its exit code once it has ended; of a signal, as a negative number."""
        if self.returncode is None:
            loop = asyncio.get_running_loop()
            self._told.setblocking(False)
            self._ended(await loop.sock_recv(self._told, 16))
        assert self.returncode is not None
        return self.returncode

    def wait_here(self, within: float) -> int:
        """The same, where there is nothing else to do meanwhile."""
        self._told.settimeout(within)
        self._ended(self._told.recv(16))
        assert self.returncode is not None
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send it a signal, unless it has ended."""
        if self.returncode is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill(self) -> None:
        """End it at once."""
        self.send_signal(signal.SIGKILL)

    def _ended(self, code: bytes) -> None:
        self.returncode = int(code)
        self._told.close()


def start(
    words: Sequence[str],
    env: Mapping[str, str],
    cwd: Path,
    stdout: int,
    stderr: int,
    *,
    account: int | None = None,
    strict: bool = False,
) -> Forked:
    """`python -m bot` with these words, environment and files, and with no more than these rights.

    `strict`: in Python's development mode, which says what was left open.
    """
    ours, theirs = socket.socketpair()
    request = json.dumps([list(words), dict(env), str(cwd), account]).encode()
    with theirs, Path(os.devnull).open("rb") as nothing:
        files = [theirs.fileno(), nothing.fileno(), stdout, stderr]
        channel = _imported(strict=strict)
        socket.send_fds(channel, [len(request).to_bytes(_LENGTH)], files)
        channel.sendall(request)
        return Forked(ours)


def run(
    words: Sequence[str],
    env: Mapping[str, str],
    cwd: Path,
    within: float = 60,
    *,
    account: int | None = None,
) -> subprocess.CompletedProcess[str]:
    """`python -m bot` to its end, with all that it prints."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        process = start(words, env, cwd, out.fileno(), err.fileno(), account=account)
        try:
            code = process.wait_here(within)
        except TimeoutError:
            process.kill()
            process.wait_here(within)
            raise
        out.seek(0)
        err.seek(0)
        return subprocess.CompletedProcess(words, code, out.read().decode(), err.read().decode())


@cache
def _imported(*, strict: bool) -> socket.socket:
    """The process that is forked, to be told what to start. It ends with this one."""
    ours, theirs = socket.socketpair()
    mode = ["-X", "dev", "-W", "ignore::DeprecationWarning"] if strict else []
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    os.posix_spawn(
        sys.executable,
        [sys.executable, *mode, "-m", "tests.forked"],
        {**kept, **janitor.inherited(), "PYTHONPATH": str(ROOT)},
        file_actions=[
            (os.POSIX_SPAWN_DUP2, theirs.fileno(), 0),
            (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
            (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
        ],
        setsid=True,  # Ctrl-C is not for it
    )
    theirs.close()
    return ours


# In the process that is forked


def _serve() -> None:
    from bot.__main__ import main  # noqa: PLC0415 - who only asks for a start needs none of it

    codecs.lookup("idna")  # loaded at its first use, where an account of few rights may not read it
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those who wait for the bots
    channel = socket.socket(fileno=0)
    while True:
        length, files, _, _ = socket.recv_fds(channel, _LENGTH, _FILES)
        if not length:
            return
        words, env, cwd, account = json.loads(_exactly(channel, int.from_bytes(length)))
        if os.fork() == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            bot = os.fork()
            if bot == 0:
                channel.detach()
                _become(env, cwd, files, account)
                main(words, prog_name="python -m bot")
            _wait_for(bot, files)
        for file in files:
            os.close(file)


def _become(env: Mapping[str, str], cwd: str, files: Sequence[int], account: int | None) -> None:
    for number, file in enumerate(files[1:]):
        os.dup2(file, number)
    os.closerange(3, max(files) + 1)
    os.environ.clear()
    os.environ.update(env)
    os.chdir(cwd)
    if account is not None:
        os.setgroups([])
        os.setgid(account)
        os.setuid(account)


def _wait_for(bot: int, files: Sequence[int]) -> NoReturn:
    os.write(files[0], f"{bot}\n".encode())
    _, status = os.waitpid(bot, 0)
    with suppress(OSError):  # nobody asks any more
        os.write(files[0], str(os.waitstatus_to_exitcode(status)).encode())
    os._exit(0)


def _line(told: socket.socket) -> bytes:
    found = b""
    while not found.endswith(b"\n"):
        more = told.recv(1)
        if not more:
            raise RuntimeError("the process that is forked has ended")
        found += more
    return found


def _exactly(channel: socket.socket, length: int) -> bytes:
    found = b""
    while len(found) < length:
        found += channel.recv(length - len(found))
    return found


if __name__ == "__main__":
    _serve()
