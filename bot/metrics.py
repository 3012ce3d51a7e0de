"""What the bot counts and measures, for Prometheus. No label holds what people or nodes write.

Each event costs one look into a dictionary and one addition; what stands in the database is read
by `bot.monitoring` when somebody asks for it.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)

PREFIX: Final = "dbc_bot"
# Slack waits 3 s for an acknowledgement; a good one takes a few milliseconds.
_ACK = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 2.5, 3)
# A node answers within seconds, a daemon gives up on it after 40 s at the latest.
_CALL = (0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40, 60)
_TRANSACTION = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 2.5, 10)
_LAG = (0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)


class Metrics:
    """All metrics of one bot. Each has the unit of its name: seconds, or a number."""

    def __init__(self, version: str = "") -> None:
        self._registry = _registry()
        make = _Make(self._registry)
        build = make.gauge("build_info", "1; the label says which version runs.", "version")
        build.labels(version or "unknown").set(1)
        self._deliveries = make.counters(
            "deliveries_total", "Deliveries of Slack.", "kind", "outcome"
        )
        self._refusals = make.counters(
            "signed_refused_total", "HTTP mode: signed deliveries, refused.", "why"
        )
        self._acks = make.observers(
            "ack_seconds", "From a delivery to its acknowledgement.", _ACK, "kind"
        )
        self._commands = make.counters(
            "commands_total", "Commands that came to an end.", "command", "outcome"
        )
        self._dbc_calls = make.counters(
            "dbc_calls_total", "Requests to DBC daemons.", "operation", "outcome"
        )
        self._dbc_seconds = make.observers(
            "dbc_call_seconds", "How long DBC daemons take.", _CALL, "operation"
        )
        self._slack_calls = make.counters(
            "slack_calls_total", "Calls of Slack's Web API.", "method"
        )
        self._slack_errors = make.counters(
            "slack_errors_total", "Calls that failed, as Slack says.", "method", "error"
        )
        self._slack_seconds = make.histogram("slack_call_seconds", "How long Slack takes.", _CALL)
        self._opened = make.counter("socket_opened_total", "Socket Mode connections opened.")
        self._closed = make.counter("socket_closed_total", "Socket Mode connections that ended.")
        self._sockets = make.gauge("socket_connections", "Socket Mode connections that are open.")
        self._leases = make.counters(
            "leases_lost_total", "Leases that another process took over.", "kind"
        )
        self._transactions = make.counters(
            "transactions_total", "Transactions that write.", "outcome"
        )
        self._transaction_seconds = make.histogram(
            "transaction_seconds", "How long they take, with the wait for a turn.", _TRANSACTION
        )
        self._lag = make.histogram(
            "loop_lag_seconds", "How late the event loop comes to work.", _LAG
        )
        self._job_failures = make.counters(
            "job_failures_total", "Runs of periodic jobs that failed.", "job"
        )
        self.standing = Standing(make)

    def delivered(self, kind: str, outcome: str, took: timedelta | None) -> None:
        """Count a delivery of Slack, and how long its acknowledgement took."""
        self._deliveries.count((kind, outcome))
        if took is not None:
            self._acks.observe((kind,), took.total_seconds())

    def refused(self, why: str) -> None:
        """Count a signed delivery that was refused by its signature's `secret` or `age`."""
        self._refusals.count((why,))

    def commanded(self, command: str, outcome: str) -> None:
        """Count a command's end."""
        self._commands.count((command, outcome))

    def called_dbc(self, operation: str, outcome: str, took: timedelta) -> None:
        """Count a request to a daemon, by its path as declared."""
        self._dbc_calls.count((operation, outcome))
        self._dbc_seconds.observe((operation,), took.total_seconds())

    def called_slack(self, method: str, error: str, seconds: float) -> None:
        """Count a call of the Web API; `error` is one of Slack's known words, empty without one."""
        self._slack_calls.count((method,))
        self._slack_seconds.observe(seconds)
        if error:
            self._slack_errors.count((method, error))

    def socket_opened(self) -> None:
        """Count a connection that Slack has greeted."""
        self._opened.inc()
        self._sockets.inc()

    def socket_closed(self) -> None:
        """Count the end of one."""
        self._closed.inc()
        self._sockets.dec()

    def lost_lease(self, kind: str) -> None:
        """Count a lease that another process has taken over."""
        self._leases.count((kind,))

    def transacted(self, seconds: float, outcome: str) -> None:
        """Count a transaction, with the wait for its turn."""
        self._transactions.count((outcome,))
        self._transaction_seconds.observe(seconds)

    def lagged(self, seconds: float) -> None:
        """Note how late the event loop came to something that was due."""
        self._lag.observe(seconds)

    def job_failed(self, job: str) -> None:
        """Count a run of a periodic job that failed."""
        self._job_failures.count((job,))

    def text(self) -> bytes:
        """All of it, in Prometheus' text format."""
        return generate_latest(self._registry)


