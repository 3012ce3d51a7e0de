"""What every message of every scenario has to be for who hears it or reads a notification of it."""

import re

from sandbox.slack import Workspace
from sandbox.slack.conversations import Message
from sandbox.slack.reading import readable, unescaped

LONGEST = 4_000  # characters that a message's text may have
_DATE = re.compile(r"<!date\^[^|>]*\|([^>]*)>")
_LINK = re.compile(r"<https?:[^|>]*\|([^>]*)>")
_REFERENCE = re.compile(r"<[@#][A-Z0-9]+>")
_EMOJI = re.compile(r":[a-z0-9_+-]+:")
_RAW_ID = re.compile(r"(?<![\w<])[@#]?[UWCGD]0[A-Z]{3,}\b")
_WORD = re.compile(r"\w+")
_SECRETS = re.compile(r"password", re.IGNORECASE)


def faults(ws: Workspace) -> list[str]:
    """Messages of the bot whose text leaves something out, or names somebody by an id."""
    core = ws.core
    said = [m for c in core.state.channels.values() for m in c.messages.values() if m.bot]
    return [fault for message in said if (fault := _fault(message))]


def _fault(message: Message) -> str:
    shown = readable(message.blocks)
    if raw := _RAW_ID.findall(_REFERENCE.sub("", f"{message.text}\n{shown}")):
        return f"{raw} in {message.text!r} / {shown!r}"
    if len(message.text) >= LONGEST - 10 or _SECRETS.search(shown):
        return ""
    left_out = _words(shown) - _words(message.text)
    return f"{sorted(left_out)} not in {message.text!r}" if left_out else ""


def _words(text: str) -> set[str]:
    text = _LINK.sub(r"\1", _DATE.sub(r"\1", text))
    text = _EMOJI.sub(" ", text).replace("\u2060", "").replace("\u200b", "").replace("_", " ")
    return set(_WORD.findall(unescaped(text)))
