"""What Slack's composer makes of the characters a person types.

It escapes, turns @names and #channels into references, and links addresses. Quotes stay as typed.
"""

import re
from collections.abc import Callable

from sandbox.slack.errors import Json, SlackError
from sandbox.slack.members import Member
from sandbox.slack.reading import unescaped
from sandbox.slack.state import State

_WORD = re.compile(
    r"(?P<user>(?<![\w@])@(?P<name>[\w.-]*\w))"
    r"|(?P<channel>(?<![\w#&])#(?P<room>[\w-]+))"
    r"|(?P<mail>\b[\w.+-]+@[\w-]+\.[\w.-]*\w)"
    r"|(?P<url>\bhttps?://[^\s<>|\"”’]*[^\s<>|\"”’.,;:!?)])"
    r"|(?P<domain>\b(?:[a-z0-9-]+\.)+(?:com|org|net|io|dev|ai|cn|eu)\b(?:/\S*)?)"
)
_REFERENCE = re.compile(r"<(?P<sigil>[@#!]?)(?P<target>[^<>|]+)(?:\|(?P<words>[^<>]*))?>")
_EVERYBODY = {"here", "channel", "everyone"}


def escaped(text: str) -> str:
    """The text with the three characters Slack escapes."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _member(state: State, typed: str) -> Member:
    """The member of that id, or of that name in letters of any case, as Slack offers them."""
    if typed in state.members:
        return state.members[typed]
    return state.member(typed.lower())


def compose(state: State, typed: str, *, command: bool = False) -> str:
    """The text as the app receives it: of a message, or of a slash command with escaping on."""

    def user(match: re.Match[str]) -> str:
        if match["name"] in _EVERYBODY:
            return f"<!{match['name']}>"
        try:
            member = _member(state, match["name"])
        except SlackError:
            return match[0]
        return f"<@{member.id}|{member.name}>" if command else f"<@{member.id}>"

    def channel(match: re.Match[str]) -> str:
        try:
            found = state.channel(match["room"])
        except SlackError:
            return match[0]
        return f"<#{found.id}|{found.name}>"

    writers: dict[str, Callable[[re.Match[str]], str]] = {
        "user": user,
        "channel": channel,
        "mail": lambda m: f"<mailto:{m[0]}|{m[0]}>",
        "url": lambda m: f"<{m[0]}>",
        "domain": lambda m: f"<http://{m[0]}|{m[0]}>",
    }

    def write(match: re.Match[str]) -> str:
        return next(w(match) for name, w in writers.items() if match[name])

    return _WORD.sub(write, escaped(typed))


def rich_text(text: str, new_id: Callable[[], str]) -> list[Json]:
    """The rich_text block that Slack adds to a person's message; styles are left as typed."""
    elements = []
    end = 0
    for match in _REFERENCE.finditer(text):
        elements += _plain(text[end : match.start()])
        elements.append(_reference(match["sigil"], match["target"], match["words"]))
        end = match.end()
    elements += _plain(text[end:])
    section = {"type": "rich_text_section", "elements": elements}
    return [{"type": "rich_text", "block_id": new_id(), "elements": [section]}]


def _plain(text: str) -> list[Json]:
    return [{"type": "text", "text": unescaped(text)}] if text else []


def _reference(sigil: str, target: str, label: str | None) -> Json:
    if sigil == "@":
        return {"type": "user", "user_id": target}
    if sigil == "#":
        return {"type": "channel", "channel_id": target}
    if sigil == "!":
        return {"type": "broadcast", "range": target}
    link: Json = {"type": "link", "url": unescaped(target)}
    return link | ({"text": unescaped(label)} if label else {})
