"""Reads the site's rules from their file, and says every fault of it in words, with its line.

Knows how a file goes wrong, not what the rules decide: see `bot.reviews.policy`.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from difflib import get_close_matches
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from bot.errors import BotError
from bot.folding import fold
from bot.reviews import rule_sense
from bot.reviews.policy import Defaults, Expectation, Match, Policy, Review, Rule
from bot.reviews.policy_values import (
    AuditSettings,
    BreakerSettings,
    Budget,
    DoctorSettings,
    FreezeSettings,
    LimitSettings,
    OrderSettings,
    OutageSettings,
    People,
)
from bot.reviews.rule_arguments import Known

_PARTS: Mapping[str, tuple[str, type[BaseModel]]] = {
    "rule": ("a rule", Rule),
    "match": ("`match`", Match),
    "defaults": ("`[defaults]`", Defaults),
    "audit": ("`[audit]`", AuditSettings),
    "freeze": ("`[freeze]`", FreezeSettings),
    "doctor": ("`[doctor]`", DoctorSettings),
    "breaker": ("`[breaker]`", BreakerSettings),
    "limits": ("`[limits]`", LimitSettings),
    "test": ("a test", Expectation),
    "orders": ("`[orders]`", OrderSettings),
    "budget": ("a budget", Budget),
    "outages": ("`[outages]`", OutageSettings),
    **dict.fromkeys(("approvers", "break_glass", "auditors", "people"), ("it", People)),
    **dict.fromkeys(("change", "disrupt", "destroy"), ("a default", Review)),
}
_TEXTS = "is a text in quotes, or a list of such texts"
_NUMBER = "is a whole number"
_WANTED = {
    "int_type": _NUMBER,
    "bool_type": "is true or false, without quotes",
    "tuple_type": _TEXTS,
    "string_too_short": "must not be empty",
    "model_type": 'is a table, like { persons = ["U0123ABCD"] }',
    "dict_type": "is a table, like { force = true }",
}
_PLACED = re.compile(r"(.*) \(at (?:line (\d+), column \d+|end of document)\)", re.DOTALL)
_KEY = r"(?:^|[\s{,.\[])[\"']?%s[\"']?\s*[=.\]]"

_UNKNOWN: Known = MappingProxyType({})

_HEAD = re.compile(r"\s*\[\[\s*(rule|test|budget)\s*\]\]")

Place = tuple[int | str, ...]


class FaultyPolicy(BotError):
    """The file cannot be used. `faults` are whole sentences, each with its line."""

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = tuple(faults)


def read_policy(
    path: Path | None, commands: Known = _UNKNOWN, setting: str = "POLICY_FILE"
) -> Policy:
    """The policy of a file; the defaults without one. Raises FaultyPolicy with all its faults.

    With `commands` (all there are), what fits none of them is a fault, and so is whatever else
    would guard nothing. `setting` is where the path was given.
    """
    if path is None:
        return Policy()
    text = _text_of(path, setting)
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise FaultyPolicy([_no_toml(path, str(error))]) from None
    except RecursionError:
        raise FaultyPolicy(
            [f"{path} cannot be read: its brackets are nested too deeply."]
        ) from None
    except ValueError:  # the only other one: Python reads no number of more than 4,300 digits
        raise FaultyPolicy([f"{path} cannot be read: it has a number that is too long."]) from None
    lines = _Lines(text)
    twice = list(_named_twice(document, lines))
    found: list[rule_sense.Fault] = []
    reaches = rule_sense.Reaches(commands)
    for number, rule, left_out in _readable_rules(document, commands):
        told = list(rule_sense.alone(number, rule, reaches))
        # What seems to lack a key that could not be read lacks nothing.
        if left_out - {"match"}:
            told = [one for one in told if one[0][-1] == "deny"]
        found += [one for one in told if one[0][-1] not in left_out]
    policy = Policy()
    try:
        policy = Policy.model_validate(document, context={"commands": commands})
    except ValidationError as error:
        wrong = error.errors(include_url=False, include_context=True)
        found += [(fault["loc"], _sentence(fault)) for fault in wrong]
    else:
        found += rule_sense.together(policy, reaches)
    twice += [(lines.of(place), told) for place, told in found]
    if twice:
        told_once = dict.fromkeys(sorted(twice))  # each of a union's kinds is a fault of its own
        raise FaultyPolicy([f"{path} line {number}: {what}" for number, what in told_once])
    return policy


def _readable_rules(
    document: Mapping[str, Any], commands: Known
) -> Iterator[tuple[int, Rule, frozenset[str]]]:
    """The rules, each by itself and without its keys that cannot be read: one fault hides no other.

    With the names of those keys; of conditions, only those in `match` that are faulty are left out.
    """
    rules = document.get("rule")
    for number, rule in enumerate(rules if isinstance(rules, list) else ()):
        try:
            yield number, Rule.model_validate(rule, context={"commands": commands}), frozenset()
        except ValidationError as error:
            places = [fault["loc"] for fault in error.errors(include_url=False)]
            faulty = frozenset(str(place[0]) for place in places if place)
            with suppress(ValidationError):
                rest = _without(rule, places)
                yield number, Rule.model_validate(rest, context={"commands": commands}), faulty


def _without(rule: Any, places: Sequence[Place]) -> Any:
    """A rule without what stands at these places; its name and conditions cannot be missing."""
    if not isinstance(rule, dict):
        return rule
    match = rule.get("match")
    conditions = {place[1] for place in places if place[0] == "match" and len(place) > 1}
    kept = match if isinstance(match, dict) else {}
    rest = {key: value for key, value in rule.items() if key not in {place[0] for place in places}}
    left = {key: value for key, value in kept.items() if key not in conditions}
    return {"name": "?", **rest, "match": left}


def _text_of(path: Path, setting: str) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")  # some editors put a mark before it
    except FileNotFoundError:
        what = "does not exist"
    except IsADirectoryError:
        what = "is a directory, not a file"
    except PermissionError:
        what = "may not be read by the user whom the bot runs as"
    except UnicodeDecodeError as error:
        what = f"is not UTF-8 text (byte {error.start + 1})"
    except OSError as error:
        what = f"cannot be read: {error.strerror}"
    raise FaultyPolicy([f"{path.absolute()} {what} ({setting}={path})."])


def _no_toml(path: Path, problem: str) -> str:
    found = _PLACED.fullmatch(problem)
    what, number = (found[1], found[2]) if found else (problem, None)
    where = f"line {number}" if number else "at its end"
    return f"{path} {where}: this is not TOML: {what}."


def _named_twice(document: Mapping[str, Any], lines: "_Lines") -> Iterator[tuple[int, str]]:
    seen: set[str] = set()
    rules = document.get("rule")
    for number, rule in enumerate(rules if isinstance(rules, list) else ()):
        name = rule.get("name") if isinstance(rule, dict) else None
        if isinstance(name, str) and fold(name) in seen:
            yield lines.of(("rule", number, "name")), f"two rules are called “{name}”."
        if isinstance(name, str):
            seen.add(fold(name))


# Words


def _sentence(fault: ErrorDetails) -> str:
    place = [part for part in fault["loc"] if isinstance(part, str)]
    key = place[-1] if place else ""
    owner, model = next(
        (_PARTS[part] for part in reversed(place[:-1]) if part in _PARTS), ("the file", Policy)
    )
    if "arguments" in place[:-1]:
        name = place[place.index("arguments") + 1]
        return f"the argument `{name}` is a text in quotes, a whole number, true or false."
    if fault["type"] == "missing":
        article = "an" if key[:1] in "aeiou" else "a"
        return f"{owner} needs {article} `{key}`."
    if fault["type"] == "extra_forbidden":
        return f"{owner} has no key `{key}`; {_nearest(key, model)}."
    return f"`{key}` {_wanted(fault, model)}."


def _wanted(fault: ErrorDetails, model: type[BaseModel]) -> str:
    kind, limits = fault["type"], fault.get("ctx", {})
    if kind == "value_error":
        return fault["msg"].removeprefix("Value error, ")
    if kind == "greater_than_equal":
        return f"{_NUMBER}, {limits['ge']} or more"
    if kind == "less_than_equal":
        return f"{_NUMBER}, {limits['le']} or less"
    if kind == "string_type":
        in_a_list = isinstance(fault["loc"][-1], int)
        return _TEXTS if in_a_list else "is a text in quotes"
    if kind == "literal_error":
        return f"is one of {limits['expected']}"
    if kind == "tuple_type" and fault["loc"] in {("rule",), ("test",), ("budget",)}:
        name = fault["loc"][0]
        return f"is written in double brackets, [[{name}]], once for each {name}"
    if kind == "model_type" and fault["loc"][-1] == "match":
        return 'is a table, like { command = "vm.delete" }'
    if kind == "model_type" and model is Defaults:
        return "is a table, like { approvals = 1 }"
    return _WANTED.get(kind, f"cannot be used: {fault['msg']}")


def _nearest(key: str, model: type[BaseModel]) -> str:
    known = list(model.model_fields)
    if close := get_close_matches(key, known, n=1):
        return f"perhaps `{close[0]}` is meant"
    return "it may have " + ", ".join(f"`{name}`" for name in known)


class _Lines:
    """The lines of the file, and where its tables stand in it."""

    def __init__(self, text: str) -> None:
        self._lines = [line.partition("#")[0] for line in text.splitlines()]
        self._heads: dict[str, list[int]] = {"rule": [], "test": [], "budget": []}
        for number, line in enumerate(self._lines):
            if found := _HEAD.match(line):
                self._heads[found[1]].append(number)

    def of(self, place: Place) -> int:
        """The line of a faulty entry: its key, within its own table; else where that begins."""
        first, last = self._table(place)
        for key in reversed([part for part in place if isinstance(part, str)]):
            pattern = re.compile(_KEY % re.escape(key))
            for number in range(first, last):
                if pattern.search(self._lines[number]):
                    return number + 1
        return first + 1

    def _table(self, place: Place) -> tuple[int, int]:
        """The lines of the rule, or of the table, that an entry is in: from, and up to."""
        if len(place) > 1 and place[0] in self._heads and isinstance(place[1], int):
            heads = [*self._heads[str(place[0])][place[1] : place[1] + 2], len(self._lines)]
            if len(heads) > 1:
                return heads[0], heads[1]
        elif place:
            wanted = re.compile(rf"\s*\[\s*{re.escape(str(place[0]))}\b")
            for number, line in enumerate(self._lines):
                if wanted.match(line):
                    return number, len(self._lines)
        return 0, len(self._lines)
