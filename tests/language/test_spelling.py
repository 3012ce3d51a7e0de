"""A command that people are told to type is one that they can copy: `/dbc session add`."""

import ast
import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest

from bot.commands.rows import command_table
from bot.errors import Refused, from_error
from bot.language.spelling import Spelling
from bot.reply import Form, Note, Reply, Row, Rows, code, command, dump, line, load, with_commands

GPU = Spelling(command_table(), "/gpu").of("en")
ROOT = Path(__file__).parents[2]
FILES = sorted(path for room in ("bot", "handlers") for path in (ROOT / room).rglob("*.py"))
# “image servers” are also what they are called.
TITLES = {c.title for c in command_table() if c.group} - {"image servers"}
# Beside words: the disk list. In quotes: the name of a command, not a line to type.
_BARE = re.compile(rf"(?<!the )(?<!slash_command}} )(?<![\w“-])({'|'.join(TITLES)})(?![\w-])")
# Calls whose text is a command and nothing else, a row, or an argument with an example.
_SPANS = {"command", "to_type", "typed", "spoken"}
_COMMANDS = _SPANS | {"Command", "Arg"}
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


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_command_is_never_put_into_a_text(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    inside = [
        f"{path.name}: {ast.unparse(node)}"
        for text in ast.walk(tree)
        if isinstance(text, ast.JoinedStr)
        for node in ast.walk(text)
        if _called(node) in _SPANS
    ]
    assert inside == []


def test_a_command_is_filled_in_wherever_a_line_can_be() -> None:
    told = line("Add one with ", command("session add"), ".")
    typed = line("Add one with ", code("/gpu session add"), ".")
    refused = Refused("No.", hint=told)
    reply = replace(from_error(refused), data={"problem": "vm list"})
    said = with_commands(reply.also(Rows((Row(told, {}),))), GPU)
    _, note, rows = said.parts
    assert isinstance(note, Note)
    assert isinstance(rows, Rows)
    assert note.text == typed
    assert rows.rows[0].text == typed
    assert said.fault is not None
    assert said.fault.hint == typed
    assert said.data == {"problem": "vm list"}
    form = Form("vm.show", "t", "s", (), errors={"vm": told}, kept={"reason": "vm list"})
    assert with_commands(form, GPU).errors == {"vm": typed}
    assert with_commands(form, GPU).kept == {"reason": "vm list"}
    assert load(dump(reply)) == reply


def test_a_text_is_never_taken_for_a_command() -> None:
    texts = [chr(number) for number in (0, 0x2060, 0xE000, 0xE001, 0xF8FF, 0x10FFFD)]
    for begin, end in product(texts, texts):
        reply = Reply.of(f"Use {begin}vm stop{end} instead")
        assert with_commands(reply, GPU) == reply
