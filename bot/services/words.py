"""How what is followed is spoken of."""

from dataclasses import dataclass
from datetime import timedelta

from bot.reply import Text


@dataclass(frozen=True, slots=True)
class Words:
    """How a followed command is spoken of: `{label} is starting on {node}`, and once it is done.

    `limit` is how long it is followed without a move, `called` what the command does.
    `brings_up`: the requester wants to connect once it is done. `only_looks`: it ends well by
    telling whatever it saw. `is_news`: its end is of interest to the whole channel. `moves`: its
    machine runs, is off or is gone afterwards. `makes_machine`: under the id of the request.
    """

    doing: Text
    done: Text
    limit: timedelta = timedelta(minutes=60)
    called: Text = ""
    brings_up: bool = False
    only_looks: bool = False
    is_news: bool = False
    moves: bool = False
    makes_machine: bool = False
