"""What somebody searches the audit for: its arguments, and what their words mean there."""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from itertools import chain
from typing import Annotated

from bot.commands.audit_rows import ENDS, WORDS
from bot.errors import NotFound, Refused
from bot.folding import narrow, plain
from bot.ids import UserId
from bot.language.kind import Arg
from bot.language.kinds import INT, MOMENT
from bot.language.table import words_of
from bot.language.times import spoken, spoken_end
from bot.language.traditional import simplified
from bot.model import AuditKind, AuditQuery, ExecutionStatus
from bot.pipeline.context import Context
from bot.reply import catalogue, listed, say
from bot.reply import plain as said_in
from bot.reviews.audit_names import MOST_NAMES, commands_meant, names_meant

_GROUP_AND_VERB = 2  # words
_IN_CHINESE = {
    "完成": ExecutionStatus.DONE,
    "失败": ExecutionStatus.FAILED,
    "未知": ExecutionStatus.UNKNOWN,
    "拒绝": ExecutionStatus.DENIED,
    "取消": ExecutionStatus.CANCELLED,
    "过期": ExecutionStatus.EXPIRED,
}
OUTCOMES = tuple(dict.fromkeys((*ExecutionStatus, *AuditKind)))
_PERSON = re.compile(r"<?@?([UW][A-Z0-9]{2,})(?:\|[^>]*)?>?")


def _spoken_of(text: str) -> str:
    """Whom a sentence names by a mention."""
    found = _SPOKEN_OF.search(text)
    return f"@{found[1].upper()}" if found else ""


def _spoken_outcome(text: str) -> str:
    """What became of what a sentence asks for."""
    found = _SPOKEN_OUTCOME.search(text)
    return (found["en"] or _OUTCOMES[found["zh"]]) if found else ""


_SPOKEN_OF = re.compile(r"@([uw][a-z0-9]{2,})\b")
_OUTCOMES = {"失败": "failed", "拒绝": "denied"}
_SPOKEN_OUTCOME = re.compile(r"\b(?P<en>failed|denied|unknown|expired)\b|(?P<zh>失败|拒绝)")

Who = Annotated[
    str,
    Arg(say("Person"), hint=say("What they did or asked for: @alice, or me"), spoken=_spoken_of),
]
Which = Annotated[
    str,
    Arg(
        say("Machine"),
        hint=say("Name, a word of it, task id, or the beginning of one"),
        word="machine",
    ),
]
What = Annotated[
    str, Arg(say("Command"), hint=say("Like vm, restart or “vm restart”"), narrow=True)
]
CameOf = Annotated[
    str,
    Arg(
        say("Outcome"),
        hint=say("Like done, failed, unknown, denied, requested"),
        spoken=_spoken_outcome,
    ),
]
Since = Annotated[
    str,
    Arg(
        say("Since"),
        MOMENT,
        hint=say("2h, yesterday, 2026-11-01, 2026-11-01T18:30"),
        narrow=True,
        spoken=spoken,
    ),
]
Until = Annotated[
    str,
    Arg(
        say("Until"),
        MOMENT,
        hint=say("As since; a day is included"),
        narrow=True,
        spoken=spoken_end,
    ),
]
Before = Annotated[int, Arg(say("Before"), INT, say("Only rows before this number"), least=1)]


async def about_machine(ctx: Context, query: AuditQuery, typed: str) -> AuditQuery:
    """The query, narrowed to the machines that are called so, or were. Raises NotFound.

    A name of which the reader may not read is passed over like one that there is not.
    """
    known = await ctx.services.inventory.machines(ctx.actor, ctx.place.channel)
    called = {one.task: {one.task, one.nickname, one.desc} for one in known}
    audit = ctx.services.audit
    ways = names_meant(typed, [*await audit.names(), *chain(*called.values())])
    # The audit names more machines than can be gone through while others wait.
    while names := await asyncio.to_thread(next, ways, frozenset[str]()):
        names |= {task for task, its in called.items() if its & names}
        if len(names) > MOST_NAMES:
            raise Refused(
                say("“{id}” is the beginning of several.", id=typed),
                hint=say("Type more of it."),
            )
        alone = AuditQuery(
            names=names,
            reader=query.reader,
            reader_nodes=query.reader_nodes,
            hidden_nodes=query.hidden_nodes,
        )
        if await audit.page(alone, before=None, limit=1):
            return replace(query, names=names)
    raise NotFound(
        say(
            "The audit has no machine called “{text}”, or none that you may read about.",
            text=typed,
        ),
        hint=say("Type the beginning of its name, of a word of it or of its task id."),
        field="vm",
    )


async def commands_of(ctx: Context, typed: str) -> frozenset[str]:
    """The commands that are meant by group, verb or both, also former ones. Raises NotFound."""
    table, words = ctx.services.table, typed.split()
    row = table.find(*words) if len(words) == _GROUP_AND_VERB else None
    if row is not None:
        return frozenset({row.id})
    group = table.group(typed)
    text = group.name if group is not None else typed
    known = {*await ctx.services.audit.commands(), *(one.id for one in table)}
    verb = simplified(plain(typed))
    found = commands_meant(text, known) or {one.id for one in table if verb in words_of(one)}
    if not found:
        raise NotFound(
            say("There is no command “{typed}”.", typed=typed),
            hint=say("Type a group, a verb or both: vm, delete or “vm delete”."),
            field="command",
        )
    return frozenset(found)


def person_meant(typed: str, actor: UserId) -> str:
    """Whose id was typed or mentioned; nothing where nobody's was. Raises Refused."""
    if not typed.strip():
        return ""
    if plain(typed) == "me":
        return actor
    found = _PERSON.fullmatch(narrow(typed))
    if found is None:
        raise Refused(
            say("I know nobody called “{typed}”.", typed=typed),
            hint=say("Mention the person: person=@alice"),
        )
    return found[1]


@cache
def _in_chinese() -> Mapping[str, str]:
    """Outcomes as people say them in Chinese, and as a list shows them."""
    shown = {
        plain(said_in(said, catalogue("zh"))): str(kind)
        for kind, said in (*WORDS.items(), *ENDS.items())
    }
    return shown | {said: str(outcome) for said, outcome in _IN_CHINESE.items()}


def outcome_meant(typed: str) -> str:
    """The outcome as it is stored, in whatever language it was typed. Raises Refused."""
    word = plain(typed).replace(" ", "_")
    word = _in_chinese().get(word, word)
    if word and word not in OUTCOMES:
        known = listed(one.replace("_", " ") for one in OUTCOMES)
        raise Refused(
            say("There is no outcome “{typed}”.", typed=typed),
            hint=say("There are: {known}.", known=known),
        )
    return word
