"""One line in the log for each command that came to its end: who ran what, where, and how it went.

`id` is that of the execution, as in the metadata of its messages and in the audit; `key` is that of
the delivery, which begins with the error id that people see.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from bot.metrics import Metrics
from bot.model import Execution, ExecutionStatus, Place, Source
from bot.ports import Traces
from bot.reply import plain

# What somebody may have to look at; the rest went as somebody wanted.
_TROUBLE = frozenset({ExecutionStatus.FAILED, ExecutionStatus.UNKNOWN})

log = structlog.get_logger()


class Asked(Protocol):
    """What is logged of the requester, and of where they asked."""

    @property
    def key(self) -> str:
        """The delivery's."""
        ...

    @property
    def actor(self) -> str:
        """Who."""
        ...

    @property
    def place(self) -> Place:
        """Where."""
        ...

    @property
    def source(self) -> Source:
        """How."""
        ...


class CommandLog:
    """Tells the log and the metrics of ends. Raises nothing."""

    def __init__(self, metrics: Metrics, traces: Traces | None = None) -> None:
        self._metrics = metrics
        self._traces = traces

    def ended(self, execution: Execution) -> None:
        """Tell of a command that was recorded, once its end is stored."""
        self._metrics.commanded(execution.command, str(execution.status))
        tell = log.warning if execution.status in _TROUBLE else log.info
        said: Mapping[str, object] = {
            "id": execution.id,
            "key": execution.key,
            "actor": execution.actor,
            "command": execution.command.replace(".", " "),
            "node": execution.node,
            "machine": execution.task,
            "outcome": str(execution.status),
            "source": str(execution.source),
            "channel": execution.place.channel,
            "approved_by": list(execution.approved_by),
            "waited": _seconds(execution.created_at, execution.started_at),
            "took": _seconds(execution.started_at, execution.finished_at),
            "why": plain(execution.outcome),
        }
        if (traces := self._traces) is not None:
            _traced(traces, execution)
        nothing: tuple[object, ...] = ("", None, [])  # unlike no seconds at all
        tell("command.ended", **{name: one for name, one in said.items() if one not in nothing})

    def read(
        self, asked: Asked, command: str, outcome: str, took: timedelta, why: str = ""
    ) -> None:
        """Tell of a command that only read: it was not recorded, and has no id.

        `why` is what was said to whoever asked, where it was not done.
        """
        self._metrics.commanded(command, outcome)
        is_failure = outcome in {str(one) for one in _TROUBLE}
        if self._traces is not None:
            told = {
                "key": asked.key, "actor": asked.actor, "outcome": outcome,
                "source": str(asked.source), "channel": asked.place.channel,
            }  # fmt: skip
            title = command.replace(".", " ")
            self._traces.read(asked.key, title, took, told, is_failure=is_failure)
        tell = log.warning if is_failure else log.info
        tell(
            "command.ended",
            key=asked.key,
            actor=asked.actor,
            command=command.replace(".", " "),
            outcome=outcome,
            source=str(asked.source),
            channel=asked.place.channel,
            took=round(took.total_seconds(), 3),
            **({"why": why} if why else {}),
        )


def _traced(traces: Traces, execution: Execution) -> None:
    """From the request to its end, with ids alone: no name, no argument and no outcome's words."""
    told = {
        "key": execution.key, "actor": execution.actor, "node": execution.node,
        "machine": execution.task, "outcome": str(execution.status),
        "source": str(execution.source), "channel": execution.place.channel,
        "approved_by": " ".join(execution.approved_by),
    }  # fmt: skip
    traces.command(
        execution.id, execution.command.replace(".", " "), execution.created_at,
        execution.finished_at or execution.created_at, told,
        is_failure=execution.status in _TROUBLE,
    )  # fmt: skip


def _seconds(since: datetime | None, until: datetime | None) -> float | None:
    if since is None or until is None:
        return None
    return round(max((until - since).total_seconds(), 0.0), 3)
