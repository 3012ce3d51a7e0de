"""Everything the bot keeps. The only room that knows SQL; it decides nothing."""

from storage.archive import Archive, has_sealed, is_unused
from storage.backup import Copied, LostKey, PutBack, back_up, restore
from storage.busy import postgres_cause
from storage.dumps import Dump, others_in, put_back_dump, read_dump, read_script
from storage.engine import check_address
from storage.errors import BadKey, BeingRestored, InUse, NewerVersion, StorageFailed, StorageUnfit
from storage.file import (
    JOURNALS,
    LOCK,
    MOUNT,
    PRIVATE,
    is_claimed,
    is_database,
    is_read_only,
    is_there,
    new_file,
    prepare,
    require_ours,
    require_there,
    sqlite_advice,
    sqlite_cause,
)
from storage.inspection import Inspection, Schema, Server
from storage.known import Known
from storage.migrations import BEING_RESTORED
from storage.moving import move
from storage.presence import FileChanged
from storage.repositories.message_rows import LONGEST_PAUSE
from storage.repositories.open_work import Open
from storage.repositories.repository import FARTHEST_AHEAD
from storage.repositories.strangers import Stranger
from storage.repositories.watches import Due, Look
from storage.restoring import Restoring
from storage.store import Store
from storage.transaction import deciding
from storage.uow import UnitOfWork
from storage.vault import Vault, fingerprint, keys_in, place_of, write_keys

__all__ = [
    "BEING_RESTORED",
    "FARTHEST_AHEAD",
    "JOURNALS",
    "LOCK",
    "LONGEST_PAUSE",
    "MOUNT",
    "PRIVATE",
    "Archive",
    "BadKey",
    "BeingRestored",
    "Copied",
    "Due",
    "Dump",
    "FileChanged",
    "InUse",
    "Inspection",
    "Known",
    "Look",
    "LostKey",
    "NewerVersion",
    "Open",
    "PutBack",
    "Restoring",
    "Schema",
    "Server",
    "StorageFailed",
    "StorageUnfit",
    "Store",
    "Stranger",
    "UnitOfWork",
    "Vault",
    "back_up",
    "check_address",
    "deciding",
    "fingerprint",
    "has_sealed",
    "is_claimed",
    "is_database",
    "is_read_only",
    "is_there",
    "is_unused",
    "keys_in",
    "move",
    "new_file",
    "others_in",
    "place_of",
    "postgres_cause",
    "prepare",
    "put_back_dump",
    "read_dump",
    "read_script",
    "require_ours",
    "require_there",
    "restore",
    "sqlite_advice",
    "sqlite_cause",
    "write_keys",
]
