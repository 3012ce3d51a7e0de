"""The audit's hash chain: what a row's hash covers, and how to find what was tampered with.

Pure. Each row carries the hash of the one before it, so nothing can be changed, removed or put in
between without every later hash being made anew (docs/audit.md).
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from json.encoder import encode_basestring_ascii
from operator import itemgetter
from typing import Any

from bot.model import AuditHead, AuditKind

GENESIS = "0" * 64  # what the first row gives as the hash before it

_canonical = json.JSONEncoder(sort_keys=True, separators=(",", ":"), default=repr).encode


@dataclass(frozen=True, slots=True)
class Fault:
    """The first row that is not as it was written, or is not there."""

    seq: int
    sentence: str
    is_of_head: bool = False  # the rows that are there fit each other, but not the head given


def canonical(value: Any) -> str:
    """JSON with one spelling: keys sorted, no spaces, ASCII only.

    What is no JSON (bytes, put into a column by force) gets a spelling that nothing else has.
    """
    return _canonical(value)


# What a row consists of as it was written, and how JSON spells it: ten million values an audit.
_SPELLED: Mapping[type, Callable[[Any], str]] = {str: encode_basestring_ascii, int: repr}


def hash_of(row: Mapping[str, Any]) -> str:
    """SHA-256 of a row's every column but the hash itself, in hexadecimal digits."""
    spelling, values = _spelling(tuple(row))
    try:
        content = spelling % tuple([_SPELLED[type(value)](value) for value in values(row)])
    except KeyError:  # put there by force
        content = canonical({name: value for name, value in row.items() if name != "hash"})
    return hashlib.sha256(content.encode()).hexdigest()


@lru_cache
def _spelling(names: tuple[str, ...]) -> tuple[str, Callable[[Mapping[str, Any]], tuple[Any, ...]]]:
    """What `canonical` makes of a row with these columns, and how to get its values in order."""
    hashed = sorted(name for name in names if name != "hash")
    members = ",".join(f"{encode_basestring_ascii(name)}:%s" for name in hashed)
    return f"{{{members}}}", itemgetter(*hashed)


class Verification:
    """Goes through the rows in order, in as many steps as there are."""

    def __init__(self, head: AuditHead | None = None) -> None:
        self._known = head
        self._restored = ""  # what the newest row says that tells of a backup put back
        self.last = AuditHead(0, GENESIS)

    def go_on(self, rows: Iterable[Mapping[str, Any]]) -> Fault | None:
        """Look at the next rows; the first fault, if there is one."""
        for row in rows:
            if fault := self._look_at(row):
                return fault
        return None

    def finish(self) -> Fault | None:
        """After the last row: whether the end is where the known head says it is at least."""
        if self._known is not None and self.last.seq < self._known.seq:
            missing = self.last.seq + 1
            told = (
                f"Row {missing} and all after it were cut off, row {self._known.seq} of the given "
                f"head among them, or that head is of another audit.{self._restored}"
            )
            return Fault(missing, told)
        return None

    def _look_at(self, row: Mapping[str, Any]) -> Fault | None:
        seq, last = row["seq"], self.last
        if seq != last.seq + 1:
            missing = last.seq + 1
            found = f"after row {last.seq} comes {seq}" if last.seq else f"the first is {seq}"
            return Fault(missing, f"Row {missing} was removed: {found}.")
        if hash_of(row) != row["hash"]:
            return Fault(seq, f"Row {seq} was altered: its hash is not that of its content.")
        if row["prev_hash"] != last.hash:
            altered = max(last.seq, 1)
            return Fault(altered, f"Row {altered} was altered: row {seq} follows on another.")
        self.last = AuditHead(seq, row["hash"])
        if row.get("kind") == AuditKind.RESTORED:
            self._restored = _restored(row)
        if self._known is not None and self._known.seq == seq and self._known.hash != row["hash"]:
            told = (
                f"Row {seq} is not the one of the given head: it, or any before it, was altered, "
                f"or that head is of another audit.{self._restored}"
            )
            return Fault(seq, told, is_of_head=True)
        return None


def _restored(row: Mapping[str, Any]) -> str:
    """What such a row means for a head that was told before it."""
    try:
        details = json.loads(row["details"])
        file, head = details.get("file", ""), details.get("head", "")
    except (AttributeError, KeyError, TypeError, ValueError):  # put there by force
        file = head = ""
    which = f" {file}" if file else ""
    until = f", whose head was {head}" if head else ""
    return (
        f" Row {row['seq']} says that the backup{which} was put back{until}: what was written "
        "after that backup was made is in the former database alone, and its heads fit only that."
    )
