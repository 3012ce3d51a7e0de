"""From what Slack delivers to the words that a person typed.

Undoes Slack's escaping and auto-links, then splits into words. A word keeps its own characters:
what it names is compared by `bot.folding`, and only what is a word of the language is read folded.
Pure; takes any text at all.
"""

import re
import unicodedata

from bot.folding import DOUBLE_QUOTES, SINGLE_QUOTES, narrow

# Slack writes links and mentions as <target|label>; docs: "Formatting text for app surfaces".
_LINK = re.compile(r"<([@#!]?)([^<>|]*)(?:\|([^<>]*))?>")
# One or two dashes; before a digit a plain one is a minus.
_DASHES = re.compile(r"^--?-?(?=[^\W\d])")
_EQUALS = re.compile("[=＝﹦]")
_ANY_DOUBLE, _ANY_SINGLE = re.escape(DOUBLE_QUOTES), re.escape(SINGLE_QUOTES)
# A quote ends with its own kind; on a phone, one of another kind may come out.
_DOUBLE = (
    r'"([^"]*)"|“([^“”]*)”|„([^“”„]*)[“”]|«([^«»]*)»|「([^「」]*)」|『([^『』]*)』|'
    rf"[{_ANY_DOUBLE}]([^{_ANY_DOUBLE}]*)[{_ANY_DOUBLE}]"
)
# An apostrophe inside a word opens no quote and closes none: Ada's, 'Ada's box'.
_APOSTROPHE = rf"(?<=\w)[{_ANY_SINGLE}](?=\w)"
_SINGLE = rf"(?<!\w)[{_ANY_SINGLE}]((?:[^{_ANY_SINGLE}]|{_APOSTROPHE})*)[{_ANY_SINGLE}](?!\w)"
_QUOTED = re.compile(rf"{_DOUBLE}|{_SINGLE}")
_WORD = re.compile(
    rf"(?:{_DOUBLE}|{_SINGLE}|[^\s{_ANY_DOUBLE}{_ANY_SINGLE}]|[{_ANY_DOUBLE}{_ANY_SINGLE}])+"
)
_PLAIN = re.compile(r"[\w.,@:/+$*=-]+")


_DECORATION = re.compile(
    r"&gt;|[>＞•·∙・●○,;，；、→⚠🔑🟢⚪🌙⏳🔴❔❓⏰🚨📅\ufe0f]+"
    r"|:(?:large_green|white|red)_circle:|:crescent_moon:|:hourglass_flowing_sand:"
    r"|:grey_question:|:warning:|:key:|:alarm_clock:|:rotating_light:|:calendar:"
    r"|(?::key:|🔑)?(?:\(access\)|（有权限）)"
)

# Slack's formatting of a whole command, pasted back; a quoted line; a quotation of all of it.
# “@dbc, vm list”, `> vm list`, `- vm list`, `1. vm list`, `$ vm list`
_BEFORE = re.compile(r"[\s,:，：、]*(?:(?:[>•＞]|&gt;|[-–$%](?=\s)|\d{1,2}[.)、](?=\s))\s*)*")
_MARKED = re.compile(r"(```|[`*_~])\s*(\S.*?)\s*\1(?![\w`])")
_QUOTED_LINE = re.compile(rf"(?:{_DOUBLE}|'([^']*)')[\s.,!。，！]*")
# Formatting around formatting: nobody needs more, and thousands would hold up everybody.
_LAYERS = 16
# What stands for a tab and for the end of a line in `laid_out`: one line to the expressions here.
TAB, LINE_END = "\t", "\v"


class Word(str):
    """A word of a line, without the quotes that held it together; `spelled` has them.

    `after`: the tab or the end of a line before it, nothing where only spaces stand there.
    """

    __slots__ = ("after", "spelled")
    spelled: str
    after: str

    @classmethod
    def of(cls, text: str, spelled: str, after: str = "") -> "Word":
        """The word `text`, which was typed as `spelled`."""
        word = cls(text)
        word.spelled = spelled
        word.after = after
        return word


