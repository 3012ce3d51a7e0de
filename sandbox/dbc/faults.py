"""Things that go wrong on request: by name, for a node, a path, a number of times.

Holds and picks faults; the front acts on them.
"""

from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from sandbox.dbc.calls import Call


class FaultName(StrEnum):
    """Every fault there is."""

    SLOW = "slow"
    """Done and answered, but only after `seconds`; from 30 s on the timeout answers first."""
    LATE = "late"
    """HTTP 500 `… timeout` after 30 s, and done after `seconds` all the same; other requests go on
    meanwhile."""
    LONG_WAY = "long_way"
    """Done at once, but the answer is on its way for `seconds`; other requests go on meanwhile."""
    HANG = "hang"
    """Not done, never answered; a pending slot is lost."""
    TIMEOUT_AFTER_DOING = "timeout_after_doing"
    """Done, then HTTP 500 `… timeout` after 30 s."""
    RESET_BEFORE = "reset_before"
    """The connection is cut, nothing is done."""
    RESET_AFTER = "reset_after"
    """Done, then the connection is cut without an answer."""
    HTML_BODY = "html_body"
    """A proxy's HTTP 502 with an HTML page; nothing is done."""
    GATEWAY_DOWN = "gateway_down"
    """A gateway's HTTP 503 with JSON of its own; nothing is done."""
    GATEWAY_TIMEOUT = "gateway_timeout"
    """Done, but the gateway has given up waiting: HTTP 504 with an HTML page."""
    UPSTREAM_LOST = "upstream_lost"
    """Done, but the gateway says in JSON of its own, with HTTP 504, that something is not found."""
    PROXY_TIMEOUT = "proxy_timeout"
    """Done, but the proxy has waited too long: HTTP 408 with JSON of its own."""
    TOO_MANY = "too_many"
    """Done; the proxy sent it again, and gives that one's answer: HTTP 429 with an `errcode`."""
    SENT_TWICE = "sent_twice"
    """Done; the proxy sent it again, and gives the answer that the node gave to the second one."""
    SENT_LATER = "sent_later"
    """Done; once that is carried out, the proxy sends it again, and gives that one's answer."""
    REDIRECT = "redirect"
    """HTTP 301 to another address; nothing is done."""
    FORBIDDEN = "forbidden"
    """A gateway's HTTP 403 with an HTML page; nothing is done."""
    PROXY_LOGIN = "proxy_login"
    """HTTP 407 without a word; nothing is done."""
    WEB_PAGE = "web_page"
    """HTTP 200 with a page for people; nothing is done."""
    OTHER_SERVICE = "other_service"
    """HTTP 200 with the JSON of another service; nothing is done."""
    SPARSE = "sparse"
    """Done, and answered with nothing but names and states: all that may be absent is."""
    EMPTY_LIST = "empty_list"
    """A list that has nothing in it, as of a node that has just started; what is there stays."""
    SHORT_LIST = "short_list"
    """A list without its last entry; what is there stays."""
    LONG_LIST = "long_list"
    """A list that repeats what is in it until it has thousands of entries."""
    BAD_JSON = "bad_json"
    """Done, but the answer is cut off in the middle."""
    UNKNOWN_NODE = "unknown_node"
    """`create node request failed`."""
    DEAD_NODE = "dead_node"
    """The node does not answer: HTTP 500 `… timeout` after 30 s, nothing done."""
    SLOTS_FULL = "slots_full"
    """`create request session failed`."""
    SOFT_FAILURE = "soft_failure"
    """Not done; the refusal stands in the text of an answer with errcode 0."""
    ODD_SUCCESS = "odd_success"
    """Done, but said with errcode 0 in other words than ever before."""
    ODD_CODE = "odd_code"
    """Done, but answered with an error code that no version is known to have."""
    ECHO = "echo"
    """Not done; an error that repeats the whole request, secrets included, in some `spelling`."""
    DISCONNECTED = "disconnected"
    """`broadcast request failed`, and the daemon crashes 30 s later."""


@dataclass
class Fault:
    """One fault; empty `node` or `path` match everything, `count` None lasts until removed."""

    name: FaultName
    node: str = ""
    path: str = ""
    count: int | None = None
    delay: timedelta = timedelta(seconds=5)
    spelling: str = "plain"
    hits: int = field(default=0)

    def matches(self, call: Call) -> bool:
        """Whether a call is in the fault's scope: node id or name, path below /api/v1.

        The path's first words count: `/images/download` is not in `/images/downloadprogress`.
        """
        if self.node and self.node not in {call.node, call.node_name}:
            return False
        path = call.path.removeprefix("/api/v1").partition("?")[0]
        return f"{path}/".startswith(f"{self.path.rstrip('/')}/")


class Faults:
    """The faults switched on, oldest first."""

    def __init__(self) -> None:
        self._active: list[Fault] = []

    @property
    def active(self) -> list[Fault]:
        """A copy of the list."""
        return list(self._active)

    def on(
        self,
        name: str,
        *,
        node: str = "",
        path: str = "",
        count: int | None = None,
        seconds: float = 5.0,
        spelling: str = "plain",
    ) -> Fault:
        """Switch a fault on; raises ValueError for an unknown name."""
        fault = Fault(FaultName(name), node, path, count, timedelta(seconds=seconds), spelling)
        self._active.append(fault)
        return fault

    def off(self, name: str | None = None) -> None:
        """Switch all faults of a name off, or all."""
        self._active = [it for it in self._active if name is not None and it.name != name]

    def take(self, call: Call) -> Fault | None:
        """The first fault in whose scope the call is; its count goes down."""
        for fault in self._active:
            if fault.matches(call):
                fault.hits += 1
                if fault.count is not None and fault.hits >= fault.count:
                    self._active.remove(fault)
                return fault
        return None
