"""A row that is shown again and again is measured once, however many others are shown."""

import pytest

from bot.reply import Button, Para, Reply, Row, Rows, line
from handlers import render


def test_a_row_is_measured_once_again_after_many_others(monkeypatch: pytest.MonkeyPatch) -> None:
    measured: list[object] = []
    encode = render._json

    def counted(block: object) -> str:
        measured.append(block)
        return encode(block)

    monkeypatch.setattr(render, "_json", counted)
    menu = (Button("Go", "vm.start", "1"),)
    long = "word " * 2_000  # some blocks for each row
    lists = [
        Rows(tuple(Row(line(f"{n} {m} {long}"), {}, menu) for m in range(9))) for n in range(50)
    ]
    first = Reply("s", (Para(line("head")), lists[0]))
    render.message(first)
    for one in lists[1:]:
        render.message(Reply("s", (one,)))
    render.message(first)
    measured.clear()
    render.message(first)
    assert len(measured) <= 3
