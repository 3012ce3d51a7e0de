"""The ways in which programs write a text into others: quoted, escaped, encoded, coloured."""

import base64
import json
from collections.abc import Callable, Mapping
from urllib.parse import quote

SPELLINGS: Mapping[str, Callable[[str], str]] = {
    "plain": str,
    "quoted": lambda text: f"'{text}'",
    "json": lambda text: json.dumps(text).replace('"', "'"),
    "unicode": lambda text: "".join(f"\\u{ord(char):04x}" for char in text),
    "url": lambda text: quote(text, safe=""),
    "twice": lambda text: quote(quote(text, safe=""), safe=""),
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "hex": lambda text: text.encode().hex(),
    "ansi": "\x1b[1m".join,
    "upper": str.upper,
}
