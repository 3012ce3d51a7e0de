"""What a review says of a command's arguments: each of them, as it is sent. Pure.

A secret is said to be given, and never what it is.
"""

from collections.abc import Callable, Mapping

from bot.language.args import SECRET, Arg, Parameter
from bot.model import Fact
from bot.reply import Line, Words, channel, line, mention

_GIVEN = "given, not shown"  # of a secret
_YES = "yes"


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
    if one.arg.kind in SECRET:
        return _GIVEN if secrets.get(one.name) else ""
    text = given.get(one.name, "")
    return _YES if text and one.arg.kind == "flag" else text


def said_as(arg: Arg) -> Callable[[str], Words]:
    """How the text of such an argument reads."""
    match arg.kind:
        case "person":
            return lambda text: line(mention(text)) if text else ""
        case "channel":
            return lambda text: line(channel(text)) if text else ""
        case "list":
            return _listed
        case _:
            return str


def _listed(text: str) -> Line:
    return line(", ".join(text.split()))
