"""Which disks and snapshots a machine has, as a fact that a review shows and compares. Pure.

A name and a size may be another one's by the time of the run: what a node gives to tell one from
another (a file, a time) is compared as well, and shown only where it differs.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from bot.dbc.models import Snapshot, TaskDisk


@dataclass(frozen=True, slots=True)
class _Part:
    name: str
    more: str
    marks: tuple[str, ...]

    @property
    def shown(self) -> str:
        return f"{self.name} {self.more}".strip()


def disks_told(disks: Iterable[TaskDisk]) -> str:
    """The fact of a machine's disks."""
    return _told(_Part(disk.name, str(disk.size), (disk.file,)) for disk in disks)


def snapshots_told(snapshots: Iterable[Snapshot]) -> str:
    """The fact of a machine's snapshots; names may repeat."""
    return _told(_Part(one.name, "", (one.create_time, one.file)) for one in snapshots)


def said_parts(text: str) -> str:
    """`vda 350G, vdb 100G`."""
    return ", ".join(part.shown for part in _read(text))


def other_disks(shown: str, now: str) -> str:
    """Which disks are not those that were shown, under the same names and sizes."""
    return _others(shown, now, "disk", (_file,))


def other_snapshots(shown: str, now: str) -> str:
    """Which snapshots are not those that were shown, under the same names."""
    return _others(shown, now, "snapshot", (_taken, _file))


def _told(parts: Iterable[_Part]) -> str:
    return "\n".join("\t".join((part.name, part.more, *part.marks)) for part in parts)


def _read(text: str) -> Sequence[_Part]:
    """The parts of a text; one of a former version has a single part that is all of it."""
    parts = []
    for one in text.splitlines():
        name, *rest = one.split("\t")
        parts.append(_Part(name, "".join(rest[:1]), tuple(rest[1:])))
    return parts


def _others(shown: str, now: str, kind: str, differ: Sequence[Callable[[str, str], str]]) -> str:
    """Nothing where names or sizes differ: those say it themselves.

    A former version kept these alone.
    """
    then, present = _read(shown), _read(now)
    if said_parts(shown) != said_parts(now):
        return ""
    unmarked = f"which {kind}s they are was not shown"
    if len(then) != len(present):
        return unmarked
    told = []
    for old, new in zip(then, present, strict=True):
        found = [
            say(mark, was)
            for say, mark, was in zip(differ, new.marks, old.marks, strict=False)
            if mark != was
        ]
        if found:
            told.append(f"{kind} {new.name} is another one now: {found[0]}")
    return "; ".join(told) or unmarked


def _file(now: str, was: str) -> str:
    short = [path.rpartition("/")[2] for path in (now, was)]
    now, was = short if short[0] != short[1] else (now, was)
    return f"its file is {now or 'not told'}, not {was or 'untold'}"


def _taken(now: str, was: str) -> str:
    return f"it was taken at {now or 'an untold time'}, not {was or 'an untold one'}"