class Standing:
    """The gauges: how things stand. Each is set when somebody asks (`bot.monitoring.figures`)."""

    def __init__(self, make: "_Make") -> None:
        self.ready = make.gauge("ready", "1 while the bot can work, as /readyz says.")
        self.impairments = make.gauge(
            "impairments", "What the bot has to do without; a freeze is not in it."
        )
        self.dbc_daemons_up = make.gauge(
            "dbc_daemons_up", "DBC daemons that answered when last asked."
        )
        self.tick_age = make.gauge("tick_age_seconds", "Since the clockwork last began a job.")
        self.database_up = make.gauge("database_up", "1 while the figures below could be read.")
        self.frozen = make.gauge("frozen", "1 while changes are frozen.")
        self.watches_open = make.gauge("watches_open", "Operations that are followed to their end.")
        self.watches_overdue = make.gauge("watches_overdue", "Watches not looked at when due.")
        self.watch_lag = make.gauge("watch_lag_seconds", "How overdue the most overdue watch is.")
        self.outbox_messages = make.gauge("outbox_messages", "Messages and edits to be delivered.")
        self.outbox_age = make.gauge("outbox_age_seconds", "Age of the oldest never shown message.")
        self.approvals_waiting = make.gauge(
            "approvals_waiting", "Reviews that wait for a decision."
        )
        self.approval_age = make.gauge("approval_age_seconds", "Age of the oldest of them.")
        self.commands_open = make.gauge("commands_open", "Commands without an end.", "status")


def _registry() -> CollectorRegistry:
    """A registry with what every process of Python can tell of itself."""
    # Else each series has a second one, which says when it was first counted.
    disable_created_metrics()  # type: ignore[no-untyped-call]
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)
    return registry


class _Make:
    """Makes the metrics of one registry, named after the bot."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry

    def counter(self, name: str, documentation: str, *labels: str) -> Counter:
        return Counter(f"{PREFIX}_{name}", documentation, labels, registry=self._registry)

    def counters(self, name: str, documentation: str, *labels: str) -> "_Counters":
        return _Counters(self.counter(name, documentation, *labels))

    def gauge(self, name: str, documentation: str, *labels: str) -> Gauge:
        return Gauge(f"{PREFIX}_{name}", documentation, labels, registry=self._registry)

    def histogram(
        self, name: str, documentation: str, buckets: tuple[float, ...], *labels: str
    ) -> Histogram:
        return Histogram(
            f"{PREFIX}_{name}", documentation, labels, buckets=buckets, registry=self._registry
        )

    def observers(
        self, name: str, documentation: str, buckets: tuple[float, ...], *labels: str
    ) -> "_Observers":
        return _Observers(self.histogram(name, documentation, buckets, *labels))


class _Counters:
    """A counter's series, each looked up with its labels once."""

    def __init__(self, metric: Counter) -> None:
        self._metric = metric
        self._bound: dict[tuple[str, ...], Callable[[], None]] = {}

    def count(self, labels: tuple[str, ...]) -> None:
        """Count one."""
        add = self._bound.get(labels)
        if add is None:
            add = self._bound[labels] = self._metric.labels(*labels).inc
        add()


class _Observers:
    """A histogram's series, each looked up with its labels once."""

    def __init__(self, metric: Histogram) -> None:
        self._metric = metric
        self._bound: dict[tuple[str, ...], Callable[[float], None]] = {}

    def observe(self, labels: tuple[str, ...], value: float) -> None:
        """Note one value."""
        note = self._bound.get(labels)
        if note is None:
            note = self._bound[labels] = self._metric.labels(*labels).observe
        note(value)
