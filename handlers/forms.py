"""Forms to Slack modals and what was sent in back to typed texts. Pure.

Limits: Slack's references of views and block elements.
"""

from collections.abc import Mapping, Sequence
from gettext import NullTranslations
from typing import Any

from bot.folding import sound
from bot.model import DigestHour, Place
from bot.reply import (
    ENGLISH,
    Actions,
    Button,
    Choice,
    FieldKind,
    Form,
    FormField,
    Note,
    Part,
    Reply,
    Text,
    Words,
    emoji,
    line,
    plain,
    say,
)
from handlers.mrkdwn import cut
from handlers.payloads import (
    ANSWER_CALLBACK,
    FORM_CALLBACK,
    FORM_MORE,
    WAITING_CALLBACK,
    FormOrigin,
    Json,
    Payload,
)
from handlers.render import plain_text, view_blocks

OFFER = "offer."  # how the ids of blocks below a faulty field begin
TITLE = 24
LABEL = 2_000
PLACEHOLDER = 150
INPUT = 3_000
OPTIONS = 100
OPTION = 75
OPTION_VALUE = 150
TRUE = "true"


def form_view(
    form: Form,
    place: Place,
    language: NullTranslations = ENGLISH,
    *,
    is_whole: bool = False,
    filling: str = "",
) -> Json:
    """A form as a modal, its result to be said at `place`. Its errors stand under their fields.

    Unless it `is_whole`, a button stands for the fields that are seldom used.
    """
    blocks = view_blocks(form.intro)
    left_out = set() if is_whole else {f.name for f in form.fields if _may_wait(form, f)}
    for field in form.fields:
        if field.name in left_out:
            continue
        blocks.append(_input(field))
        if lost := _lost(field):
            told = plain(lost, language)
            blocks.extend(view_blocks([Note(line(emoji("warning"), " ", told))]))
        if error := form.errors.get(field.name):
            blocks.extend(view_blocks([Note(line(emoji("warning"), " ", error))]))
    if left_out:
        more = Button(plain(say("More options"), language), FORM_MORE, form.command)
        blocks.extend(view_blocks([Actions((more,))]))
    known = {field.name for field in form.fields}
    rest = [error for name, error in form.errors.items() if name not in known]
    notes = [Note(line(emoji("warning"), " ", error)) for error in rest]
    return {
        "type": "modal",
        "callback_id": FORM_CALLBACK,
        "private_metadata": FormOrigin(form.command, place, form.kept, is_whole, filling).dump(),
        "title": plain_text(form.title, TITLE),
        "submit": plain_text(form.submit, TITLE),
        "close": plain_text(plain(say("Cancel"), language), TITLE),
        "blocks": [*view_blocks(notes), *blocks],
    }


def _may_wait(form: Form, field: FormField) -> bool:
    return field.rare and field.name not in form.errors


def is_whole(view: Payload) -> bool:
    """Whether a form shows all of its fields."""
    return FormOrigin.load(view["private_metadata"]).is_whole


def waiting_view(submitted: Payload, reply: Reply, external_id: str) -> Json:
    """A form sent in, kept open below a word of what is being done.

    It keeps its inputs, so Slack keeps what stands in them, secrets too, and shows it again in
    the form that takes its place (views.update, "Preserving input entry").
    """
    kept = ("type", "private_metadata", "title", "close", "submit")
    return {key: submitted[key] for key in kept} | {
        "callback_id": WAITING_CALLBACK,
        "external_id": external_id,
        "blocks": [*view_blocks(reply.parts), *submitted["blocks"]],
    }


def offering_view(
    submitted: Payload,
    errors: Mapping[str, Words],
    offers: Mapping[str, tuple[Button, ...]],
) -> Json:
    """A form sent in, with its faults below their fields and what can be done about them.

    Slack's own errors take no buttons. It keeps its inputs, and so what stands in them.
    """
    shown = [one for one in submitted["blocks"] if not one["block_id"].startswith(OFFER)]
    inputs = [block["block_id"] for block in shown if block["type"] == "input"]
    below: dict[str, list[Part]] = {}
    for name, error in errors.items():
        parts = below.setdefault(name if name in inputs else inputs[0], [])
        parts.append(Note(line(emoji("warning"), " ", error)))
        parts.extend([Actions(offers[name])] if name in offers else [])
    blocks: list[Json] = []
    for block in shown:
        blocks.append(block)
        told = view_blocks(below.get(block["block_id"], ()))
        blocks += [one | {"block_id": f"{OFFER}{len(blocks) + n}"} for n, one in enumerate(told)]
    kept = ("type", "callback_id", "private_metadata", "title", "close", "submit")
    return {key: submitted[key] for key in kept} | {"blocks": blocks}


