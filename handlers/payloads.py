"""What stands in Slack's payloads: who, where, which delivery. Pure readers and our own ids.

Sources: Slack's references of slash commands, interaction payloads and the Events API.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.errors import Refused
from bot.ids import ChannelId, UserId
from bot.model import Place
from bot.reply import say

Payload = Mapping[str, Any]
Json = dict[str, Any]

FORM_OPEN = "form.open"  # the button that opens a form where there was no trigger_id
MENU = "menu.choose"  # the action of every ⋮; what was chosen says which button it stands for
MENU_VALUE = 150
FORM_MORE = "form.more"  # … and the one that shows all of its fields
FORM_CALLBACK = "form"
WAITING_CALLBACK = "form.waiting"
ANSWER_CALLBACK = "answer"
PRIVATE_METADATA = 3_000
# What Slack calls it, and what we do. Slack has many kinds of events and more to come: those that
# nobody here listens for are one kind.
_KINDS = {
    "block_actions": "click",
    "view_submission": "form",
    "view_closed": "form_closed",
    "block_suggestion": "search",
    "shortcut": "shortcut",
    "message_action": "shortcut",
    "app_mention": "message",
    "message": "message",
    "app_home_opened": "home",
}
# What reading a payload raises that is built in another way than Slack's.
OTHER_SHAPE = (AttributeError, LookupError, RecursionError, TypeError, ValueError)
_HALVES = re.compile("[\ud800-\udfff]")
_DEEPEST = 64  # Slack's own views and messages nest about 20 levels


@dataclass(frozen=True, slots=True)
class Identity:
    """Which workspace we are in and who we are there, as auth.test says."""

    team: str
    enterprise: str
    user: UserId
    bot: str

    def is_ours(self, team: str) -> bool:
        """Whether an account of `team` belongs to this workspace (or its Enterprise Grid)."""
        return team == self.team or (bool(self.enterprise) and team == self.enterprise)


@dataclass(frozen=True, slots=True)
class FormOrigin:
    """What a modal remembers of itself: which command it is for, and where its result is said.

    And what was typed beside its fields, and whether it shows all of these. `filling` is the same
    as long as a person fills it in, also where it changes with what they choose. It is all that
    stands in `private_metadata`, which people can read.
    """

    command: str
    place: Place
    kept: Mapping[str, str] = field(default_factory=dict)
    is_whole: bool = False
    filling: str = ""

    def dump(self) -> str:
        """As `private_metadata`. Raises Refused where more is kept than it can hold."""
        origin: Json = {
            "command": self.command,
            "channel": self.place.channel,
            "thread": self.place.thread,
        }
        kept = {"kept": dict(self.kept)} if self.kept else {}
        whole = {"whole": True} if self.is_whole else {}
        filling = {"filling": self.filling} if self.filling else {}
        text = json.dumps(origin | kept | whole | filling, ensure_ascii=False)
        if len(text) > PRIVATE_METADATA:
            raise Refused(
                say("What you typed is too long for a form to keep."), hint=say("Use fewer words.")
            )
        return text

    @classmethod
    def load(cls, private_metadata: str) -> "FormOrigin":
        """What `dump` wrote."""
        found = json.loads(private_metadata)
        place = Place(ChannelId(found["channel"]), found["thread"])
        kept, is_whole = found.get("kept", {}), bool(found.get("whole"))
        return cls(found["command"], place, kept, is_whole, found.get("filling", ""))


def kind_of(body: Mapping[str, Any]) -> str:
    """What kind of delivery it is, in one of a few words."""
    if isinstance(body.get("command"), str):
        return "command"
    event = body.get("event")
    told = event.get("type") if isinstance(event, dict) else body.get("type")
    return _KINDS.get(told, "other") if isinstance(told, str) else "other"


def is_sound(payload: object) -> bool:
    """Whether a payload can be worked with: nested as Slack's are."""
    left: list[tuple[object, int]] = [(payload, 1)]
    while left:
        value, depth = left.pop()
        if depth > _DEEPEST:
            return False
        if isinstance(value, dict):
            left.extend((one, depth + 1) for one in value.values())
        elif isinstance(value, list):
            left.extend((one, depth + 1) for one in value)
    return True


def mended(payload: Any) -> Any:
    """A sound payload that can be stored and sent.

    Half a surrogate pair, as JSON can spell it and a phone cuts an emoji, becomes a mark.
    """
    if isinstance(payload, str):
        return payload if payload.isascii() else _HALVES.sub("\ufffd", payload)
    if isinstance(payload, dict):
        return {mended(name): mended(value) for name, value in payload.items()}
    return [mended(one) for one in payload] if isinstance(payload, list) else payload


def delivery_key(kind: str, *parts: str) -> str:
    """The key of a delivery: the same for the same delivery, and nothing can be done with it.

    Hashed because a trigger_id is a permission until it is used.
    """
    digest = hashlib.sha256("\0".join(parts).encode()).hexdigest()
    return f"{kind}:{digest[:32]}"


def action_id(action: str, index: int) -> str:
    """The Slack action_id of the `index`-th button of a message; unique in it."""
    return f"{action}:{index}"


