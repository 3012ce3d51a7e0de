"""Block Kit as a table: every block and element, its fields, limits and places.

Limits and places are those of Slack's Block Kit reference; whatever is not in the table is refused.
"""

from collections.abc import Callable, Container
from typing import Any

from sandbox.slack.errors import Json
from sandbox.slack.schema import (
    Check,
    Report,
    Shape,
    anything,
    array,
    as_json,
    boolean,
    integer,
    matching,
    one_of,
    plain,
    string,
    text,
    typed,
)

MESSAGE, MODAL, HOME = "message", "modal", "home"
# Slack counts the markdown blocks of a message and the cells of its table together.
MARKDOWN_TOTAL = 12_000
TABLE_TOTAL = 10_000
VIEW_BYTES = 250_000

_ID = string(255, 1)
_CONFIRM = Shape(
    {
        "title": plain(100),
        "text": text(300),
        "confirm": plain(30),
        "deny": plain(30),
        "style": one_of("primary", "danger"),
    },
    ("title", "text", "confirm", "deny"),
)


def _option(*, rich: bool = False, url: bool = False) -> Shape:
    words = text(75) if rich else plain(75)
    fields: dict[str, Check] = {
        "text": words,
        "value": string(150, 1),
        "description": text(75) if rich else plain(75),
    }
    if url:
        fields["url"] = string(3000, 1)
    return Shape(fields, ("text", "value"))


_OPTION = _option()
_RICH_OPTION = _option(rich=True)
_GROUP = Shape({"label": plain(75), "options": array(_OPTION, 100)}, ("label", "options"))


def _choices(report: Report, value: Any, at: str) -> None:
    if ("options" in value) == ("option_groups" in value):
        report.add("must define either `options` or `option_groups`", at)
        return
    offered = list(value.get("options", []))
    for group in value.get("option_groups", []):
        offered += group["options"]
    initial = value.get("initial_options", [])
    if "initial_option" in value:
        initial = [value["initial_option"]]
    name = "initial_option" if "initial_option" in value else "initial_options"
    for option in initial:
        if option not in offered:
            report.add(f"{name} must be one of the options", f"{at}/{name}")
    values = [option["value"] for option in offered]
    if len(values) != len(set(values)):
        report.add("option values must be unique", f"{at}/options")


def _lengths(report: Report, value: Any, at: str) -> None:
    if value.get("min_length", 0) > value.get("max_length", 3000):
        report.add("min_length must not be greater than max_length", at)
    if len(value.get("initial_value", "")) > value.get("max_length", 3000):
        report.add("initial_value must not be longer than max_length", f"{at}/initial_value")


def _focus(report: Report, value: Any, at: str) -> None:
    boolean(report, value, at)
    report.focused += value is True
    if report.focused > 1:
        report.add("only one element may set focus_on_load", at)


_BASE: dict[str, Check] = {"type": anything, "action_id": _ID}
_PICK = _BASE | {"confirm": _CONFIRM, "focus_on_load": _focus}
_MENU = _PICK | {"placeholder": plain(150)}
_FIELD = _BASE | {
    "placeholder": plain(150),
    "focus_on_load": _focus,
    "dispatch_action_config": Shape(
        {
            "trigger_actions_on": array(one_of("on_enter_pressed", "on_character_entered"), 2),
        },
        ("trigger_actions_on",),
    ),
}
_OPTIONS: dict[str, Check] = {"options": array(_OPTION, 100), "option_groups": array(_GROUP, 100)}
_MANY: dict[str, Check] = {"max_selected_items": integer(1, 1000)}
_IDS = array(string(255, 1), 1000)
_FILTER = Shape(
    {
        "include": array(one_of("im", "mpim", "private", "public"), 4),
        "exclude_external_shared_channels": boolean,
        "exclude_bot_users": boolean,
    }
)
_CONVERSATIONS: dict[str, Check] = {
    "default_to_current_conversation": boolean,
    "response_url_enabled": boolean,
    "filter": _FILTER,
}
_IMAGE: dict[str, Check] = {
    "type": anything,
    "image_url": string(3000, 1),
    "slack_file": Shape({"id": _ID, "url": string(3000, 1)}),
    "alt_text": string(2000, 1),
}


