"""Failures switched on by tests and the control API: per method and for so many calls."""

from dataclasses import dataclass, field
from typing import Literal

FaultKind = Literal[
    "ratelimited",
    "http_500",
    "http",  # `status` with a page of HTML, as proxies and edges answer
    "text",  # `status` with plain text, as captive portals answer
    "malformed",  # 200 and JSON that breaks off
    "body",  # 200 and `body` as JSON, whatever it is
    "reset",
    "error",
    "hang",
    "slow",  # answered, once it is carried out
]


@dataclass
class Fault:
    """One kind of failure; `times` None means until cleared."""

    kind: FaultKind
    method: str = "*"
    times: int | None = 1
    retry_after: int = 1
    error: str = "internal_error"
    after_effect: bool = False
    status: int = 503
    body: str = ""
    late: float = 0


@dataclass
class Faults:
    """The failures to come.

    With `after_effect` the call is done and only its answer is lost; with `late` it is done so many
    seconds later, on the workspace's clock, whatever was answered meanwhile.
    """

    pending: list[Fault] = field(default_factory=list)
    date: str = ""  # the Date header of every answer, instead of the server's own

    def add(
        self,
        kind: FaultKind,
        method: str = "*",
        *,
        times: int | None = 1,
        retry_after: int = 1,
        error: str = "internal_error",
        after_effect: bool = False,
        status: int = 503,
        body: str = "",
        late: float = 0,
    ) -> Fault:
        """Let the next calls of a Web API method (`*`: any) fail, or the uses of `response_url`."""
        fault = Fault(kind, method, times, retry_after, error, after_effect, status, body, late)
        self.pending.append(fault)
        return fault

    def ratelimit(self, method: str = "*", *, times: int | None = 1, retry_after: int = 1) -> Fault:
        """HTTP 429 with Retry-After (seconds)."""
        return self.add("ratelimited", method, times=times, retry_after=retry_after)

    def error(self, error: str, method: str = "*", *, times: int | None = 1) -> Fault:
        """An answer with `ok: false` and this error."""
        return self.add("error", method, times=times, error=error)

    def clear(self) -> None:
        """Everything works again."""
        self.pending.clear()
        self.date = ""

    def take(self, method: str, *, by_name: bool = False) -> Fault | None:
        """The failure this call meets, used up by one; `by_name` only one for this very method."""
        for fault in self.pending:
            if fault.method != method and (by_name or fault.method != "*"):
                continue
            if fault.times is not None:
                fault.times -= 1
                if fault.times <= 0:
                    self.pending.remove(fault)
            return fault
        return None