def is_quoted(word: str) -> bool:
    """Whether quotes held the word together, so that it is meant as it is."""
    return isinstance(word, Word) and word.spelled != word


def is_decoration(word: str) -> bool:
    """Whether a word only sets others apart: a bullet, a dot, a comma, the lamp of a state."""
    return not is_quoted(word) and _DECORATION.fullmatch(word) is not None


def clean(text: str) -> str:
    """The text as it was typed, on one line."""
    return laid_out(text).translate(_AS_SPACES)


_AS_SPACES = {ord(TAB): " ", ord(LINE_END): " "}


def laid_out(text: str) -> str:
    """The text as it was typed, with what sets the cells and rows of a table apart."""
    text = _LINK.sub(_unlink, text)
    for escaped, char in (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")):
        text = text.replace(escaped, char)
    if text.isprintable():
        return text
    return "".join(_LAID_OUT.get(char, " ") if _breaks(char) else char for char in text)


_LAID_OUT = {TAB: TAB, **dict.fromkeys("\n\r\v\f\u2028\u2029", LINE_END)}


def unwrapped(line: str) -> str:
    """A cleaned line without what stands before it, and without what its command stands in."""
    for _ in range(_LAYERS):
        bare = line[match.end() :] if (match := _BEFORE.match(line)) else line
        if found := _MARKED.match(bare):
            bare = f"{found[2]}{bare[found.end() :]}"
        elif found := _QUOTED_LINE.fullmatch(bare):
            bare = _inner(found)
        if bare == line:
            break
        line = bare
    return line


def _breaks(char: str) -> bool:
    return not char.isprintable() and unicodedata.category(char) in {"Cc", "Cs", "Zl", "Zp"}


def _unlink(match: re.Match[str]) -> str:
    sigil, target, label = match.groups()
    if sigil == "@":
        return f"@{target}"
    if sigil == "#":
        return f"#{target}"
    if sigil == "!" and target.startswith("date^"):
        return label or ""
    if sigil == "!":
        return f"@{target.split('^')[0]}"
    return label or target.removeprefix("mailto:")


def words(text: str) -> list[Word]:
    """Split cleaned text into words; quotes hold a word together, unbalanced ones are literal."""
    found, end = [], 0
    for match in _WORD.finditer(text):
        gap, end = text[end : match.start()], match.end()
        after = TAB if TAB in gap else LINE_END if LINE_END in gap else ""
        spelled = match[0].translate(_AS_SPACES)
        found.append(Word.of(_QUOTED.sub(_inner, spelled), spelled, after))
    return found


def _inner(match: re.Match[str]) -> str:
    return next((group for group in match.groups() if group is not None), "")


def parted(word: str) -> tuple[str, str, Word]:
    """What stands before an equals sign, in the characters of a keyboard; the sign; the rest.

    Of a word without one, all of it stands before it.
    """
    found = _EQUALS.search(word)
    if found is None:
        return narrow(word), "", Word.of("", "")
    rest = word[found.end() :]
    spelled = word.spelled if isinstance(word, Word) else word
    sign = _EQUALS.search(spelled)
    return (
        narrow(word[: found.start()]),
        "=",
        Word.of(rest, spelled[sign.end() :] if sign else rest),
    )


def option_name(word: str) -> str | None:
    """`--force`, `-force`, `—force` → `force`; None for a word that is no option."""
    narrowed = narrow(word)
    shortened = _DASHES.sub("", narrowed)
    return shortened if shortened != narrowed and shortened else None


def quoted(text: str) -> str:
    """The text as one word that `words` reads back as it is."""
    if _PLAIN.fullmatch(text):
        return text
    pieces = re.findall(r'"+|[^"]+', text)
    return "".join(f"'{p}'" if p[0] == '"' else f'"{p}"' for p in pieces) or '""'
