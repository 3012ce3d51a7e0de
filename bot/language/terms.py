"""What a review says of a command's arguments: each of them, as it is sent. Pure.

A secret is said to be given, and never what it is.
"""

from collections.abc import Mapping

from bot.language.args import REASON, Parameter
from bot.language.table import Command
from bot.messages.facts import said
from bot.model import Execution, Fact
from bot.reply import Fields, Part, line, say

_GIVEN = "given"  # of a secret: that it is, and never what
_ON = "true"


def terms_of(
    parameters: tuple[Parameter, ...],
    target: Parameter | None,
    given: Mapping[str, str],
    secrets: Mapping[str, str],
) -> dict[str, Fact]:
    """The arguments as facts, without the target, which a card names by itself.

    `given` are the texts, with what is meant by those that were left out.
    """
    found: dict[str, Fact] = {}
    for one in parameters:
        if one is target:
            continue
        text = _text(one, given, secrets)
        if text:
            found[one.name] = Fact(text)
    return found


def terms_for(command: Command, execution: Execution) -> dict[str, Fact]:
    """The arguments of a request, and what is meant by those that were left out."""
    given = {**command.defaults, **execution.facts, **execution.arguments}
    return terms_of(command.parameters, command.target, given, execution.secrets)


def in_full(command: Command, execution: Execution) -> tuple[Part, ...]:
    """All that is going to be sent, and why, where a card does not show what was read as well."""
    kinds = command.kinds
    pairs = [said(kinds, key, fact) for key, fact in terms_for(command, execution).items()]
    if reason := execution.arguments.get(REASON):
        pairs.append((say("Reason"), line(reason)))
    return (Fields(tuple(pairs)),) if pairs else ()


def _text(one: Parameter, given: Mapping[str, str], secrets: Mapping[str, str]) -> str:
    if one.arg.kind.is_secret:
        return _GIVEN if secrets.get(one.name) else ""
    text = given.get(one.name, "")
    return _ON if text and one.arg.kind.is_flag else text
