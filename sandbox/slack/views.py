"""Modals and home tabs: their body, what is filled in, and what Slack checks before a submit."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from sandbox.slack.errors import Json

# Where an element's answer stands in `state.values`, and which fields set it at the beginning.
_INITIAL = {
    "plain_text_input": ("value", "initial_value"),
    "number_input": ("value", "initial_value"),
    "email_text_input": ("value", "initial_value"),
    "url_text_input": ("value", "initial_value"),
    "static_select": ("selected_option", "initial_option"),
    "external_select": ("selected_option", "initial_option"),
    "radio_buttons": ("selected_option", "initial_option"),
    "multi_static_select": ("selected_options", "initial_options"),
    "multi_external_select": ("selected_options", "initial_options"),
    "checkboxes": ("selected_options", "initial_options"),
    "users_select": ("selected_user", "initial_user"),
    "multi_users_select": ("selected_users", "initial_users"),
    "conversations_select": ("selected_conversation", "initial_conversation"),
    "multi_conversations_select": ("selected_conversations", "initial_conversations"),
    "channels_select": ("selected_channel", "initial_channel"),
    "multi_channels_select": ("selected_channels", "initial_channels"),
    "datepicker": ("selected_date", "initial_date"),
    "timepicker": ("selected_time", "initial_time"),
    "datetimepicker": ("selected_date_time", "initial_date_time"),
}
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


def answer_key(element: Json) -> str | None:
    """The key of an element's answer in state.values; None for buttons and the like."""
    known = _INITIAL.get(element["type"])
    return known[0] if known else None


def empty_answer(key: str) -> Any:
    """What Slack sends where nothing is filled in."""
    return [] if key.endswith("s") else None


def elements_of(blocks: list[Json]) -> Iterator[tuple[Json, Json]]:
    """Every (block, interactive element) of the blocks."""
    for block in blocks:
        found = [block.get("element"), block.get("accessory")]
        if block["type"] == "actions":
            found = block["elements"]
        for element in found:
            if element and "action_id" in element:
                yield block, element


def initial_values(blocks: list[Json], kept: Json) -> Json:
    """`state.values` at the beginning; what was entered stays where block and action ids stay."""
    values: Json = {}
    for block, element in elements_of(blocks):
        if (key := answer_key(element)) is None:
            continue
        before = kept.get(block["block_id"], {}).get(element["action_id"])
        if before is None or before["type"] != element["type"]:
            start = element.get(_INITIAL[element["type"]][1], empty_answer(key))
            before = {"type": element["type"], key: start}
        values.setdefault(block["block_id"], {})[element["action_id"]] = before
    return values


@dataclass
class View:
    """A modal or a home tab. `values` are what is entered, `errors` what stands under inputs."""

    id: str
    hash: str
    body: Json
    root_id: str
    previous_id: str | None = None
    values: Json = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    busy: bool = False
    trouble: str = ""

    def __post_init__(self) -> None:
        self.values = initial_values(self.blocks, self.values)

    @property
    def blocks(self) -> list[Json]:
        """The blocks, each with its block_id."""
        blocks: list[Json] = self.body["blocks"]
        return blocks

    @property
    def external_id(self) -> str:
        """The app's own id of the view, or nothing."""
        return str(self.body.get("external_id", ""))

    def replace(self, body: Json, new_hash: str) -> None:
        """Show something else in the same place."""
        self.body = body
        self.hash = new_hash
        self.errors = {}
        self.trouble = ""
        self.values = initial_values(self.blocks, self.values)

    def payload(self, team_id: str, app_id: str, bot_id: str) -> Json:
        """The `view` object as the Web API returns it and interactions carry it."""
        body = self.body
        payload: Json = {
            "id": self.id,
            "team_id": team_id,
            "type": body["type"],
            "blocks": self.blocks,
            "private_metadata": body.get("private_metadata", ""),
            "callback_id": body.get("callback_id", ""),
            "state": {"values": self.values},
            "hash": self.hash,
            "title": body.get("title") or {"type": "plain_text", "text": "View Title"},
            "clear_on_close": body.get("clear_on_close", False),
            "notify_on_close": body.get("notify_on_close", False),
            "close": body.get("close"),
            "submit": body.get("submit"),
            "previous_view_id": self.previous_id,
            "root_view_id": self.root_id,
            "app_id": app_id,
            "external_id": self.external_id,
            "app_installed_team_id": team_id,
            "bot_id": bot_id,
        }
        return payload


def complaints(view: View) -> dict[str, str]:
    """What Slack's client refuses to send, by block_id, in its words."""
    found: dict[str, str] = {}
    for block, element in elements_of(view.blocks):
        if block["type"] != "input":
            continue
        state = view.values[block["block_id"]][element["action_id"]]
        answer = state[answer_key(element) or "value"]
        if answer in (None, "", []):
            if not block.get("optional", False):
                found[block["block_id"]] = "Please complete this required field."
        elif problem := _wrong(element, answer):
            found[block["block_id"]] = problem
    return found


def _wrong(element: Json, answer: Any) -> str:
    kind = element["type"]
    if kind == "plain_text_input":
        least, most = element.get("min_length", 0), element.get("max_length", 3000)
        if len(answer) < least:
            return f"Please use at least {least} characters."
        if len(answer) > most:
            return f"Please use no more than {most} characters."
    elif kind == "number_input":
        return _wrong_number(element, answer)
    elif kind == "email_text_input" and not _EMAIL.fullmatch(answer):
        return "Please enter a valid email address."
    elif kind == "url_text_input" and not answer.startswith(("http://", "https://")):
        return "Please enter a valid URL."
    elif "max_selected_items" in element and len(answer) > element["max_selected_items"]:
        return f"Please select no more than {element['max_selected_items']} items."
    return ""


def _wrong_number(element: Json, answer: str) -> str:
    try:
        number = float(answer)
    except ValueError:
        return "Please enter a valid number."
    if not element["is_decimal_allowed"] and not re.fullmatch(r"-?\d+", answer.strip()):
        return "Please enter a whole number."
    if "min_value" in element and number < float(element["min_value"]):
        return f"Please enter a number greater than or equal to {element['min_value']}."
    if "max_value" in element and number > float(element["max_value"]):
        return f"Please enter a number less than or equal to {element['max_value']}."
    return ""
