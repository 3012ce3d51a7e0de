"""How a WebSocket of Socket Mode can go wrong, switched on by tests and the control API."""

from dataclasses import dataclass, field
from typing import Literal

SocketFaultKind = Literal[
    "refused",  # the handshake gets `status` and a page of HTML
    "unanswered",  # the handshake never gets an answer
    "reset",  # the handshake ends in a broken connection
    "no_hello",  # the handshake succeeds, then nothing comes and nothing is read
    "half_open",  # the same, after the hello
    "endless",  # half-open, and a frame comes that never ends, byte by byte
    "closing",  # closed right after the hello; with a `reason`, after saying so
]


@dataclass
class SocketFault:
    """One kind of failure for the next `times` handshakes; None means until cleared."""

    kind: SocketFaultKind
    times: int | None = 1
    status: int = 403
    reason: str = ""


@dataclass
class SocketFaults:
    """The failures to come, first one first."""

    pending: list[SocketFault] = field(default_factory=list)

    def add(
        self,
        kind: SocketFaultKind,
        *,
        times: int | None = 1,
        status: int = 403,
        reason: str = "",
    ) -> None:
        """Let the next handshakes meet this failure."""
        self.pending.append(SocketFault(kind, times, status, reason))

    def clear(self) -> None:
        """Let every handshake succeed again."""
        self.pending.clear()

    def take(self) -> SocketFault | None:
        """The failure this handshake meets, used up by one."""
        if not self.pending:
            return None
        fault = self.pending[0]
        if fault.times is not None:
            fault.times -= 1
            if fault.times <= 0:
                self.pending.remove(fault)
        return fault
