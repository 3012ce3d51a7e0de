"""What people read is joined by the catalogue: languages differ in colons, commas and brackets."""

import ast
from collections.abc import Iterator
from pathlib import Path

import bot

_ROOMS = ("commands", "messages", "orders", "outages", "pipeline", "services", "watches")
_JOINS = {"line", "all_of", "any_of", "listed", "joined", "sentences", "stacked", "of", "empty"}
_BY_HAND = {":", ",", ";", "(", ")"}
# Kept for the comparison with what was shown, or for a log.
_NOT_READ = {"commands/image.py", "commands/snapshot.py"}


def test_no_line_is_joined_by_hand() -> None:
    root = Path(bot.__file__).parent
    found = [
        f"{path.relative_to(root)}:{number}"
        for room in _ROOMS
        for path in sorted((root / room).rglob("*.py"))
        for number in _by_hand(ast.parse(path.read_text()))
        if str(path.relative_to(root)) not in _NOT_READ
    ]
    assert found == []


def _by_hand(tree: ast.AST) -> Iterator[int]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        if isinstance(node.func, ast.Attribute) and node.func.attr == "join":
            by = node.func.value
            if isinstance(by, ast.Constant) and str(by.value).strip() in _BY_HAND:
                yield node.lineno
        name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        if name in _JOINS:
            given = [*node.args, *(one.value for one in node.keywords if one.arg == "by")]
            yield from (one.lineno for one in given if _is_by_hand(one))


def _is_by_hand(piece: ast.expr) -> bool:
    """Whether a piece is a sign between two others, or such a sign and what stands in brackets."""
    if isinstance(piece, ast.Constant) and isinstance(piece.value, str):
        return piece.value.strip() in _BY_HAND
    if not isinstance(piece, ast.JoinedStr):
        return False
    texts = [str(one.value) for one in piece.values if isinstance(one, ast.Constant)]
    return any(text.strip()[:1] in _BY_HAND - {""} for text in texts)
