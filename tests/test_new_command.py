"""The example of docs/new-command.md, carried out."""

import re
from pathlib import Path

from bot.commands import node
from bot.language.table import Command, Group, Table
from bot.reply import say
from tests.language.test_catalogue import bypassing

TOLD = (Path(__file__).resolve().parents[1] / "docs" / "new-command.md").read_text(encoding="utf-8")
EXAMPLE = re.findall(r"```python\n(.*?)```", TOLD, re.DOTALL)[0]


def test_the_example_is_a_row_of_the_table() -> None:
    assert bypassing(EXAMPLE) == []
    function, row = EXAMPLE.split("\n\n\n")
    room = dict(vars(node))
    exec(function, room)
    command = eval(row, room)
    assert isinstance(command, Command)
    table = Table((Group("node", say("Nodes"), (command,)),))
    assert table.find("node", "构建") is table.find("node", "build")
