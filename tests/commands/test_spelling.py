"""A command that people are told to type is one that they can copy: `/dbc session add`."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.commands.groups import command_table
from bot.reply import Form, Note, Reply, Row, Rows, bold, code, command, line, plain, with_commands

ROOT = Path(__file__).parents[2]
FILES = sorted(path for room in ("bot", "handlers") for path in (ROOT / room).rglob("*.py"))
# “image servers” are also what they are called.
TITLES = {c.title for c in command_table() if c.group} - {"image servers"}
# Beside words: the disk list. In quotes: the name of a command, not a line to type.
_BARE = re.compile(rf"(?<!the )(?<!slash_command}} )(?<![\w“-])({'|'.join(TITLES)})(?![\w-])")
# Calls whose text is a command and nothing else, a row, or an argument with an example.
_COMMANDS = {"command", "to_type", "typed", "spoken", "Command", "Arg"}
# Where a command's words are data: patterns, the auditor's command line, what Slack itself shows
# behind the slash command.
_EXEMPT = {"cli", "error_table.py", "manifest.py"}


def _called(node: ast.AST) -> str:
    function = node.func if isinstance(node, ast.Call) else None
    return function.id if isinstance(function, ast.Name) else ""


def _texts(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """The texts that people may read: no docstrings, no commands made by `command`."""
    for node in ast.iter_child_nodes(tree):
        is_docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if is_docstring or _called(node) in _COMMANDS:
            continue
        if isinstance(node, ast.JoinedStr):
            yield node.lineno, "".join(_piece(piece) for piece in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.lineno, node.value
        else:
            yield from _texts(node)


def _piece(piece: ast.expr) -> str:
    """What is constant in an f-string; of the rest, whether it is the slash command."""
    if isinstance(piece, ast.Constant):
        return str(piece.value)
    return "slash_command}" if "slash" in ast.unparse(piece) else "{}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_text_names_a_command_without_the_slash_command(path: Path) -> None:
    if _EXEMPT & set(path.relative_to(ROOT).parts):
        return
    found = [
        f"{path.name}:{number}: {text}"
        for number, text in _texts(ast.parse(path.read_text(encoding="utf-8")))
        if _BARE.search(text)
    ]
    assert found == []


def test_a_command_is_filled_in_wherever_text_can_be() -> None:
    told = f"Add one with {command('session add')}."
    reply = Reply.of(bold("gpu1"), ": ", told).also(
        Note(line("Or ", command("node list"), ".")), Rows((Row(line(told), {"problem": told}),))
    )
    said = with_commands(reply, "/gpu")
    assert said.summary == "gpu1: Add one with /gpu session add."
    note, rows = said.parts[1:]
    assert isinstance(note, Note)
    assert isinstance(rows, Rows)
    assert note.text == ("Or ", code("/gpu node list"), ".")
    assert plain(rows.text) == "Add one with /gpu session add."
    assert rows.rows[0].data == {"problem": "Add one with /gpu session add."}
    form = Form("vm.show", "t", "s", (), errors={"vm": told})
    assert with_commands(form, "/gpu").errors == {"vm": "Add one with /gpu session add."}
    assert with_commands(told, "/gpu") == "Add one with /gpu session add."
