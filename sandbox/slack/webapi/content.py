"""What a message consists of: text, blocks, attachments, metadata, checked as Slack does."""

import json
from dataclasses import dataclass
from typing import Any

from sandbox.slack.blocks import MESSAGE, check_blocks, has_several_tables, unsupported, with_ids
from sandbox.slack.core import Core
from sandbox.slack.errors import Json, SlackError, malformed
from sandbox.slack.reading import readable
from sandbox.slack.webapi.call import Call

MOST_TEXT = 40_000
# All text in the blocks of a message: Slack documents no number, it was seen to take this.
MOST_IN_BLOCKS = 13_200
# The bytes of a metadata object. Slack names the error but no size; no sane card is near this.
MOST_METADATA = 15_000
_ATTACHMENT_KEYS = frozenset(
    {"color", "fallback", "text", "pretext", "title", "title_link", "fields", "footer", "ts"}
    | {"mrkdwn_in", "blocks", "author_name", "author_link", "image_url", "thumb_url", "footer_icon"}
)


@dataclass
class Content:
    """A message's content; None for what the call did not mention."""

    text: str | None
    blocks: list[Json] | None
    attachments: list[Json] | None
    metadata: Json | None


def check_text(text: str) -> str:
    """The text; `msg_too_long`."""
    if len(text) > MOST_TEXT:
        raise SlackError("msg_too_long")
    return text


def check_message_blocks(core: Core, blocks: Any) -> list[Json]:
    """The blocks with their ids; `invalid_blocks_format`, `invalid_blocks`,
    `msg_blocks_too_long`, and `invalid_attachments` for a second table."""
    if not isinstance(blocks, list):
        raise SlackError("invalid_blocks_format")
    problems = check_blocks(blocks, MESSAGE)
    problems += unsupported(blocks, core.refused_blocks)
    if problems:
        raise malformed("invalid_blocks", problems)
    if has_several_tables(blocks):
        raise malformed("invalid_attachments", ["only_one_table_allowed"])
    if len(readable(blocks)) > MOST_IN_BLOCKS:
        raise SlackError("msg_blocks_too_long")
    return with_ids(blocks, lambda: core.state.new_id("b"))


def check_attachments(core: Core, attachments: Any) -> list[Json]:
    """The attachments; `invalid_attachments`, and `invalid_blocks` for blocks inside them."""
    if not isinstance(attachments, list) or len(attachments) > 100:
        raise SlackError("invalid_attachments")
    done = []
    for number, attachment in enumerate(attachments, start=1):
        if not isinstance(attachment, dict) or attachment.keys() - _ATTACHMENT_KEYS:
            raise SlackError("invalid_attachments")
        kept: Json = {"id": number} | attachment
        if "blocks" in attachment:
            kept["blocks"] = check_message_blocks(core, attachment["blocks"])
        done.append(kept)
    return done


def check_metadata(metadata: Any) -> Json:
    """The metadata; `invalid_metadata_format`, `invalid_metadata_schema`, `metadata_too_large`."""
    if not isinstance(metadata, dict):
        raise SlackError("invalid_metadata_format")
    if set(metadata) != {"event_type", "event_payload"} or not metadata["event_type"]:
        raise SlackError("invalid_metadata_schema")
    if not isinstance(metadata["event_payload"], dict):
        raise SlackError("invalid_metadata_schema")
    if len(json.dumps(metadata).encode()) > MOST_METADATA:
        raise SlackError("metadata_too_large")
    return metadata


def read_content(call: Call) -> Content:
    """The content of a call; `no_text` if there is nothing to show."""
    blocks = call.structure("blocks", "invalid_blocks_format")
    attachments = call.structure("attachments", "invalid_attachments")
    metadata = call.structure("metadata", "invalid_metadata_format")
    text = call.args.get("text")
    content = Content(
        None if text is None else check_text(str(text)),
        None if blocks is None else check_message_blocks(call.core, blocks),
        None if attachments is None else check_attachments(call.core, attachments),
        None if metadata is None else check_metadata(metadata),
    )
    if not (content.text or content.blocks or content.attachments):
        raise SlackError("no_text")
    return content
