"""A small schema language for Block Kit: checks that report problems at a JSON pointer.

Words the problems as Slack does. Knows no block.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sandbox.slack.errors import Json


@dataclass
class Report:
    """The problems found so far, and what must be unique within one payload."""

    surface: str
    problems: list[str] = field(default_factory=list)
    block_ids: set[str] = field(default_factory=set)
    focused: int = 0

    def add(self, problem: str, at: str) -> None:
        """Note a problem at a JSON pointer."""
        self.problems.append(f"{problem} [json-pointer:{at}]")


Check = Callable[[Report, Any, str], None]


def string(at_most: int, at_least: int = 0) -> Check:
    """A string of so many characters."""

    def check(report: Report, value: Any, at: str) -> None:
        if not isinstance(value, str):
            report.add("must be a string", at)
        elif len(value) > at_most:
            report.add(f"must be less than {at_most + 1} characters", at)
        elif len(value) < at_least:
            report.add(f"must be more than {at_least - 1} characters", at)

    return check


def boolean(report: Report, value: Any, at: str) -> None:
    """True or false."""
    if not isinstance(value, bool):
        report.add("must be a boolean", at)


def integer(least: int, most: int) -> Check:
    """A whole number within bounds."""

    def check(report: Report, value: Any, at: str) -> None:
        if not isinstance(value, int) or isinstance(value, bool):
            report.add("must be an integer", at)
        elif not least <= value <= most:
            report.add(f"must be between {least} and {most}", at)

    return check


def one_of(*allowed: str) -> Check:
    """One of a few words."""

    def check(report: Report, value: Any, at: str) -> None:
        if value not in allowed:
            report.add(f"must be a valid enum value: {', '.join(allowed)}", at)

    return check


def matching(pattern: str, at_most: int = 255) -> Check:
    """A string of a certain form."""
    form = re.compile(pattern)

    def check(report: Report, value: Any, at: str) -> None:
        if not isinstance(value, str) or len(value) > at_most or not form.fullmatch(value):
            report.add(f"input must match regex pattern: {pattern}", at)

    return check


def array(item: Check, at_most: int, at_least: int = 1) -> Check:
    """A list of so many things."""

    def check(report: Report, value: Any, at: str) -> None:
        if not isinstance(value, list):
            report.add("must be an array", at)
            return
        if len(value) > at_most:
            report.add(f"no more than {at_most} items allowed", at)
        if len(value) < at_least:
            report.add(f"no less than {at_least} items allowed", at)
        for index, entry in enumerate(value):
            item(report, entry, f"{at}/{index}")

    return check


def anything(_report: Report, _value: Any, _at: str) -> None:
    """No rule."""


@dataclass(frozen=True)
class Shape:
    """An object: its fields, those it must have, and a rule over the whole."""

    fields: Mapping[str, Check]
    required: tuple[str, ...] = ()
    rule: Check = anything

    def __call__(self, report: Report, value: Any, at: str) -> None:
        """Report unknown, missing and wrong fields."""
        if not isinstance(value, dict):
            report.add("must be an object", at)
            return
        before = len(report.problems)
        for name in value:
            if name not in self.fields:
                report.add(f"invalid additional property: {name}", at)
        for name in self.required:
            if name not in value:
                report.add(f"missing required field: {name}", at)
        for name, check in self.fields.items():
            if name in value:
                check(report, value[name], f"{at}/{name}")
        if len(report.problems) == before:
            self.rule(report, value, at)


def typed(table: Mapping[str, Check], allowed: frozenset[str] | None = None) -> Check:
    """An object whose `type` says which check of the table holds for it."""

    def check(report: Report, value: Any, at: str) -> None:
        if not isinstance(value, dict):
            report.add("must be an object", at)
            return
        kind = value.get("type")
        if kind is None:
            report.add("missing required field: type", at)
        elif kind not in table or (allowed is not None and kind not in allowed):
            report.add(f"unsupported type: {kind}", f"{at}/type")
        else:
            table[kind](report, value, at)

    return check


def text(at_most: int, *, only: str | None = None, at_least: int = 1) -> Check:
    """A text object; `only` plain_text or mrkdwn where Slack insists."""
    length = string(at_most, at_least)

    def check(report: Report, value: Any, at: str) -> None:
        if not isinstance(value, dict):
            report.add("must be an object", at)
            return
        kind = value.get("type")
        if kind not in ("plain_text", "mrkdwn"):
            report.add(f"unsupported type: {kind}", f"{at}/type")
            return
        if only is not None and kind != only:
            report.add(f"must be a {only} object", at)
            return
        extra = "emoji" if kind == "plain_text" else "verbatim"
        Shape({"type": anything, "text": length, extra: boolean}, ("text",))(report, value, at)

    return check


def plain(at_most: int, *, at_least: int = 1) -> Check:
    """A plain_text object."""
    return text(at_most, only="plain_text", at_least=at_least)


def as_json(value: Any) -> Json:
    """The value as an object; an empty one where it is none."""
    return value if isinstance(value, dict) else {}
