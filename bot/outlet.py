"""Write the log. A log that cannot be written raises nothing in the code that logs.

With a full disk or an unread pipe the bot goes on, and says later how many lines were lost.
"""

import os
import select
import threading
from collections.abc import Callable

# Of a pipe that is ready for writing, as POSIX has it: so much of it never blocks.
_AT_ONCE = select.PIPE_BUF
# A reader that is only slow gets so long; one that does not read costs that once.
_PATIENCE_MS = 100


class Outlet:
    """A stream over a file descriptor that drops what cannot be written, and counts it.

    `told` gives the line that says how many were lost, once there is room again.
    """

    def __init__(self, descriptor: int, told: Callable[[int], str]) -> None:
        self._descriptor = descriptor
        self._told = told
        self._lock = threading.Lock()
        self._lost = 0
        self._is_torn = False  # the last thing there is the beginning of a line
        self._ready = select.poll()
        self._ready.register(descriptor, select.POLLOUT)

    def write(self, text: str) -> int:
        """Write a whole line, or nothing. Raises nothing."""
        with self._lock:
            told = self._told(self._lost) if self._lost else ""
            if self._put(told) and self._put(text):
                self._lost = 0
            else:
                self._lost += 1
        return len(text)

    def flush(self) -> None:
        """Nothing is held back."""

    def _put(self, text: str) -> bool:
        left = memoryview(text.encode("utf-8", "backslashreplace"))
        if left and self._is_torn:
            left = memoryview(b"\n" + left.tobytes())
        try:
            while left:
                if not self._ready.poll(0 if self._lost else _PATIENCE_MS):
                    return False
                left = left[os.write(self._descriptor, left[:_AT_ONCE]) :]
                self._is_torn = bool(left)
        except OSError:
            return False
        return True
