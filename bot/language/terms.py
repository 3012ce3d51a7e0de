"""What a review says of a command's arguments: each of them, as it is sent. Pure.

A secret is said to be given, and never what it is.
"""

from collections.abc import Mapping

from bot.language.args import Parameter
from bot.model import Fact

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


def _text(one: Parameter, given: Mapping[str, str], secrets: Mapping[str, str]) -> str:
    if one.arg.kind.is_secret:
        return _GIVEN if secrets.get(one.name) else ""
    text = given.get(one.name, "")
    return _ON if text and one.arg.kind.is_flag else text
