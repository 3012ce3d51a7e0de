"""What to say of a word too many: most often a name with spaces was typed without quotes.

Looks only at what is known here; asks nobody.
"""

from bot.errors import Refused
from bot.folding import fold
from bot.ids import UserId
from bot.language.text import quoted
from bot.language.unclear import Surplus
from bot.model import Place
from bot.pipeline.context import Services
from bot.reply import (
    Span,
    command,
    say,
)


async def with_quotes(services: Services, surplus: Surplus, actor: UserId, place: Place) -> Refused:
    """The refusal, with the line that was probably meant where several words are one name."""
    machines = await services.inventory.machines(actor, place.channel)
    nodes = (await services.store.known()).nodes()
    called = {name for m in machines for name in (m.nickname, m.desc)}
    called |= {name for n in nodes for name in (n.nickname, n.name, n.desc)}
    known = {fold(name): name for name in sorted(called)}
    bare = surplus.bare
    longest = max((len(name.split()) for name in called), default=0)
    for start in range(len(bare) - 1):
        for end in range(min(len(bare), start + longest), start + 1, -1):
            typed = " ".join(bare[start:end])
            if name := typed if typed in called else known.get(fold(typed), ""):
                words = [*bare[:start], name, *bare[end:]]
                meant = _line(surplus, words)
                return Refused(surplus.words, hint=say("Did you mean {command}?", command=meant))
    return surplus


def _line(surplus: Surplus, words: list[str]) -> Span:
    """The command to type with these words and what else was given."""
    options = [
        name if text == "true" else f"{name}={quoted(text)}"
        for name, text in surplus.values.items()
    ]
    return command(" ".join([surplus.command.title, *map(quoted, words), *options]))
