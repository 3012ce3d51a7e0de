"""From what Slack delivers to the words that a person meant.

Undoes Slack's escaping and auto-links, typographic quotes and dashes, non-breaking spaces and
full-width characters, then splits into words. Pure; takes any text at all.
"""

import html
import re

# Slack writes links and mentions as <target|label>; docs: "Formatting text for app surfaces".
_LINK = re.compile(r"<([@#!]?)([^<>|]*)(?:\|([^<>]*))?>")
_QUOTES = str.maketrans(
    {
        "“": '"', "”": '"', "„": '"', "‟": '"', "「": '"', "」": '"', "«": '"', "»": '"',
        "‘": "'", "’": "'", "‚": "'", "‛": "'",
        "\u200b": None, "\u200c": None, "\u200d": None, "\u2060": None, "\ufeff": None,
        "，": ",", "。": ".", "、": ",",
    }
    | {code: chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)}
)  # fmt: skip
# One or two of any dash; before a digit a plain one is a minus.
_DASHES = re.compile(r"^[—–―−]{1,2}-?|^--?(?=[^\W\d])")
# An apostrophe inside a word opens no quote and closes none: Ada's, 'Ada's box'.
_SINGLE = r"(?<!\w)'((?:[^']|(?<=\w)'(?=\w))*)'(?!\w)"
_WORD = re.compile(rf"""(?:"[^"]*"|{_SINGLE}|[^\s"']|["'])+""")
_PLAIN = re.compile(r"[\w.,@:/+$*=-]+")
_QUOTED = re.compile(rf""""([^"]*)"|{_SINGLE}""")


def clean(text: str) -> str:
    """The text as the person meant it, on one line."""
    text = _LINK.sub(_unlink, text)
    text = html.unescape(text).translate(_QUOTES)
    return "".join(" " if char.isspace() or not char.isprintable() else char for char in text)


def _unlink(match: re.Match[str]) -> str:
    sigil, target, label = match.groups()
    if sigil == "@":
        return f"@{target}"
    if sigil == "#":
        return f"#{target}"
    if sigil == "!":
        return f"@{target.split('^')[0]}"
    return label or target.removeprefix("mailto:")


def words(text: str) -> list[str]:
    """Split cleaned text into words; quotes hold a word together, unbalanced ones are literal."""
    found = (match[0] for match in _WORD.finditer(text))
    return [_QUOTED.sub(lambda m: m[1] or m[2] or "", word) for word in found]


def option_name(word: str) -> str | None:
    """`--force`, `-force`, `—force` → `force`; None for a word that is no option."""
    shortened = _DASHES.sub("", word)
    return shortened if shortened != word and shortened else None


def quoted(text: str) -> str:
    """The text as one word that `words` reads back as it is."""
    if _PLAIN.fullmatch(text):
        return text
    pieces = re.findall(r'"+|[^"]+', text)
    return "".join(f"'{p}'" if p[0] == '"' else f'"{p}"' for p in pieces) or '""'
