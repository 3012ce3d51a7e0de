"""A row of a table, pasted back: what stands in its cells.

Slack and browsers copy a table with a tab between cells and a line for each row; a client that
draws cells below each other copies each as a line of its own. Nobody types a tab. Pure.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from bot.folding import fold
from bot.language.text import LINE_END, TAB, Word

_MOST_BESIDE = 4  # cells of a row beside the first; no list has more columns
# The titles of the columns of all lists, in both languages, folded.
TITLES = frozenset(
    {"snapshot", "status", "taken", "description", "disk", "size", "file", "network", "image"}
    | {"address range", "machines", "alias", "stands for", "machine", "address", "system", "id"}
    | {"uuid", "rental", "node", "person", "percentage", "in usd", "in dbc", "usd", "dbc"}
    | {
        "快照",
        "状态",
        "创建时间",
        "描述",
        "磁盘",
        "大小",
        "文件",
        "内网",
        "地址段",
        "虚拟机",
        "镜像",
    }
    | {"别名", "代表", "地址", "系统", "租用订单", "节点", "成员", "占比"}
)

_Cell = Sequence[str]


@dataclass(frozen=True)
class PastedRow:
    """The words up to the end of the first cell, what was typed before it included; the others."""

    begin: _Cell
    beside: Sequence[_Cell]
    has_tabs: bool


def rows_in(words: Sequence[str]) -> Iterator[PastedRow]:
    """The ways to read words as the one row of a table; none where they have several rows."""
    if any(_after(word) == TAB for word in words):
        yield from _with_tabs(words)
        return
    lines = _without_titles(_split(words, {LINE_END}))
    for at in range(max(0, len(lines) - 1 - _MOST_BESIDE), len(lines) - 1):
        yield PastedRow(_joined(lines[: at + 1]), lines[at + 1 :], has_tabs=False)


def begins_with_title(word: str) -> bool:
    """Whether a word is the title of a column in a pasted table, not the option of that name."""
    return bool(_after(word)) and _is_title([word])


def _with_tabs(words: Sequence[str]) -> Iterator[PastedRow]:
    typed: list[str] = []
    rows: list[list[list[str]]] = []
    for line in _split(words, {LINE_END}):
        cells = _split(line, {TAB})
        if len(cells) > 1:
            rest = _without_titles(cells)
            typed += rest[0] if len(rest) == 1 else []
            rows += [rest] if len(rest) > 1 else []
        elif rows:
            return  # something is said below the table
        else:
            typed += line
    if len(rows) == 1:
        [[first, *beside]] = rows
        yield PastedRow([*typed, *first], beside, has_tabs=True)


def _without_titles(cells: list[list[str]]) -> list[list[str]]:
    """The cells behind the titles of a table; what stands before these belongs to the first."""
    for at, cell in enumerate(cells[:-1]):
        if not _is_title(cell[-1:]) or not _is_title(cells[at + 1]):
            continue
        end = next((n for n in range(at + 1, len(cells)) if not _is_title(cells[n])), len(cells))
        before = _joined(cells[:at]) + cell[:-1]
        behind = cells[end:]
        return [before + behind[0], *behind[1:]] if behind else [before]
    return cells


def _is_title(cell: _Cell) -> bool:
    return fold(" ".join(cell)) in TITLES


def _joined(cells: Iterable[_Cell]) -> list[str]:
    return [word for cell in cells for word in cell]


def _split(words: Sequence[str], at: set[str]) -> list[list[str]]:
    parts: list[list[str]] = []
    for word in words:
        if not parts or _after(word) in at:
            parts.append([])
        parts[-1].append(word)
    return parts


def _after(word: str) -> str:
    return word.after if isinstance(word, Word) else ""
