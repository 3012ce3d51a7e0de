"""Opaque ids: 22 characters from letters and digits, 131 bits of chance."""

import secrets
import string

_ALPHABET = string.ascii_letters + string.digits


def new_id() -> str:
    """An id that nobody can guess.

    It is also a valid DBC task id (20 to 22 letters and digits, docs/dbc-api.md §3.2.1), so a
    creation can carry its ledger entry's id as the machine's.
    """
    return "".join(secrets.choice(_ALPHABET) for _ in range(22))
