"""Lines to Slack's mrkdwn and rich text. Pure.

mrkdwn has no escape but for `&<>`, so a literal `*` or `:tada:` would format. Where a line has
such text it is shown as rich text, whose texts are literal by nature (Slack: "Formatting text").
"""

import re
from collections.abc import Iterator

from bot.reply import Line, Span, in_language
from handlers.payloads import Json

# Long literals are cut so that any piece, escaped (× 5), fits into one field or section.
PIECE = 250
RICH_PIECE = 2_500
_USER = re.compile(r"[UW][A-Z0-9]+")
_CHANNEL = re.compile(r"[CGD][A-Z0-9]+")
_EMOJI = re.compile(r"[a-z0-9_+'-]+(?:::skin-tone-[2-6])?")
_URL = re.compile(r"https?://[^\s<>|]{1,500}")
# What Slack would take for formatting: an opening marker at a word's edge, any backtick, an
# emoji's name, a quote at the beginning of a line.
_FORMAT = re.compile(
    r"(?:^|[^0-9A-Za-z])[*_~](?=\S)|`|:[0-9_+'-]*[a-z][0-9a-z_+'-]*:|^\s*>", re.MULTILINE
)
# One of these is in all that is shown otherwise than it stands; few texts have any.
_MARKED = re.compile(r"[*_~`:>]")
_CHANGED = re.compile(r"[*_~`:>&<\n]")
_WORD_JOINER = "\u2060"
_MARKS = {"bold": "*", "italic": "_", "code": "`"}
_MARKERS = frozenset(_MARKS.values())
_DATES = {"time": "{date_short_pretty} {time}", "ago": "{ago}"}


def escape(text: str) -> str:
    """Text that mrkdwn shows as it stands, as far as `&<>` go (Slack: "Escaping text")."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def cut(text: str, limit: int) -> str:
    """The text within `limit` characters, its loss shown by an ellipsis."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def is_risky(line: Line) -> bool:
    """Whether a text in the line would be formatted by Slack, or cannot be where it should be."""
    for piece in in_language(line):
        if isinstance(piece, str):
            if _MARKED.search(piece) is not None and _FORMAT.search(piece) is not None:
                return True
        elif piece.style in _MARKS and not can_mark(piece.text, _MARKS[piece.style]):
            return True
    return False


def can_mark(text: str, mark: str) -> bool:
    """Whether a text can stand between two of these marks."""
    return bool(text) and text == text.strip() and mark not in text and "\n" not in text


def pieces(line: Line) -> list[str]:
    """The line in mrkdwn, in pieces none of which may be cut."""
    found: list[str] = []
    before, shown_line = "", in_language(line)
    for index, piece in enumerate(shown_line):
        if isinstance(piece, str):
            is_plain = len(piece) <= PIECE and _CHANGED.search(piece) is None
            found += (piece,) if is_plain else _literal(piece)
            before = piece
            continue
        shown = _span(piece)
        if shown[:1] in _MARKERS:
            after = shown_line[index + 1] if index + 1 < len(shown_line) else ""
            shown = _apart(before, shown, after)
        found.append(shown)
        before = "."
    return found


def _apart(before: str, marked: str, after: str | Span) -> str:
    """Markers count at a word's edge only; a zero-width space makes one."""
    left = "\u200b" if before and not before[-1].isspace() else ""
    right = "\u200b" if isinstance(after, Span) or (after and after[0].isalnum()) else ""
    return left + marked + right


def _literal(text: str) -> list[str]:
    chunks = [text] if text else []
    if len(text) > PIECE or "\n" in text[:-1]:
        chunks = re.findall(rf"[^\n]{{0,{PIECE}}}\n|[^\n]{{1,{PIECE}}}", text)
    if _MARKED.search(text) is None:
        return [escape(chunk) for chunk in chunks]
    return [escape(_FORMAT.sub(_defuse, chunk)) for chunk in chunks]


def _defuse(match: re.Match[str]) -> str:
    """Best effort where only mrkdwn is possible: no marker stands at a word's edge any more."""
    return f"{_WORD_JOINER}{_WORD_JOINER.join(match[0])}{_WORD_JOINER}"


def reference(span: Span) -> str:
    """A person or a channel as Slack shows them by name; nothing for any other span."""
    match span.style:
        case "mention" if _USER.fullmatch(span.text):
            return f"<@{span.text}>"
        case "channel" if _CHANNEL.fullmatch(span.text):
            return f"<#{span.text}>"
    return ""


def _span(span: Span) -> str:
    text, mark = span.text, _MARKS.get(span.style)
    if mark is not None and can_mark(text, mark):
        return f"{mark}{escape(cut(text, PIECE))}{mark}"
    match span.style:
        case "mention" | "channel" if told := reference(span):
            return told
        case "emoji" if _EMOJI.fullmatch(text):
            return f":{text}:"
        case "link" if _URL.fullmatch(span.url):
            return f"<{escape(span.url)}|{_link_text(text or span.url)}>"
        case "time" | "ago" if span.at is not None:
            moment = f"{span.at:%Y-%m-%d %H:%M UTC}"
            return f"<!date^{int(span.at.timestamp())}^{_DATES[span.style]}|{moment}>"
    return "".join(_literal(cut(_fallback(span), PIECE)))


def _link_text(text: str) -> str:
    return escape(cut(text, PIECE)).replace("|", "¦").replace("\n", " ")


def _fallback(span: Span) -> str:
    """What a span shows where its style cannot be."""
    prefix = {"mention": "@", "channel": "#"}.get(span.style, "")
    return prefix + (span.text or span.url)


def rich_elements(line: Line) -> Iterator[Json]:
    """The line as rich text elements (Slack: rich text block)."""
    for piece in in_language(line):
        if isinstance(piece, str):
            for start in range(0, len(piece), RICH_PIECE):
                yield {"type": "text", "text": piece[start : start + RICH_PIECE]}
        elif (element := _rich_span(piece)) is not None:
            yield element


def _rich_span(span: Span) -> Json | None:
    text = span.text
    match span.style:
        case "mention" if _USER.fullmatch(text):
            return {"type": "user", "user_id": text}
        case "channel" if _CHANNEL.fullmatch(text):
            return {"type": "channel", "channel_id": text}
        case "emoji" if _EMOJI.fullmatch(text):
            return {"type": "emoji", "name": text}
        case "link" if _URL.fullmatch(span.url):
            return {"type": "link", "url": span.url, "text": cut(text or span.url, RICH_PIECE)}
        case "time" | "ago" if span.at is not None:
            return {
                "type": "date",
                "timestamp": int(span.at.timestamp()),
                "format": _DATES[span.style],
                "fallback": f"{span.at:%Y-%m-%d %H:%M UTC}",
            }
    shown = cut(_fallback(span), RICH_PIECE)
    if not shown:
        return None
    styled = {"style": {span.style: True}} if span.style in _MARKS else {}
    return {"type": "text", "text": shown} | styled