def errors_view(early: str, view: Payload) -> Json:
    """The errors to answer with where a form that waits is sent in again."""
    first = next(block["block_id"] for block in view["blocks"] if block["type"] == "input")
    return {"response_action": "errors", "errors": {first: early}}


def reply_view(
    submitted: Payload,
    reply: Reply,
    external_id: str = "",
    language: NullTranslations = ENGLISH,
) -> Json:
    """A modal that takes the place of a form sent in and says something.

    `external_id` is a name of ours, unique in the workspace, by which it can be replaced again.
    """
    return {
        "type": "modal",
        "callback_id": WAITING_CALLBACK,
        **({"external_id": external_id} if external_id else {}),
        "private_metadata": submitted.get("private_metadata", ""),
        "title": plain_text(submitted["title"]["text"], TITLE),
        "close": plain_text(plain(say("Close"), language), TITLE),
        "blocks": view_blocks(reply.parts or Reply.of(reply.summary).parts, language),
    }


def answer_view(reply: Reply, language: NullTranslations = ENGLISH, external_id: str = "") -> Json:
    """A modal that answers one person; `external_id` is a name of ours, to change it by."""
    return {
        "type": "modal",
        "callback_id": ANSWER_CALLBACK,
        **({"external_id": external_id} if external_id else {}),
        "title": plain_text(plain(say("Only you see this"), language), TITLE),
        "close": plain_text(plain(say("Close"), language), TITLE),
        "blocks": view_blocks(reply.parts or Reply.of(reply.summary).parts, language),
    }


def entered(view: Payload) -> dict[str, str]:
    """The typed texts of a form sent in, by field name; fields left empty are empty texts."""
    values = view["state"]["values"]
    return {
        name: sound(_entered(state))
        for actions in values.values()
        for name, state in _named(actions)
    }


