"""What keeps the code easy to find one's way in: short files and functions, nothing that hides."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
ROOMS = ("bot", "handlers", "storage", "sandbox", "tests")
LONGEST_FILE = 500  # lines
LONGEST_FUNCTION = 50  # lines, from its `def`
# A released migration is never edited, and is one list of what the tables were.
_HISTORY = ROOT / "storage/migrations/versions"
_REASON = re.compile(r"# (?!noqa)|BLE001 - ")


@cache
def files() -> dict[str, str]:
    """The text of each file of code, by its path."""
    code = [
        file
        for room in ROOMS
        for ending in ("py", "js")
        for file in sorted((ROOT / room).rglob(f"*.{ending}"))
        if _HISTORY not in file.parents
    ]
    assert len(code) > 1000
    return {str(file.relative_to(ROOT)): file.read_text("utf-8") for file in code}


@dataclass(frozen=True, slots=True)
class Found:
    """What is looked at of all code: the lengths of its functions, and what catches everything."""

    functions: dict[str, int]
    catch_alls: list[tuple[str, ast.ExceptHandler]]


@cache
def found() -> Found:
    """Each file is read once, and its tree let go at once: all of them would be a lot to hold."""
    all_found = Found({}, [])
    for path, text in files().items():
        for node in _within(ast.parse(text)) if path.endswith(".py") else ():
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                all_found.functions[f"{path}:{node.lineno} {node.name}"] = lines
            elif isinstance(node, ast.ExceptHandler) and _catches_all(node):
                all_found.catch_alls.append((path, node))
    return all_found


def _catches_all(handler: ast.ExceptHandler) -> bool:
    """Whether it catches everything, and not only to tidy up before it passes it on."""
    caught = re.findall(r"\w+", ast.unparse(handler.type)) if handler.type else ["BaseException"]
    passes = isinstance(handler.body[-1], ast.Raise) and handler.body[-1].exc is None
    return bool({"Exception", "BaseException"} & set(caught)) and not passes


def _within(node: ast.AST) -> Iterator[ast.AST]:
    for part in ("body", "handlers", "orelse", "finalbody", "cases"):
        inner = getattr(node, part, [])
        for one in inner if isinstance(inner, list) else ():
            yield one
            yield from _within(one)


def test_no_file_is_too_long_to_be_read_at_once() -> None:
    lengths = {path: text.count("\n") for path, text in files().items()}
    assert {path: lines for path, lines in lengths.items() if lines > LONGEST_FILE} == {}


def test_no_function_is_too_long_to_be_read_at_once() -> None:
    lengths = found().functions
    assert len(lengths) > 5000
    assert {name: lines for name, lines in lengths.items() if lines > LONGEST_FUNCTION} == {}


def test_whatever_catches_everything_says_why() -> None:
    silent = []
    for path, handler in found().catch_alls:
        lines = files()[path].splitlines()[handler.lineno - 1 : handler.body[0].lineno - 1]
        if not _REASON.search("\n".join(lines)):
            silent.append(f"{path}:{handler.lineno}")
    assert silent == []


def test_nothing_keeps_what_it_does_from_being_broken_off() -> None:
    """A cancellation is no exception: what catches it as well has to pass it on."""
    caught = [
        f"{path}:{handler.lineno}"
        for path, handler in found().catch_alls
        if handler.type is None or "BaseException" in ast.unparse(handler.type)
    ]
    assert caught == []
