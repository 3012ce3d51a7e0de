"""One folding of texts that people type, paste or read, for both sides of every comparison.

What a keyboard, a phone or Slack's formatting makes of a text does not change what it means: width,
case, kinds of dashes and quotes, Chinese punctuation, marks that nobody sees. Pure; takes any text.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache

_DASHES = "‐‑‒–—―−⁃﹘﹣－⸺⸻〜➖"
_SINGLE = "‘’‚‛′´ʹʻʼʽˈ‹›＇"
_DOUBLE = "“”„‟«»「」『』〝〞〟″〃＂"
SINGLE_QUOTES = f"'{_SINGLE}"
DOUBLE_QUOTES = f'"{_DOUBLE}'

_KEYS = str.maketrans(
    {
        **dict.fromkeys(_DASHES, "-"),
        **dict.fromkeys(_SINGLE, "'"),
        **dict.fromkeys(_DOUBLE, '"'),
        "。": ".", "｡": ".", "、": ",", "､": ",", "【": "[", "】": "]", "〔": "[", "〕": "]",
        "〈": "<", "〉": ">", "《": "<", "》": ">", "∶": ":", "⁄": "/", "\u2800": " ",
    }
)  # fmt: skip
# What nobody sees, beside the characters of category Cf: variation selectors, fillers, joiners.
_UNSEEN = frozenset(
    "\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0\u180b\u180c\u180d\u180f"
    + "".join(map(chr, [*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)]))
)
# What may stand around a name: Slack's formatting, quotes, a placeholder's brackets.
_AROUND = (
    *((mark, mark) for mark in ("```", "`", "*", "_", "~", '"', "'")),
    ("<", ">"), ("(", ")"), ("（", "）"),
    ("“", "”"), ("„", "“"), ("„", "”"), ("”", "”"), ("‘", "’"), ("’", "’"),
    ("「", "」"), ("『", "』"), ("«", "»"), ("‹", "›"), ("《", "》"), ("〈", "〉"), ("＂", "＂"),
)  # fmt: skip
_BEHIND = ".,;:!?…。，、；：！？．"  # that people end a sentence with
_QUOTING = re.compile(r"(?:[>•＞]|&gt;)\s*")  # before a line that somebody else said, or of a list


# Terminals' escape sequences; the characters that turn the direction of writing, and would make a
# name look like another.
_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\^_])")
_TURNING = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def sound(text: str) -> str:
    """Text from outside as it can be stored and shown: done once, where it comes in.

    No control characters but line breaks and tabs, nothing that turns the direction of writing;
    half a surrogate pair, which cannot be encoded, shows as a replacement character.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(map(_sound, _ESCAPES.sub("", text)))


def _sound(char: str) -> str:
    if char in _TURNING:
        return ""
    category = unicodedata.category(char)
    if category == "Cs":
        return "\ufffd"
    return "" if category == "Cc" and char not in "\n\t" else char


_SHADES = "🏻🏼🏽🏾🏿"

# Kinds of look-alikes in Unicode's tables that are the same character in another shape: width, a
# typeface, what stands beside it. The others (10², ①, ½, Ⅳ, ㎏) are characters of their own: a
# name with one of them is not the name without.
_SHAPES = frozenset(
    {"<wide>", "<narrow>", "<small>", "<vertical>", "<font>", "<noBreak>"}
    | {"<initial>", "<medial>", "<final>", "<isolated>"}
)

_MOST_SHAPED = 3  # characters: one that stands for a whole sentence is not spelled out


@lru_cache(maxsize=4096)
def _shaped(char: str) -> str:
    """The character in its usual shape."""
    shape, *codes = unicodedata.decomposition(char).split() or [""]
    if shape not in _SHAPES or len(codes) > _MOST_SHAPED:
        return char
    return "".join(_shaped(chr(int(code, 16))) for code in codes)


def narrow(text: str) -> str:
    """The text in the characters of a keyboard, without what nobody sees; its case stays."""
    if text.isascii() and text.isprintable():
        return " ".join(text.split())
    for _ in range(3):  # what one step makes may be something for another
        before = text
        text = unicodedata.normalize("NFC", "".join(map(_shaped, text.translate(_KEYS))))
        text = "".join(_key(char) for char in text.translate(_KEYS))
        if text == before:
            break
    return " ".join(text.split())


