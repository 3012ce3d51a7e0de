"""What a person can read and press: blocks flattened to text, buttons found by their words."""

import re
from collections.abc import Iterator
from typing import Any

from sandbox.slack.conversations import Message
from sandbox.slack.errors import Json

# What holds texts, in the order in which they are read.
_NESTED = (
    "title", "text", "label", "hint", "fields", "rows", "placeholder",
    "elements", "element", "accessory", "options", "option_groups", "blocks",
)  # fmt: skip


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for entry in value:
            yield from _strings(entry)
    elif isinstance(value, dict):
        yield from _of_object(value)


def _of_object(value: Json) -> Iterator[str]:
    if value.get("type") == "overflow":
        return  # nobody reads what is behind ⋮ before it is opened
    if isinstance(value.get("text"), str):
        yield value["text"]
    for key in _NESTED:
        if (entry := value.get(key)) is not None:  # most are not there
            yield from _strings(entry)
    for key in ("description", "initial_option", "alt_text", "initial_value"):
        entry = value.get(key)
        if isinstance(entry, str):
            yield entry
        elif key == "description":
            yield from _strings(entry)


def readable(blocks: Any) -> str:
    """Every text of the blocks, one a line."""
    return "\n".join(_strings(blocks))


def unescaped(text: str) -> str:
    """The text with Slack's entities turned back into characters."""
    return re.sub(r"&(lt|gt|amp);", lambda m: {"lt": "<", "gt": ">", "amp": "&"}[m[1]], text)


def message_text(message: Message) -> str:
    """What stands on the screen: the blocks where there are any, else the text."""
    body = readable(message.blocks) if message.blocks else message.text
    rest = [readable(message.attachments)] if message.attachments else []
    rest += [f"{file.title or file.name}" for file in message.files]
    return unescaped("\n".join([body, *rest]))


_PING = re.compile(r"<(?:@(\w+)|!(channel|here|everyone)|!subteam\^(\w+))(?:\|[^>]*)?>")


def pings(message: Message) -> list[str]:
    """Whom the message notifies: member and group ids, `channel`, `here`, `everyone`."""
    written = f"{message.text}\n{readable(message.blocks)}\n{readable(message.attachments)}"
    found = ["".join(groups) for groups in _PING.findall(written)]
    return list(dict.fromkeys(found))


def all_blocks(message: Message) -> list[Json]:
    """The blocks of a message, those inside attachments included."""
    nested = [block for a in message.attachments for block in a.get("blocks", [])]
    return message.blocks + nested


def words(value: Any) -> str:
    """The text of a text object."""
    return str(value["text"]) if isinstance(value, dict) else ""
