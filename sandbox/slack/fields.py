"""Finds what a person means on a form or a message: inputs by label, options by text."""

from collections.abc import Callable, Iterator
from typing import Any

from sandbox.slack.errors import CannotDo, Json
from sandbox.slack.reading import words
from sandbox.slack.state import State
from sandbox.slack.views import answer_key, elements_of


def label_of(block: Json, element: Json) -> str:
    """What stands beside an element: the input's label, the section's text, its own words."""
    if block["type"] == "input":
        return words(block["label"])
    own = words(element.get("text")) or words(element.get("placeholder"))
    if block["type"] == "section" and element["type"] != "button":
        return words(block.get("text")) or own
    return own


def _same(one: str, other: str) -> bool:
    return one.strip().casefold() == other.strip().casefold()


def find_by_name(blocks: list[Json], name: str) -> tuple[Json, Json]:
    """The (block, element) with this label, text, action_id or block_id."""
    found = list(elements_of(blocks))
    for block, element in found:
        if name in (element["action_id"], block["block_id"]):
            return block, element
    for block, element in found:
        if _same(label_of(block, element), name):
            return block, element
    shown = ", ".join(repr(label_of(*pair)) for pair in found) or "nothing"
    raise CannotDo(f"There is no {name!r}; there is {shown}.")


def options_of(element: Json) -> Iterator[Json]:
    """The options an element offers."""
    yield from element.get("options", [])
    for group in element.get("option_groups", []):
        yield from group["options"]


def pick(options: list[Json], wanted: Any) -> Json:
    """The option with this text or value."""
    for option in options:
        if wanted == option or wanted == option["value"] or _same(words(option["text"]), wanted):
            return option
    shown = ", ".join(repr(words(option["text"])) for option in options) or "nothing"
    raise CannotDo(f"There is no option {wanted!r}; there is {shown}.")


def answer(state: State, element: Json, value: Any, offered: list[Json]) -> Json:
    """What the element holds once a person chose or typed `value` (None: nothing)."""
    kind: str = element["type"]
    key = answer_key(element)
    if key is None:
        raise CannotDo(f"A {kind} cannot be filled in.")
    many = key.endswith("s")
    if value is None or value in ("", []):
        return {key: [] if many else None}
    find = _finder(state, key, offered)
    return {key: [find(one) for one in value] if many else find(value)}


def _finder(state: State, key: str, offered: list[Json]) -> Callable[[Any], Any]:
    if "option" in key:
        return lambda wanted: pick(offered, wanted)
    if "user" in key:
        return lambda wanted: state.member(wanted).id
    if "conversation" in key or "channel" in key:
        return lambda wanted: state.channel(wanted).id
    return int if key == "selected_date_time" else str
