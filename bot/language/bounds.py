"""Numbers that have a least and a most. Pure."""

from bot.errors import Refused
from bot.reply import Text, say

NO_LIMIT = 2**31 - 1


def bounded(label: Text, least: int, most: int, name: str, value: int) -> int:
    """The value, where it is one of these. Raises Refused with the field's name."""
    if least <= value <= most:
        return value
    told = say(
        "{label} must be between {least} and {most}, not {value}.",
        label=label, least=least, most=most, value=value,
    )  # fmt: skip
    if most == NO_LIMIT:
        told = say(
            "{label} must be {least} or more, not {value}.",
            label=label, least=least, value=value,
        )  # fmt: skip
    raise Refused(told, field=name)