def _image_source(report: Report, value: Any, at: str) -> None:
    if ("image_url" in value) == ("slack_file" in value):
        report.add("must define either `image_url` or `slack_file`", at)


ELEMENTS: dict[str, Check] = {
    "button": Shape(
        _BASE
        | {
            "text": plain(75),
            "value": string(2000),
            "url": string(3000, 1),
            "style": one_of("primary", "danger"),
            "confirm": _CONFIRM,
            "accessibility_label": string(75, 1),
        },
        ("text",),
    ),
    "overflow": Shape(
        _BASE | {"options": array(_option(url=True), 5), "confirm": _CONFIRM}, ("options",)
    ),
    "static_select": Shape(_MENU | _OPTIONS | {"initial_option": _OPTION}, rule=_choices),
    "multi_static_select": Shape(
        _MENU | _OPTIONS | _MANY | {"initial_options": array(_OPTION, 100)}, rule=_choices
    ),
    "external_select": Shape(
        _MENU | {"min_query_length": integer(0, 3000), "initial_option": _OPTION}
    ),
    "multi_external_select": Shape(
        _MENU
        | _MANY
        | {"min_query_length": integer(0, 3000), "initial_options": array(_OPTION, 100)}
    ),
    "users_select": Shape(_MENU | {"initial_user": _ID}),
    "multi_users_select": Shape(_MENU | _MANY | {"initial_users": _IDS}),
    "conversations_select": Shape(_MENU | _CONVERSATIONS | {"initial_conversation": _ID}),
    "multi_conversations_select": Shape(
        _MENU
        | _MANY
        | {k: v for k, v in _CONVERSATIONS.items() if k != "response_url_enabled"}
        | {"initial_conversations": _IDS}
    ),
    "channels_select": Shape(_MENU | {"initial_channel": _ID, "response_url_enabled": boolean}),
    "multi_channels_select": Shape(_MENU | _MANY | {"initial_channels": _IDS}),
    "checkboxes": Shape(
        _PICK | {"options": array(_RICH_OPTION, 10), "initial_options": array(_RICH_OPTION, 10)},
        ("options",),
        _choices,
    ),
    "radio_buttons": Shape(
        _PICK | {"options": array(_RICH_OPTION, 10), "initial_option": _RICH_OPTION},
        ("options",),
        _choices,
    ),
    "datepicker": Shape(_MENU | {"initial_date": matching(r"\d{4}-\d{2}-\d{2}")}),
    "timepicker": Shape(
        _MENU | {"initial_time": matching(r"([01]\d|2[0-3]):[0-5]\d"), "timezone": string(255, 1)}
    ),
    "datetimepicker": Shape(_PICK | {"initial_date_time": integer(10**9, 10**10 - 1)}),
    "plain_text_input": Shape(
        _FIELD
        | {
            "initial_value": string(3000),
            "multiline": boolean,
            "min_length": integer(0, 3000),
            "max_length": integer(1, 3000),
        },
        rule=_lengths,
    ),
    "number_input": Shape(
        _FIELD
        | {
            "is_decimal_allowed": boolean,
            "initial_value": matching(r"-?\d+(\.\d+)?"),
            "min_value": matching(r"-?\d+(\.\d+)?"),
            "max_value": matching(r"-?\d+(\.\d+)?"),
        },
        ("is_decimal_allowed",),
    ),
    "email_text_input": Shape(_FIELD | {"initial_value": string(3000)}),
    "url_text_input": Shape(_FIELD | {"initial_value": string(3000)}),
    "image": Shape(_IMAGE, ("alt_text",), _image_source),
    "plain_text": plain(2000),
    "mrkdwn": text(2000, only="mrkdwn"),
}

