"""What can go wrong with what is kept. No sentence here ever holds a secret or a statement."""

from pathlib import Path

from bot.errors import BotError, Taken


class StorageFailed(BotError):
    """The database could not be reached, read or written; `file` is there with SQLite only."""

    file: Path | None = None


class StorageBusy(StorageFailed):
    """Others were in the way of this transaction, and nothing of it was done: it may work again."""


class StorageUnfit(StorageFailed):
    """The database takes nobody like us: waiting does not mend it, a setting does."""


class StorageUnsure(StorageFailed):
    """The database was lost during a commit: nobody knows whether what was written is stored."""


class NewerVersion(BotError):
    """A newer version of the bot has migrated this database."""

    def __init__(self, schema: str) -> None:
        super().__init__(
            f"A newer version of the bot has used this database (schema {schema}).",
            hint="Run that version, or restore with this one a backup from before the upgrade: "
            "python -m bot restore FILE",
        )
        self.schema = schema


class BeingRestored(Taken):
    """A restore has begun to put a dump into this PostgreSQL database, and has not ended."""

    def __init__(self) -> None:
        super().__init__(
            "This database is being restored from a backup, or its restore was broken off.",
            hint="No bot uses it before that is through. Where it was broken off, repeat it: "
            "python -m bot restore FILE",
        )


class InUse(Taken):
    """Another process owns this SQLite file."""


class BadKey(BotError):
    """A credential key is missing, malformed, or not the one something was encrypted with."""