def _key(char: str) -> str:
    if char.isascii() and char.isprintable():
        return char
    category = unicodedata.category(char)
    if char in _UNSEEN or category == "Cf":
        return ""
    return " " if category in {"Cc", "Zs", "Zl", "Zp"} else char


def fold(text: str) -> str:
    """What all texts have in common that mean the same. Folding twice changes nothing."""
    if text.isascii():
        return " ".join(text.lower().split()) if text.isprintable() else narrow(text).lower()
    folded = narrow(text)
    for _ in range(3):
        before, folded = folded, narrow(folded.casefold())
        if folded == before:
            break
    return folded


def peel(text: str) -> str:
    """The text without what stands around it: formatting, quotes, brackets, a full stop.

    Nothing is taken off where nothing would be left.
    """
    if text[:1].isalnum() and text[-1:].isalnum():
        return text  # nearly every word: nothing stands around it
    while True:
        bare = text.strip()
        bare = _QUOTING.sub("", bare, count=1) if _QUOTING.match(bare) else bare
        bare = bare.rstrip(_BEHIND) or bare
        bare = _without_half(bare)
        for left, right in _AROUND:
            inner = bare.removeprefix(left).removesuffix(right).strip()
            if inner and len(bare) > len(left) + len(right) and _stands(bare, left, right):
                bare = inner
                break
        if bare == text or not bare:
            return text
        text = bare


def _without_half(text: str) -> str:
    """The text without the bracket at its end whose other half was not copied: `on gpu2)`."""
    for left, right in (("(", ")"), ("（", "）")):
        if text.startswith(left) and right not in text:
            text = text.removeprefix(left).strip() or text
        elif text.endswith(right) and left not in text:
            text = text.removesuffix(right).strip() or text
    return text


def _stands(text: str, left: str, right: str) -> bool:
    return text.startswith(left) and text.endswith(right)


def plain(text: str) -> str:
    """What a word of the language says, whatever stands around it and however it is spelled."""
    return fold(peel(text))


def typed(text: str) -> str:
    """A value that has only the characters of a keyboard: a number, a port, a file's name."""
    while (found := narrow(peel(text)) or narrow(text)) != text:
        text = found  # on a keyboard, ‘this‘ stands in quotes as well
    return found


Reading = Callable[[str], bool]

# Of names that the bot knows, never of what people type: each is compared with every line.
_folded = lru_cache(maxsize=16_384)(fold)
_bare = lru_cache(maxsize=16_384)(plain)


def readings(text: str) -> Iterator[tuple[Reading, Reading]]:
    """The ways to read a name, the strictest first: whether another text is it, or begins with it.

    As it stands, folded, without what stands around it, and both.
    """
    folded, peeled, bare = fold(text), peel(text), plain(text)
    yield (lambda name: name == text), _begins_exactly(text)
    if folded:
        yield (lambda name: _folded(name) == folded), (lambda name: _begins(_folded(name), folded))
    if bare:
        yield (lambda name: name == peeled), _begins_exactly(peeled)
        yield (
            lambda name: bare in {_folded(name), _bare(name)},
            lambda name: _begins(_folded(name), bare),
        )


def _begins_exactly(start: str) -> Reading:
    folded = fold(start)
    return lambda name: name.startswith(start) and _begins(_folded(name), folded)


def _begins(name: str, start: str) -> bool:
    """Whether a name begins with `start`, whole characters of it: “Á” does not begin with “A”.

    Folded, nearly all characters are one; to some, marks are added (“q̃”) or a shade (“👍🏽”).
    """
    if not name.startswith(start):
        return False
    rest = name[len(start) : len(start) + 1]
    return not rest or (unicodedata.category(rest)[0] != "M" and rest not in _SHADES)


def best(text: str, names: Iterable[str]) -> list[str]:
    """Those of the names that `text` means: exactly, else folded, else without what is around it.

    Several of them mean that it is not clear which is meant.
    """
    known = list(dict.fromkeys(names))
    for is_it, _ in readings(text):
        if found := [name for name in known if name and is_it(name)]:
            return found
    return []
