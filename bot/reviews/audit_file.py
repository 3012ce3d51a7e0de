"""Rows of the audit as people's tools read them: lines of CSV or JSON. Pure."""

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Literal

from bot.clock import UNTOLD
from bot.model import AuditRow

Form = Literal["csv", "jsonl"]

COLUMNS = (
    "seq", "at", "kind", "actor", "command", "arguments", "node", "task", "label", "execution",
    "approval", "outcome", "reason", "channel", "thread", "message", "message_channel",
    "message_ts", "details", "prev_hash", "hash",
)  # fmt: skip
_FORMULA = ("=", "+", "-", "@", "\t", "\r")

_json = json.JSONEncoder(ensure_ascii=False).encode


def head_of(form: Form) -> str:
    """What stands before the first row."""
    return csv_line(COLUMNS) if form == "csv" else ""


def lines_of(rows: Iterable[AuditRow], form: Form) -> Iterable[str]:
    """The rows, each as text that ends its line."""
    return map(as_csv if form == "csv" else as_jsonl, rows)


def record_of(row: AuditRow) -> Mapping[str, Any]:
    """A row as people's tools read it. All but the two `message_…` is what the hash covers."""
    return dict(zip(COLUMNS, _values(row), strict=True))


def as_jsonl(row: AuditRow) -> str:
    """One line of JSON Lines."""
    return _json(record_of(row)) + "\n"


def as_csv(row: AuditRow) -> str:
    """One line of CSV."""
    cells = [_json(value) if isinstance(value, dict) else str(value) for value in _values(row)]
    return csv_line(cells)


def _values(row: AuditRow) -> Sequence[Any]:
    entry = row.entry
    return (
        row.seq, _moment(entry.at), str(entry.kind),
        entry.actor, entry.command, dict(entry.arguments), entry.node, entry.task, entry.label,
        entry.execution, entry.approval, entry.outcome, entry.reason, entry.place.channel,
        entry.place.thread, entry.message, row.ref.channel if row.ref else "",
        row.ref.ts if row.ref else "", dict(entry.details), row.prev_hash, row.hash,
    )  # fmt: skip


def _moment(at: datetime) -> str:
    """The moment as the hash covers it; nothing where it cannot be read."""
    return "" if at == UNTOLD else at.astimezone(UTC).isoformat(timespec="microseconds")


def csv_line(cells: Sequence[str]) -> str:
    """One line of CSV; a cell that a spreadsheet would run as a formula begins with a quote."""
    buffer = io.StringIO()
    safe = [f"'{text}" if text.startswith(_FORMULA) else text for text in cells]
    csv.writer(buffer, lineterminator="\n").writerow(safe)
    return buffer.getvalue()
