"""Finding machines in the App Home: the form that asks for words, and which machines have them."""

import re
from collections.abc import Mapping, Sequence

from bot.dbc.models import said_state
from bot.folding import plain
from bot.ids import NodeId
from bot.model import Machine, Press
from bot.pipeline.works import showing
from bot.ports import HOME_FIND, HOME_PAGES, HOME_WORDS, Work
from bot.reply import FieldKind, Form, FormField, Language, catalogue, say
from bot.reply import plain as in_words

_PAGES = re.compile(r"[0-9]{1,6}(\.[0-9]{1,6}){0,2}")
_LANGUAGES: tuple[Language, ...] = ("en", "zh")


async def ask(press: Press) -> Work:
    """Open the form; what is sent in is shown in the Home, at the pages that the button names."""
    field = FormField(
        HOME_WORDS, say("Find"), FieldKind.TEXT, hint=say("Part of its name, id, node or state")
    )
    kept = {HOME_PAGES: press.value} if _PAGES.fullmatch(press.value) else {}
    return showing(Form(HOME_FIND, say("Find a machine"), say("Find"), (field,), kept=kept))


def found(machines: Sequence[Machine], labels: Mapping[NodeId, str], words: str) -> list[Machine]:
    """The machines that have all of the words in a name, their id, their node's name or state."""
    wanted = plain(words).split()
    return [one for one in machines if _has(one, labels.get(one.node, ""), wanted)]


def _has(machine: Machine, node: str, wanted: Sequence[str]) -> bool:
    state = said_state(machine.status)
    states = [in_words((state,), catalogue(language)) for language in _LANGUAGES]
    texts = (machine.label, machine.desc, machine.task, node, machine.status, *states)
    whole = "\n".join(plain(text) for text in texts)
    return all(word in whole for word in wanted)