_SELECTS = frozenset(
    {"static_select", "external_select", "users_select", "conversations_select", "channels_select"}
)
_MULTI = frozenset(f"multi_{name}" for name in _SELECTS)
_TICKS = frozenset({"checkboxes", "radio_buttons"})
_TYPED = frozenset({"plain_text_input", "number_input", "email_text_input", "url_text_input"})
IN_ACTIONS = (
    _SELECTS | _TICKS | {"button", "overflow", "datepicker", "timepicker", "datetimepicker"}
)
IN_SECTION = (
    _SELECTS | _MULTI | _TICKS | {"button", "overflow", "image", "datepicker", "timepicker"}
)
IN_INPUT = _SELECTS | _MULTI | _TICKS | _TYPED | {"datepicker", "timepicker", "datetimepicker"}
IN_CONTEXT = frozenset({"image", "plain_text", "mrkdwn"})


def _section(report: Report, value: Any, at: str) -> None:
    if "text" not in value and "fields" not in value:
        report.add("must define either `text` or `fields`", at)


def _unique_actions(report: Report, value: Any, at: str) -> None:
    seen: set[str] = set()
    for index, element in enumerate(value["elements"]):
        action_id = element.get("action_id")
        if action_id in seen:
            report.add(f"`action_id` already used: {action_id}", f"{at}/elements/{index}/action_id")
        if action_id is not None:
            seen.add(action_id)


def _written(cell: Any) -> int:
    """The characters of a cell, also those within rich text."""
    found = as_json(cell)
    inner = found.get("elements", [])
    return len(found.get("text", "")) + sum(_written(one) for one in inner)


def _table(report: Report, value: Any, at: str) -> None:
    length = sum(_written(cell) for row in value["rows"] for cell in row)
    if length > TABLE_TOTAL:
        report.add(f"must be less than {TABLE_TOTAL + 1} characters", f"{at}/rows")


_RICH_TEXT_ELEMENT = Shape(
    {
        "type": one_of(
            "rich_text_section", "rich_text_list", "rich_text_preformatted", "rich_text_quote"
        ),
        "elements": array(anything, 1000, 0),
        "style": one_of("bullet", "ordered"),
        "indent": integer(0, 8),
        "offset": integer(0, 10**6),
        "border": integer(0, 1),
        "language": string(255),
    },
    ("type", "elements"),
)
_CELL = typed(
    {
        "raw_text": Shape({"type": anything, "text": string(3000, 1)}, ("text",)),
        "rich_text": Shape(
            {"type": anything, "elements": array(_RICH_TEXT_ELEMENT, 1000)}, ("elements",)
        ),
    }
)
_COLUMN = Shape({"align": one_of("left", "center", "right"), "is_wrapped": boolean})
_BLOCK: dict[str, Check] = {"type": anything, "block_id": _ID}

BLOCKS: dict[str, Check] = {
    "section": Shape(
        _BLOCK
        | {
            "text": text(3000),
            "fields": array(text(2000), 10),
            "accessory": typed(ELEMENTS, IN_SECTION),
            "expand": boolean,
        },
        rule=_section,
    ),
    "actions": Shape(
        _BLOCK | {"elements": array(typed(ELEMENTS, IN_ACTIONS), 25)},
        ("elements",),
        _unique_actions,
    ),
    "context": Shape(_BLOCK | {"elements": array(typed(ELEMENTS, IN_CONTEXT), 10)}, ("elements",)),
    "divider": Shape(_BLOCK),
    "header": Shape(_BLOCK | {"text": plain(150)}, ("text",)),
    "image": Shape(_BLOCK | _IMAGE | {"title": plain(2000)}, ("alt_text",), _image_source),
    "input": Shape(
        _BLOCK
        | {
            "label": plain(2000),
            "element": typed(ELEMENTS, IN_INPUT),
            "hint": plain(2000),
            "optional": boolean,
            "dispatch_action": boolean,
        },
        ("label", "element"),
    ),
    "rich_text": Shape(_BLOCK | {"elements": array(_RICH_TEXT_ELEMENT, 1000)}, ("elements",)),
    "markdown": Shape({"type": anything, "text": string(MARKDOWN_TOTAL, 1)}, ("text",)),
    "table": Shape(
        _BLOCK | {"rows": array(array(_CELL, 20), 100), "column_settings": array(_COLUMN, 20)},
        ("rows",),
        _table,
    ),
}
_ONLY_IN_MESSAGES = frozenset({"markdown", "table"})
_PLACES = {
    MESSAGE: frozenset(BLOCKS),
    MODAL: frozenset(BLOCKS) - _ONLY_IN_MESSAGES,
    HOME: frozenset(BLOCKS) - _ONLY_IN_MESSAGES,
}
_MOST = {MESSAGE: 50, MODAL: 100, HOME: 100}


