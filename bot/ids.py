"""Opaque ids: 22 characters from letters and digits, 131 bits of chance."""

import secrets
import string
from typing import NewType, TypeGuard

UserId = NewType("UserId", str)  # a person at Slack
ChannelId = NewType("ChannelId", str)  # a conversation at Slack
NodeId = NewType("NodeId", str)  # a node of DBC
TaskId = NewType("TaskId", str)  # a machine of DBC
ExecutionId = NewType("ExecutionId", str)  # an entry of the ledger
ApprovalId = NewType("ApprovalId", str)
Reader = UserId | ChannelId  # whoever reads something: a person, or those in a conversation

_ALPHABET = string.ascii_letters + string.digits
_LENGTH = 22


def is_person(one: Reader) -> TypeGuard[UserId]:
    """Whether an id at Slack is a person's: a direct message is addressed so, too."""
    return one.startswith(("U", "W"))


def new_id() -> str:
    """An id that nobody can guess.

    It is also a valid DBC task id (20 to 22 letters and digits, docs/dbc-api.md §3.2.1), so a
    creation can carry its ledger entry's id as the machine's.
    """
    # One draw from the system instead of one a character: an acknowledgement waits for it.
    number = secrets.randbelow(len(_ALPHABET) ** _LENGTH)
    characters = []
    for _ in range(_LENGTH):
        number, index = divmod(number, len(_ALPHABET))
        characters.append(_ALPHABET[index])
    return "".join(characters)
