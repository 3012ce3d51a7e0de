"""Why a database fails, as it may be told to whoever asks for readiness."""

import errno

from bot.services.database import cause
from storage import StorageFailed


def test_a_cause_names_no_address() -> None:
    failed = StorageFailed("It failed.")
    failed.__cause__ = OSError(errno.EHOSTUNREACH, "Connect call failed ('10.0.0.5', 5432)")
    assert str(cause(failed)) == "no route to host"
