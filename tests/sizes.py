"""Which tests are left to the large size (`make check`): those that are marked as slow."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_MARK = "pytest.mark.slow"
_TEST = re.compile(r"^ *(?:async )?def (test_\w+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Sizes:
    """The names of the tests of a file: all of them, and those that are slow."""

    all: frozenset[str]
    slow: frozenset[str]


@cache
def sizes_of(file: Path) -> Sizes:
    """What stands in a file, read and not imported."""
    text = file.read_text(encoding="utf-8")
    if _MARK not in text:
        return Sizes(frozenset(_TEST.findall(text)), frozenset())
    body = ast.parse(text).body
    found = {one.name: one for one in _functions(body) if one.name.startswith("test_")}
    if any(_MARK in ast.unparse(one.value) for one in body if isinstance(one, ast.Assign)):
        return Sizes(frozenset(found), frozenset(found))
    slow = {name for name, one in found.items() if _MARK in map(ast.unparse, one.decorator_list)}
    return Sizes(frozenset(found), frozenset(slow))


def _functions(body: list[ast.stmt]) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for one in body:
        if isinstance(one, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield one
        elif isinstance(one, ast.ClassDef):
            yield from _functions(one.body)
