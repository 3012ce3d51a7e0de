"""The rows, one file per group. A new group is added here; a new command in its group's file."""

from functools import cache

from bot.commands import (
    alias,
    approval,
    audit,
    disk,
    general,
    image,
    lan,
    languages,
    metal,
    node,
    order,
    session,
    snapshot,
    vm,
    watch,
)
from bot.language.table import Table


@cache
def command_table() -> Table:
    """All commands of the bot."""
    return Table(
        (
            vm.GROUP,
            disk.GROUP,
            snapshot.GROUP,
            image.GROUP,
            lan.GROUP,
            metal.GROUP,
            node.GROUP,
            order.GROUP,
            session.GROUP,
            watch.GROUP,
            approval.GROUP,
            audit.GROUP,
            alias.GROUP,
            languages.GROUP,
            general.GROUP,
        )
    )
