"""What people see, as text that is the same each time: blocks by type, without ids and moments."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from slack_sdk.models.blocks import Block
from slack_sdk.models.views import View
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode

from sandbox.slack import Person, SeenMessage
from sandbox.slack.person import SeenView
from sandbox.slack.reading import readable, unescaped

Shown = dict[str, str]

KEEP_THEM = (
    "What people see is not what was read last. If that is meant, as with a new command: "
    "`make snapshots`, and read the difference (git diff tests/scenarios/__snapshots__)."
)

# In this order: a moment has digits, an id has letters of a moment.
_UNSTABLE = (
    (re.compile(r"<!date\^\d+\^[^>]*>"), "‹moment›"),
    (
        re.compile(r"\b\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d)?(\.\d+)?(Z|\+\d\d:\d\d| UTC)?"),
        "‹moment›",
    ),
    (re.compile(r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"), "‹id›"),
    (re.compile(r"\b(?=\w*\d)(?=\w*[a-z])[0-9a-zA-Z]{8,}…?"), "‹id›"),
    (re.compile(r"\b[0-9a-zA-Z]{20,}\b|(?<=[(（])(?=\w*[0-9A-Z])\w{8}(?=[)）])"), "‹id›"),
    (re.compile(r"(?<=-\d\d-)\w{6}(?=\.csv)"), "‹id›"),
    (re.compile(r"\b[2-6]\d{4}\b"), "‹port›"),
    (re.compile(r"127\.0\.0\.1:\d+"), "‹daemon›"),
    (re.compile(r"\b[0-9a-f]{6,}\b"), "‹id›"),
    (re.compile(r"(?<=`)[A-Za-z0-9]{8}(?=`)|\b(?=[A-Za-z]+[A-Z])[A-Za-z]{8}\b"), "‹id›"),
    (re.compile(r"(?<=›-)\w{6}(?=\.(?:json|txt)\b)"), "‹id›"),
)


def stable(text: str) -> str:
    """The text without what differs from one run to the next."""
    for found, instead in _UNSTABLE:
        text = found.sub(instead, text)
    return text


def _lines(blocks: Sequence[dict[str, Any]]) -> Iterator[str]:
    for block in blocks:
        accessory = block.get("accessory", block.get("element", {})).get("type", "")
        kind = f"{block['type']}+{accessory}" if accessory else str(block["type"])
        yield f"  {kind}: {_said(readable([block]))}".rstrip()
        for element in _elements(block):
            if element.get("type") == "overflow":
                yield f"    behind ⋮: {_said(readable(element['options']))}"
            if asked := element.get("confirm"):
                texts = (asked[key] for key in ("title", "text", "confirm", "deny"))
                yield f"    asks first: {_said(readable(list(texts)))}"


def _said(text: str) -> str:
    return stable(unescaped(text).replace("\n", " ⏎ "))


def _elements(block: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """What can be pressed or chosen in a block."""
    yield from block.get("elements", [])
    yield from (block[key] for key in ("accessory", "element") if key in block)


def of_message(message: SeenMessage) -> str:
    """A message: who sees it, its notification where nothing else stands in it, its blocks."""
    for block in Block.parse_all(message.blocks):
        block.validate_json()
    head = "only the reader" if message.ephemeral else "everybody"
    files = [f"  file: {stable(one.title or one.name)}" for one in message.files]
    body = list(_lines(message.blocks)) or [f"  text: {_said(message.text)}"]
    return "\n".join([head, *body, *files])


def of_view(view: SeenView) -> str:
    """A form or Home."""
    body = {k: v for k, v in view.view.body.items() if k in {"type", "title", "submit", "close"}}
    View(**body, blocks=view.blocks).validate_json()
    for block in Block.parse_all(view.blocks):
        block.validate_json()
    buttons = [str(body[k]["text"]) for k in ("submit", "close") if body.get(k)]
    head = f"{view.title} [{'] ['.join(buttons)}]" if view.title else "Home"
    return "\n".join([stable(head), *_lines(view.blocks)])


def told_since(person: Person, before: Sequence[SeenMessage]) -> str:
    """What the bot has said to somebody since, and the form before them."""
    old = {(m.channel, m.ts) for m in before}
    new = [m for m in person.messages() if m.user == "dbc" and (m.channel, m.ts) not in old]
    shown = [of_message(m) for m in new]
    if person.modal is not None:
        shown.append(of_view(person.modal))
    return "\n".join(shown)


class TextFile(SingleFileSnapshotExtension):
    """A snapshot that is read as it is."""

    _write_mode = WriteMode.TEXT
    file_extension = "txt"


def as_text(shown: Shown) -> str:
    """One file for all."""
    return "\n\n".join(f"== {name}\n{said}" for name, said in shown.items()) + "\n"
