"""Makers of files where links are refused, killed or stopped at each line: a process of its own.

`python -m tests.without_links kill|meet DIRECTORY` prints what was seen, as JSON.
"""

import errno
import json
import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from bot.cli.audit import audit
from bot.errors import BotError
from storage.backup import back_up
from storage.file import give_name, prepare
from storage.vault import Vault

ROOT = Path(__file__).parents[1]
_OURS = {str(ROOT / name) for name in ("storage/file.py", "storage/vault.py")}
_WON, _LOST = 0, 3


def _refuse(*_: object, **__: object) -> NoReturn:
    raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))


def _back_up(file: Path) -> None:
    with suppress(BotError):  # it is there
        back_up(file.with_name("source.db"), file)


def _export(file: Path) -> None:
    with suppress(SystemExit):
        source = str(file.with_name("source.db"))
        audit(["export", "--database", source, "--output", str(file)])


MAKERS: dict[str, Callable[[Path], object]] = {
    "credential.key": Vault.from_file,
    "bot.db": prepare,
    "copy.db": _back_up,
    "audit.jsonl": _export,
}


def _child(act: Callable[[], object], line: int = 0, number: int = 0) -> int:
    """A process that does it and is sent a signal at that line of ours; its id."""
    pid = os.fork()
    if pid:
        return pid
    left = line

    def local(_frame: FrameType, event: str, _arg: object) -> Any:
        nonlocal left
        left -= event == "line"
        if event == "line" and left == 0:
            os.kill(os.getpid(), number)
        return local

    if line:
        sys.settrace(lambda frame, *_: local if frame.f_code.co_filename in _OURS else None)
    code = 1
    try:
        act()
        code = _WON
    except FileExistsError:
        code = _LOST
    finally:
        if code == 1:
            traceback.print_exc()
        os._exit(code)


def _code(pid: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def _size(file: Path) -> int:
    return file.stat().st_size if file.exists() else -1


def kill(directory: Path) -> Iterator[Any]:
    """Of each maker and line: the file's size after the kill there, and after a next start.

    What is left is started on once, where several kills leave the same.
    """
    for name, make in MAKERS.items():
        file = directory / name
        lock = file.with_name(f".{name}.lock")
        line, code, known = 0, -signal.SIGKILL, set()
        while code == -signal.SIGKILL:
            line += 1
            code = _code(_child(partial(make, file), line, signal.SIGKILL))
            left = _size(file), lock.exists()
            then = None if left in known else [_code(_child(partial(make, file))), _size(file)]
            known.add(left)
            yield {"name": name, "code": code, "killed": left[0], "next": then}
            file.unlink(missing_ok=True)
            lock.unlink(missing_ok=True)


def meet(directory: Path) -> Iterator[Any]:
    """Of each line at which a maker stands still while another comes: who won, and the file."""
    file = directory / "both"
    line, stopped = 0, True
    while stopped:
        line += 1
        one = _child(partial(_give, file, "one"), line, signal.SIGSTOP)
        stopped = os.WIFSTOPPED(os.waitpid(one, os.WUNTRACED)[1])
        if not stopped:
            break
        told, tell = os.pipe()
        two = _child(partial(_give, file, "two", tell))
        os.close(tell)
        os.read(told, 1)  # it waits for the other one's lock now, or has ended
        os.close(told)
        os.kill(one, signal.SIGCONT)
        codes = [_code(one), _code(two)]
        yield {"codes": codes, "held": file.read_text(), "left": len(list(directory.iterdir()))}
        file.unlink()


def _give(file: Path, content: str, tell: int | None = None) -> None:
    draft = file.with_name(f".{content}")
    draft.write_text(content)

    def hook(event: str, _: object) -> None:
        if event == "fcntl.flock" and tell is not None:
            os.write(tell, b".")

    sys.addaudithook(hook)
    try:
        give_name(draft, file)
    finally:
        draft.unlink(missing_ok=True)


if __name__ == "__main__":
    os.link = _refuse
    seen = {"kill": kill, "meet": meet}[sys.argv[1]](Path(sys.argv[2]))
    sys.stdout.write(json.dumps(list(seen)))
