"""A row of `vm list`, pasted behind a command: the machine that it names, where that is clear.

Goes by the id that stands in the row; all the other words have to be the row's own, so that none
that says something else is lost. Looks only at what is known here; asks nobody.
"""

from collections.abc import Sequence

from bot.dbc.models import is_state
from bot.folding import plain
from bot.language.parse import Parsed, Surplus
from bot.model import Machine, Place
from bot.pipeline.context import Services
from bot.pipeline.formatting import short

_EMOJI = "_circle:"
_MARKS = "*_`~"
_SEEN = "(as last seen"


async def row_meant(
    services: Services, surplus: Surplus, actor: str, place: Place
) -> Parsed | None:
    """The command with the machine of the pasted row; None where it is none, or several's."""
    of_vm = [p for p in surplus.command.parameters if p.arg.kind == "vm"]
    if len(of_vm) != 1 or of_vm[0].name in surplus.values:
        return None
    machines = await services.inventory.machines(actor, place.channel)
    found = [one for one in machines if _is_row(one, surplus.bare)]
    if len(found) != 1:
        return None
    return Parsed(surplus.command, {**surplus.values, of_vm[0].name: found[0].task})


def _is_row(machine: Machine, bare: Sequence[str]) -> bool:
    """Whether these words are the row of this machine, as it was whenever it was copied."""
    typed = _folded(" ".join(word for word in bare if _says_something(word)))
    before, identifier, behind = typed.partition(plain(short(machine.task)))
    if not identifier or before.strip() not in _labels(machine):
        return False
    state, _, more = behind.partition(_SEEN)[0].partition("·")
    if more.strip() not in {"", _folded(machine.desc)}:
        return False
    return is_state(state.strip()) or not state.strip()


def _says_something(word: str) -> bool:
    """Not the dot before a name: `:white_circle:`, or the character that Slack makes of it."""
    return any(char.isalnum() or char in "·(" for char in word) and not word.endswith(_EMOJI)


def _labels(machine: Machine) -> set[str]:
    names = (machine.label, machine.nickname, machine.desc)
    return {_folded(name) for name in names if name}


def _folded(text: str) -> str:
    """Its words, without the marks that make several of them stand out."""
    return " ".join(filter(None, (plain(word.strip(_MARKS)) for word in text.split())))
