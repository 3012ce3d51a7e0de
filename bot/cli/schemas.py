"""Refuses to change a database that another version of the bot has to change first."""

import asyncio

from bot.errors import BotError
from storage import BeingRestored, Inspection, NewerVersion


def require_newest(url: str) -> None:
    """Return where the database has this version's schema. Raises BotError."""
    asyncio.run(_require_newest(url))


async def _require_newest(url: str) -> None:
    inspection = Inspection(url)
    try:
        schema = await inspection.schema()
    finally:
        await inspection.close()
    if schema.is_being_restored:
        raise BeingRestored
    if schema.is_newer:
        raise NewerVersion(schema.current)
    if not schema.is_newest:
        raise BotError(
            f"The database's schema is {schema.current or 'empty'}, and this version has "
            f"{schema.needed}.",
            hint="To migrate it, start the bot once.",
        )
