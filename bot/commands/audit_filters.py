"""Which machines and commands somebody searches the audit for, of those they may read about."""

import asyncio
from dataclasses import replace
from itertools import chain

from bot.errors import NotFound, Refused
from bot.folding import plain
from bot.language.table import words_of
from bot.language.traditional import simplified
from bot.model import AuditQuery
from bot.pipeline.context import Context
from bot.reply import say
from bot.reviews.audit_names import MOST_NAMES, commands_meant, names_meant

_GROUP_AND_VERB = 2  # words


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
