"""JSON as the daemon's parser (RapidJSON) reads it, with its errors and byte offsets.

Python's parser does the work; where it refuses or cannot say why, the slow one below decides.
Knows nothing of HTTP.
"""

import json
import math
import re
from typing import Any

# Recursion kills the real daemon between 20,000 (measured: fine) and 200,000 (measured: dead).
DEADLY_DEPTH = 100_000

_NUMBER = re.compile(rb"-?(?:0|[1-9]\d*)(\.\d*)?([eE][+-]?\d*)?")
_LITERALS: dict[bytes, Any] = {b"true": True, b"false": False, b"null": None}
_ESCAPES = frozenset(b'"\\/bfnrtu')
_SPACE = b" \t\r\n"


class ParseError(ValueError):
    """A text that is no JSON: RapidJSON's words and the byte offset."""

    def __init__(self, words: str, offset: int) -> None:
        super().__init__(f"{words}({offset})")
        self.words = words
        self.offset = offset


class StackExhausted(Exception):
    """Nesting so deep that the real parser's recursion kills its process."""


def loads(body: bytes) -> Any:
    """Parse up to the first NUL byte; of a repeated member the first counts.

    Raises ParseError, or StackExhausted where the real process would die.
    """
    text = body.split(b"\0", 1)[0]
    try:
        return json.loads(
            text.decode("utf-8", "surrogateescape"),
            parse_constant=_refuse,
            parse_float=_finite,
            object_pairs_hook=_first_wins,
        )
    except (ValueError, RecursionError):
        return _Reader(text).document()


def is_json(text: str) -> bool:
    """Whether the front, checking a node's reply, finds that it parses."""
    try:
        loads(text.encode("utf-8", "surrogateescape"))
    except ParseError:
        return False
    return True


def _refuse(_: str) -> Any:
    raise ValueError


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError
    return number


def _first_wins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        found.setdefault(name, value)
    return found


class _Reader:
    """A parser without recursion that stops where RapidJSON stops."""

    def __init__(self, text: bytes) -> None:
        self._text = text
        self._at = 0

    def document(self) -> Any:
        """The whole text's value."""
        self._skip()
        if not self._peek():
            raise ParseError("The document is empty.", self._at)
        value = self._value()
        self._skip()
        if self._peek():
            raise ParseError("The document root must not be followed by other values.", self._at)
        return value

    def _value(self) -> Any:
        stack: list[Any] = []
        names: list[str] = []
        while True:
            value, opened = self._scalar_or_open(stack, names)
            if opened:
                continue
            while stack:
                closed = self._attach(stack, names, value)
                if not closed:
                    break
                value = stack.pop()
                if isinstance(value, dict):
                    names.pop()
            else:
                return value

    def _scalar_or_open(self, stack: list[Any], names: list[str]) -> tuple[Any, bool]:
        """Read a scalar or an empty container, or step into a container."""
        self._skip()
        char = self._peek()
        if char == b"{":
            self._at += 1
            self._skip()
            if self._peek() == b"}":
                self._at += 1
                return {}, False
            names.append(self._name())
            return self._open(stack, {})
        if char == b"[":
            self._at += 1
            self._skip()
            if self._peek() == b"]":
                self._at += 1
                return [], False
            return self._open(stack, [])
        return self._scalar(char), False

    @staticmethod
    def _open(stack: list[Any], container: Any) -> tuple[Any, bool]:
        stack.append(container)
        if len(stack) > DEADLY_DEPTH:
            raise StackExhausted
        return None, True

    def _attach(self, stack: list[Any], names: list[str], value: Any) -> bool:
        """Put a finished value into the innermost container; say whether that is closed by now."""
        container = stack[-1]
        self._skip()
        char = self._peek()
        if isinstance(container, dict):
            container.setdefault(names[-1], value)
            if char == b",":
                self._at += 1
                self._skip()
                names[-1] = self._name()
                return False
            if char != b"}":
                raise ParseError("Missing a comma or } after an object member.", self._at)
        else:
            container.append(value)
            if char == b",":
                self._at += 1
                return False
            if char != b"]":
                raise ParseError("Missing a comma or ] after an array element.", self._at)
        self._at += 1
        return True

    def _name(self) -> str:
        if self._peek() != b'"':
            raise ParseError("Missing a name for object member.", self._at)
        name = self._string()
        self._skip()
        if self._peek() != b":":
            raise ParseError("Missing a colon after a name of object member.", self._at)
        self._at += 1
        return name

    def _scalar(self, char: bytes) -> Any:
        if char == b'"':
            return self._string()
        for literal, value in _LITERALS.items():
            if char == literal[:1]:
                return self._literal(literal, value)
        return self._number()

    def _literal(self, literal: bytes, value: Any) -> Any:
        for expected in literal:
            if self._at >= len(self._text) or self._text[self._at] != expected:
                raise ParseError("Invalid value.", self._at)
            self._at += 1
        return value

    def _number(self) -> float | int:
        match = _NUMBER.match(self._text, self._at)
        if match is None or not match[0].strip(b"-"):
            raise ParseError("Invalid value.", self._at + (self._peek() == b"-"))
        if match[1] == b".":
            raise ParseError("Miss fraction part in number.", match.end(1))
        if match[2] is not None and not match[2][-1:].isdigit():
            raise ParseError("Miss exponent in number.", match.end())
        start, self._at = self._at, match.end()
        if match[1] is None and match[2] is None:
            return int(match[0])
        number = float(match[0])
        if math.isinf(number):
            raise ParseError("Number too big to be stored in double.", start)
        return number

    def _string(self) -> str:
        start = self._at
        at = start + 1
        text = self._text
        while at < len(text) and text[at] != 0x22:
            if text[at] == 0x5C:
                if at + 1 >= len(text) or text[at + 1] not in _ESCAPES:
                    raise ParseError("Invalid escape character in string.", at)
                if text[at + 1] == 0x75 and not re.match(rb"[0-9a-fA-F]{4}", text[at + 2 : at + 6]):
                    raise ParseError("Incorrect hex digit after \\u escape in string.", at)
                at += 1
            elif text[at] < 0x20:
                raise ParseError("Invalid encoding in string.", at)
            at += 1
        if at >= len(text):
            raise ParseError("Missing a closing quotation mark in string.", len(text))
        self._at = at + 1
        found: str = json.loads(text[start : self._at].decode("utf-8", "surrogateescape"))
        return found

    def _skip(self) -> None:
        while self._at < len(self._text) and self._text[self._at] in _SPACE:
            self._at += 1

    def _peek(self) -> bytes:
        return self._text[self._at : self._at + 1]
