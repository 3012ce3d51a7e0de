"""How what is followed is spoken of."""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class Words:
    """How a followed command is spoken of: "train-01 *is starting*", "train-01 *has started*".

    `limit` is how long it is followed without a move, `title` what people call the command.
    """

    doing: str
    done: str
    limit: timedelta = timedelta(minutes=60)
    title: str = ""