def check_blocks(blocks: Any, surface: str, at: str = "/blocks") -> list[str]:
    """The problems of a list of blocks on a surface, as Slack words them; empty if it is sound."""
    report = Report(surface)
    _check_blocks(report, blocks, at)
    return report.problems


def has_several_tables(blocks: list[Any]) -> bool:
    """Whether there is more than one table, which Slack takes in no message."""
    return [as_json(block).get("type") for block in blocks].count("table") > 1


def unsupported(blocks: list[Any], refused: Container[str]) -> list[str]:
    """The problems of blocks that a workspace has not been given yet."""
    kinds = [as_json(block).get("type", "") for block in blocks]
    return [
        f"unsupported type: {kind} [json-pointer:/blocks/{index}/type]"
        for index, kind in enumerate(kinds)
        if kind in refused
    ]


def _check_blocks(report: Report, blocks: Any, at: str) -> None:
    surface = report.surface
    array(typed(BLOCKS, _PLACES[surface]), _MOST[surface], 0)(report, blocks, at)
    if not isinstance(blocks, list):
        return
    for index, block in enumerate(blocks):
        block_id = as_json(block).get("block_id")
        if block_id in report.block_ids:
            report.add(f"`block_id` already used: {block_id}", f"{at}/{index}/block_id")
        if isinstance(block_id, str):
            report.block_ids.add(block_id)
    written = sum(
        len(str(b.get("text", ""))) for b in blocks if as_json(b).get("type") == "markdown"
    )
    if written > MARKDOWN_TOTAL:
        report.add(f"must be less than {MARKDOWN_TOTAL + 1} characters", at)


def _needs_submit(report: Report, value: Any, at: str) -> None:
    inputs = [block for block in value["blocks"] if block["type"] == "input"]
    if inputs and "submit" not in value:
        report.add("missing required field: submit", at)


def _blocks_field(report: Report, value: Any, at: str) -> None:
    _check_blocks(report, value, at)


_VIEW: dict[str, Check] = {
    "type": anything,
    "blocks": _blocks_field,
    "private_metadata": string(3000),
    "callback_id": string(255),
    "external_id": string(255),
}
_VIEWS: dict[str, Check] = {
    MODAL: Shape(
        _VIEW
        | {
            "title": plain(24),
            "submit": plain(24),
            "close": plain(24),
            "clear_on_close": boolean,
            "notify_on_close": boolean,
            "submit_disabled": boolean,
        },
        ("title", "blocks"),
        _needs_submit,
    ),
    HOME: Shape(_VIEW, ("blocks",)),
}


def check_view(view: Json, kind: str) -> list[str]:
    """The problems of a view that must be a modal or a home tab."""
    report = Report(kind)
    typed(_VIEWS, frozenset({kind}))(report, view, "/view")
    return report.problems


def check_options(answer: Json) -> list[str]:
    """The problems of the options an app offers for an external select."""
    report = Report(MODAL)
    menu = Shape(
        {"options": array(_OPTION, 100, 0), "option_groups": array(_GROUP, 100, 0)}, rule=_choices
    )
    menu(report, answer, "")
    return report.problems


def with_ids(blocks: list[Json], new_id: Callable[[], str]) -> list[Json]:
    """The blocks with the ids that Slack makes up where the app gave none."""
    done = []
    for original in blocks:
        block = dict(original)
        block.setdefault("block_id", new_id())
        if "elements" in block and block["type"] == "actions":
            block["elements"] = [{"action_id": new_id()} | e for e in block["elements"]]
        for place in ("element", "accessory"):
            if place in block and block[place]["type"] != "image":
                block[place] = {"action_id": new_id()} | block[place]
        done.append(block)
    return done
