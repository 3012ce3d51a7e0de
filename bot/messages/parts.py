"""Which disks and snapshots a machine has, as a fact that a review shows and compares. Pure.

A name and a size may be another one's by the time of the run: what a node gives to tell one from
another (a file, a time) is compared as well, and shown only where it differs.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from bot.dbc.models import Snapshot, TaskDisk
from bot.reply import Line, Phrase, Text, apart, line, listed, say

_Differ = Callable[[str, str, str], Phrase]  # of a name, what its mark is, and what it was

_UNTOLD = say("not known")


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


def said_parts(text: str) -> Line:
    """`vda 350G, vdb 100G`."""
    return listed(part.shown for part in _read(text))


def said_sizes(text: str) -> Line:
    """`100G`, where what has that size is named beside it."""
    return listed(part.more for part in _read(text))


def other_disks(shown: str, now: str) -> Line:
    """Which disks are not those that were shown, under the same names and sizes."""
    return _others(shown, now, say("which disks they are was not shown"), (_other_file_of_disk,))


def other_snapshots(shown: str, now: str) -> Line:
    """Which snapshots are not those that were shown, under the same names."""
    unmarked = say("which snapshots they are was not shown")
    return _others(shown, now, unmarked, (_taken_at_another_time, _other_file_of_snapshot))


def _told(parts: Iterable[_Part]) -> str:
    return "\n".join("\t".join((part.name, part.more, *part.marks)) for part in parts)


def _read(text: str) -> Sequence[_Part]:
    """The parts of a text; one of a former version has a single part that is all of it."""
    parts = []
    for one in text.splitlines():
        name, *rest = one.split("\t")
        parts.append(_Part(name, "".join(rest[:1]), tuple(rest[1:])))
    return parts


def _as_before(parts: Sequence[_Part]) -> str:
    """Names and sizes as a former version kept them: a single part that is all of them."""
    return "".join(part.shown.replace(", ", "") for part in parts)


def _others(shown: str, now: str, unmarked: Phrase, differ: Sequence[_Differ]) -> Line:
    """Nothing where names or sizes differ: those say it themselves.

    A former version kept these alone.
    """
    then, present = _read(shown), _read(now)
    if _as_before(then) != _as_before(present):
        return ()
    if len(then) != len(present):
        return line(unmarked)
    told = []
    for old, new in zip(then, present, strict=True):
        found = [
            tell(new.name, mark, was)
            for tell, mark, was in zip(differ, new.marks, old.marks, strict=False)
            if mark != was
        ]
        told += found[:1]
    return apart(told or [unmarked])


def _other_file_of_disk(disk: str, now: str, was: str) -> Phrase:
    file, before = _files(now, was)
    return say(
        "disk {disk} is another one now: its file is {file}, not {before}",
        disk=disk,
        file=file,
        before=before,
    )


def _other_file_of_snapshot(snapshot: str, now: str, was: str) -> Phrase:
    file, before = _files(now, was)
    return say(
        "snapshot {snapshot} is another one now: its file is {file}, not {before}",
        snapshot=snapshot,
        file=file,
        before=before,
    )


def _taken_at_another_time(snapshot: str, now: str, was: str) -> Phrase:
    return say(
        "snapshot {snapshot} is another one now: it was taken at {time}, not {before}",
        snapshot=snapshot,
        time=now or _UNTOLD,
        before=was or _UNTOLD,
    )


def _files(now: str, was: str) -> tuple[Text, Text]:
    """The two as people tell them apart."""
    short = [path.rpartition("/")[2] for path in (now, was)]
    now, was = short if short[0] != short[1] else (now, was)
    return now or _UNTOLD, was or _UNTOLD