def action_of(slack_action_id: str) -> str:
    """The action that `action_id` encoded; empty where the button is not ours."""
    match = re.fullmatch(r"([a-z_]+(?:\.[a-z_]+)+):\d+", slack_action_id)
    return match[1] if match else ""


def menu_value(action: str, value: str) -> str:
    """The value of a menu's option that stands for a button."""
    both = f"{action}|{value}"
    if len(both) > MENU_VALUE:
        raise ValueError("a menu's option holds an opaque id, at most 150 characters")
    return both


def pressed(action: Payload) -> tuple[str, str]:
    """What a click means and its value, of a button or of what was chosen in a menu."""
    meant = action_of(action.get("action_id", ""))
    if meant != MENU:
        return meant, action.get("value") or ""
    chosen = (action.get("selected_option") or {}).get("value") or ""
    meant, _, value = chosen.partition("|")
    return meant, value


def is_of_row(action: Payload) -> bool:
    """Whether a click was in the menu of a row, beside which others may stand."""
    return action_of(action.get("action_id", "")) == MENU


def actor_of(interaction: Payload) -> tuple[UserId, str]:
    """Who did it and the team of their account, in an interaction payload."""
    user = interaction["user"]
    team = interaction.get("team") or {}
    return UserId(user["id"]), user.get("team_id") or team.get("id") or ""


def press_place(interaction: Payload) -> Place:
    """Where a button was pressed; in a modal, where the modal belongs.

    For the App Home that is the person's id: Slack takes it for the direct message with them.
    """
    view = interaction.get("view") or {}
    if view.get("type") == "modal" and view.get("private_metadata"):
        return FormOrigin.load(view["private_metadata"]).place
    container = interaction.get("container") or {}
    channel = (interaction.get("channel") or {}).get("id") or container.get("channel_id")
    if not channel:
        return Place.direct(actor_of(interaction)[0])
    message = interaction.get("message") or {}
    thread = message.get("thread_ts") or container.get("thread_ts") or ""
    # A message that others have replied to names itself as its thread: it still stands outside.
    own = message.get("ts") or container.get("message_ts")
    return Place(ChannelId(channel), "" if thread == own else thread)


def is_pressed_alone(interaction: Payload) -> bool:
    """Whether the message with the button is an ephemeral one."""
    return (interaction.get("container") or {}).get("is_ephemeral") is True


def ts_of_pressed(interaction: Payload) -> str:
    """The timestamp of the message with the button, where Slack keeps it; else nothing."""
    if is_pressed_alone(interaction):
        return ""
    return str((interaction.get("container") or {}).get("message_ts") or "")


def event_place(event: Payload) -> Place:
    """Where a message stands: its channel, and its thread if it is in one."""
    return Place(ChannelId(event["channel"]), event.get("thread_ts") or "")


def event_team(event: Payload, body: Payload) -> str:
    """The team of the account that caused an event; in shared channels it may be another's."""
    return event.get("user_team") or event.get("team") or body.get("team_id") or ""


# Slack's subtypes of messages that people write: with a file, from a thread also to the channel,
# by /me. All others are edits, joins, bots and the like.
_WRITTEN = frozenset({"", "file_share", "thread_broadcast", "me_message"})


def is_from_person(event: Payload) -> bool:
    """Whether a message event is a person's new message: no bot, no edit, no join or the like."""
    return (
        bool(event.get("user"))
        and (event.get("subtype") or "") in _WRITTEN
        and not (event.get("bot_id") or event.get("edited") or event.get("hidden"))
    )


def said_in(event: Payload) -> str:
    """What a person's message says: its text, and the table that was pasted into it.

    Slack's composer keeps a pasted table as an attachment with a `table` block: its cells are not
    in the text. Links and forwarded messages come as attachments as well; nobody says those.
    """
    tables = [block for block in event.get("blocks") or () if block.get("type") == "table"]
    for attachment in event.get("attachments") or ():
        if not _OF_OTHERS & attachment.keys():
            blocks = attachment.get("blocks") or ()
            tables += [block for block in blocks if block.get("type") == "table"]
    rows = [row for table in tables for row in table.get("rows") or ()]
    lines = ["\t".join(" ".join(_cell_text(cell).split()) for cell in row) for row in rows]
    return "\n".join([event.get("text") or "", *lines])


_OF_OTHERS = frozenset({"from_url", "original_url", "is_share", "is_msg_unfurl", "message_blocks"})


def _cell_text(cell: Json) -> str:
    """The text of a cell, written as Slack writes the text of a message."""
    if inner := cell.get("elements"):
        return "".join(map(_cell_text, inner))
    if "user_id" in cell:
        return f"<@{cell['user_id']}>"
    text = str(cell.get("text") or cell.get("value") or cell.get("url") or cell.get("fallback", ""))
    for char, escaped in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        text = text.replace(char, escaped)
    return text


def without_mention(text: str, user: UserId) -> str:
    """What is said to `user`: the text after the first mention of them, or else before it."""
    mention = re.search(rf"<@{re.escape(user)}(?:\|[^>]*)?>", text)
    if mention is None:
        return text.strip()
    return text[mention.end() :].strip() or text[: mention.start()].strip()
