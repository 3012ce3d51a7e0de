"""Slack's `table` block: a list in columns, where the workspace takes it.

Limits and places: docs.slack.dev, "Table block" (100 rows with the head, 20 columns, 10,000
characters in all cells, messages only) and "only one table allowed" in a message.
"""

from collections.abc import Awaitable, Callable, Iterable
from datetime import timedelta
from typing import Protocol, TypeVar

import structlog

from bot.ports import DeliveryFailed
from bot.reply import Line, Part, Rows, line, plain
from handlers.mrkdwn import rich_elements
from handlers.payloads import Json
from handlers.rendered import Rendered

_ROWS, _COLUMNS, _CHARACTERS = 100, 20, 10_000
# Refused in a row: what Slack takes of none is the workspace's, of one alone it may be that one's.
_ENOUGH = 2
# Slack takes new blocks workspace by workspace: what it refuses today it may take tomorrow.
_REMEMBERED = timedelta(days=1)
INVALID_BLOCKS = "invalid_blocks"
# The last is its word for a second table in a message.
_OF_BLOCKS = frozenset({INVALID_BLOCKS, "invalid_blocks_format", "invalid_attachments"})

T = TypeVar("T")

log = structlog.get_logger()


def tabled(parts: Iterable[Part]) -> Rows | None:
    """The list that is shown as a table: the only one with columns, where no row has a menu."""
    lists = [part for part in parts if isinstance(part, Rows) and part.columns and part.rows]
    if len(lists) != 1:  # side by side they should look alike, and Slack takes one table
        return None
    rows, width = lists[0].rows, len(lists[0].columns)
    is_table = all(len(row.cells) == width and not row.menu for row in rows)
    if not is_table or len(rows) >= _ROWS or width > _COLUMNS:
        return None
    cells = (
        *(line(column.title) for column in lists[0].columns),
        *(c for r in rows for c in r.cells),
    )
    return lists[0] if sum(len(plain(cell)) for cell in cells) <= _CHARACTERS else None


def table(part: Rows) -> Json:
    """The list as a table block, below its titles; its head is not in it."""
    titles = [_raw(plain(line(column.title))) for column in part.columns]
    return {
        "type": "table",
        "rows": [titles, *([_cell(cell) for cell in row.cells] for row in part.rows)],
        "column_settings": [
            {"align": "right" if column.is_number else "left", "is_wrapped": column.is_long}
            for column in part.columns
        ],
    }


def _cell(text: Line) -> Json:
    if all(isinstance(piece, str) for piece in text):
        return _raw("".join(str(piece) for piece in text))
    section = {"type": "rich_text_section", "elements": [*rich_elements(text)]}
    return {"type": "rich_text", "elements": [section]}


def _raw(text: str) -> Json:
    return {"type": "raw_text", "text": text.strip() or "–"}


class Rendering(Protocol):
    """Gives a message with its list as a table, or as lines."""

    def __call__(self, *, tables: bool) -> Rendered:
        """The message."""


class Tables:
    """Whether the workspace of a connection takes tables, as far as is known here.

    `wanted`: whether the settings let them be sent at all.
    """

    def __init__(self, now: Callable[[], timedelta], *, wanted: bool) -> None:
        self._now = now
        self._wanted = wanted
        self._refused_at: timedelta | None = None
        self._refusals = 0  # since one was taken

    @property
    def are_taken(self) -> bool:
        """Whether to try one: it is wanted, and they were not refused again and again today."""
        refused = self._refused_at
        return self._wanted and (refused is None or self._now() - refused >= _REMEMBERED)

    async def sent(
        self,
        rendered: Rendering,
        send: Callable[[Rendered], Awaitable[T]],
        *,
        may_try: bool = True,
    ) -> T:
        """Send a message; with its table as lines once more where Slack refuses that.

        Nothing else differs between the two: where Slack takes the second, it was the table that it
        refused. Where it refuses a second table as well, none is sent for a day. Not `may_try`:
        nothing can be sent a second time. Raises DeliveryFailed.
        """
        message = rendered(tables=may_try and self.are_taken)
        try:
            answer = await send(message)
        except DeliveryFailed as refused:
            if not message.has_table or refused.reason not in _OF_BLOCKS:
                raise
            reason = refused.reason
        else:
            self._refusals = 0 if message.has_table else self._refusals
            return answer
        answer = await send(rendered(tables=False))
        self._refusals += 1
        if self._refusals >= _ENOUGH:
            self._refused_at = self._now()
            log.info("slack.takes_no_tables", reason=reason, for_hours=24)
        return answer