def _named(actions: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    return [(name_of(action_id), state) for action_id, state in actions.items()]


_CHOSEN = ("selected_user", "selected_conversation", "selected_time")


def _entered(state: Mapping[str, Any]) -> str:
    if "selected_options" in state:
        return TRUE if state["selected_options"] else ""
    if "selected_option" in state:
        return str((state["selected_option"] or {}).get("value", ""))
    chosen = (state.get(key) for key in _CHOSEN)
    return next((str(one) for one in chosen if one), str(state.get("value") or ""))


def errors_at(view: Payload, errors: Mapping[str, Words]) -> dict[str, str] | None:
    """Errors by block_id for response_action; None where the form has no input to show them at.

    What belongs to no field of the form is shown at the first one: Slack ignores unknown blocks.
    """
    inputs = [block["block_id"] for block in view["blocks"] if block["type"] == "input"]
    if not inputs:
        return None
    shown: dict[str, str] = {}
    for name, error in errors.items():
        block = name if name in inputs else inputs[0]
        told = plain(line(error))
        shown[block] = f"{shown[block]} {told}" if block in shown else told
    return shown


def search_action(source: str, name: str) -> str:
    """The action_id of a search field: what is sought, and for which field."""
    return f"search:{source}:{name}"


def source_of(action_id: str) -> str:
    """What a search field's action_id says is sought; empty if it is no search field of ours."""
    parts = action_id.split(":", 2)
    return parts[1] if len(parts) == 3 and parts[0] == "search" else ""


def name_of(action_id: str) -> str:
    """The name of the field with this action_id."""
    return action_id.split(":", 2)[2] if source_of(action_id) else action_id


def options(choices: Sequence[Choice]) -> list[Json]:
    """Choices as options, without those that Slack cannot carry and repeated ones."""
    shown: dict[str, Json] = {}
    for choice in choices:
        if choice.value not in shown and 0 < len(choice.value) <= OPTION_VALUE:
            shown[choice.value] = _option(choice)
    return list(shown.values())[:OPTIONS]


def _option(choice: Choice) -> Json:
    option: Json = {"text": plain_text(choice.label, OPTION), "value": choice.value}
    return option | ({"description": plain_text(choice.hint, OPTION)} if choice.hint else {})


def _lost(field: FormField) -> Text:
    """What a form cannot hold of what was given before."""
    given = field.initial.value if field.initial is not None else ""
    if field.kind is FieldKind.SEARCH and len(given) > OPTION_VALUE:
        return say(
            "What you gave is too long for this field: {most} characters at most.",
            most=OPTION_VALUE,
        )
    if field.kind in {FieldKind.TEXT, FieldKind.LINES} and len(given) > INPUT:
        return say(
            "What you gave is too long and was cut here: {most} characters at most.", most=INPUT
        )
    return ""


def _input(field: FormField) -> Json:
    block: Json = {
        "type": "input",
        "block_id": field.name,
        "label": plain_text(field.label, LABEL),
        "element": _element(field),
        # Slack calls a checkbox that must be ticked required: a flag never is.
        "optional": not field.required or field.kind is FieldKind.FLAG,
    }
    if field.decides:
        block["dispatch_action"] = True
    return block | ({"hint": plain_text(field.hint, LABEL)} if field.hint else {})


def _element(field: FormField) -> Json:
    match field.kind:
        case FieldKind.FLAG:
            element = _flag(field)
        case FieldKind.CHOICE if options(field.choices):
            element = _choice(field)
        case FieldKind.SEARCH:
            element = _search(field)
        case FieldKind.PERSON:
            element = _chosen(field, "users_select", "initial_user")
        case FieldKind.CHANNEL:
            element = _chosen(field, "conversations_select", "initial_conversation")
            element["filter"] = {"include": ["public", "private"], "exclude_bot_users": True}
        case FieldKind.TIME:
            element = _time(field)
        case FieldKind.NUMBER:
            element = _typed(field, {"type": "number_input", "is_decimal_allowed": False})
        case _:
            multiline = field.kind is FieldKind.LINES
            element = _typed(field, {"type": "plain_text_input", "multiline": multiline})
    if field.placeholder and field.kind is not FieldKind.FLAG:
        element["placeholder"] = plain_text(field.placeholder, PLACEHOLDER)
    return element


def _typed(field: FormField, element: Json) -> Json:
    element["action_id"] = field.name
    if field.initial is not None and field.initial.value:
        element["initial_value"] = cut(field.initial.value, INPUT)
    return element


def _flag(field: FormField) -> Json:
    option = _option(Choice(field.placeholder or field.label, TRUE))
    element: Json = {"type": "checkboxes", "action_id": field.name, "options": [option]}
    if field.initial is not None and field.initial.value == TRUE:
        element["initial_options"] = [option]
    return element


def _choice(field: FormField) -> Json:
    offered = options(field.choices)
    element: Json = {"type": "static_select", "action_id": field.name, "options": offered}
    chosen = [
        option for option in offered if field.initial and option["value"] == field.initial.value
    ]
    return element | ({"initial_option": chosen[0]} if chosen else {})


def _chosen(field: FormField, menu: str, initial: str) -> Json:
    """A menu that Slack itself fills with people or channels."""
    element: Json = {"type": menu, "action_id": field.name}
    if field.initial is not None:
        element[initial] = field.initial.value.lstrip("@#")
    return element


def _time(field: FormField) -> Json:
    """Slack's picker of a time; what was typed is in it where that reads like one."""
    element: Json = {"type": "timepicker", "action_id": field.name}
    given = field.initial.value if field.initial is not None else ""
    hour = DigestHour.read(given)
    return element | ({} if hour is None else {"initial_time": hour.shown})


def _search(field: FormField) -> Json:
    element: Json = {
        "type": "external_select",
        "action_id": search_action(field.source, field.name),
        "min_query_length": 0,
    }
    chosen = options([field.initial]) if field.initial is not None else []
    return element | ({"initial_option": chosen[0]} if chosen else {})
