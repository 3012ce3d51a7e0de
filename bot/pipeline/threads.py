"""What a line in the thread of a card speaks of without naming it: “restart it”, “and its logs?”.

It is the card's machine, by its id: whatever is called so by now is no other one. A line that names
a machine itself is about that one.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from bot.ids import TaskId
from bot.language.table import Command
from bot.language.text import clean, words
from bot.model import Invocation, Place
from bot.pipeline.context import Services
from bot.pipeline.known_words import KnownWords

# A card is posted soon after its request was recorded, or once Slack is back.
_BEFORE, _AFTER = timedelta(hours=1), timedelta(minutes=1)  # clocks differ
_THING = "(?:machine|vm|box|instance|server)"
_SOON = "now|please|pls|again|up|down|off|on|with|for|too|force|and"
_END = rf"(?=\s*(?:$|[.,;:!?，。；！？]|(?:{_SOON})\b))"
_IT = re.compile(
    rf"(?<![\w=<@#/.-])(?:its|it|(?:this|that)(?: (?:one|{_THING})\b|{_END})"
    rf"|the {_THING}\b(?! list))(?:['’]s\b)?(?![\w=-])"
    "|(?:这|那|该)(?:一?台)?(?:虚拟机|机器)|[这那](?:一?台|个)|它",
    re.IGNORECASE,
)
# Behind these, a line says why, or repeats what it wants written: “because it hangs”.
_SAYS_WHY = re.compile(
    '["“”„«「『]|\\b(?:because|cause|since|reason|as|break_glass)\\b|因为|原因', re.I
)
_VM = "vm"


async def machine_of(services: Services, place: Place) -> TaskId:
    """The machine of the card in whose thread this is; nothing elsewhere."""
    if not place.thread:
        return TaskId("")
    try:
        posted = datetime.fromtimestamp(float(place.thread), UTC)
    except (ValueError, OverflowError, OSError):
        return TaskId("")
    async with services.store.read() as tx:
        of = await tx.executions.carded(
            place.channel, place.thread, posted - _BEFORE, posted + _AFTER
        )
    return of.task if of is not None else TaskId("")


async def spelled_out(services: Services, said: Invocation) -> Invocation:
    """A line with the machine of its thread in the place of “it”."""
    if not said.place.thread or (found := _pronoun(said.text)) is None:
        return said
    if not (task := await machine_of(services, said.place)):
        return said
    typed = words(clean(said.text))
    if await KnownWords(services, said.actor, said.place).names_machine(typed):
        return said
    before, behind = said.text[: found.start()], said.text[found.end() :]
    return replace(said, text=f"{before} {task} {behind}".strip())


def _pronoun(text: str) -> re.Match[str] | None:
    """Where a line speaks of what its thread is about, before it says why."""
    why = _SAYS_WHY.search(text)
    return _IT.search(text, 0, why.start() if why else len(text))


async def filled(
    services: Services, command: Command, values: Mapping[str, str], place: Place
) -> Mapping[str, str]:
    """What a line says too little with the machine of its thread, where it lacks one."""
    machine = command.parameter(_VM)
    lacks = machine is not None and machine.arg.kind.is_machine and _VM not in values
    task = await machine_of(services, place) if lacks else ""
    return {**values, _VM: task} if task else values
