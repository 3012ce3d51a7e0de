"""Opaque ids: 22 characters from letters and digits, 131 bits of chance."""

import secrets
import string

_ALPHABET = string.ascii_letters + string.digits
_LENGTH = 22


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
