"""The log: structured, on standard error, without secrets; ours and the libraries' in one form."""

import json
import logging
import re
import sys
from collections.abc import Callable, Collection, Sequence
from functools import partial
from typing import Any, Literal, TextIO, cast

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from bot.outlet import Outlet
from bot.redaction import Redactor
from bot.reply import Phrase, Span, plain

# Slack's tokens and the addresses that work like one; our own secrets are known by their values.
CREDENTIALS = re.compile(
    r"xox[a-z]-[\w-]+|xapp-[\w-]+|(?<=ticket=)[^&\s'\"]+|hooks\.slack\.com/[^\s'\"]+"
)
_SHORTEST = 6  # a shorter one would take parts of ordinary words with it


def configure(
    form: Literal["console", "json"],
    level: str,
    secrets: Collection[str] = (),
    redactor: Redactor | None = None,
    told: Callable[[str], str] = str,
) -> None:
    """Set the log up once, at start. Nothing that is logged shows one of `secrets`.

    Nor what the `redactor` knows by then: it goes on learning. `told` says of a sentence what is
    to be logged in its place.

    Tracebacks are printed without the values of variables.
    """
    tracebacks, renderer = _shape(form)
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        partial(_in_english, told),
        tracebacks,
    ]
    last = _Discreet(renderer, secrets, redactor or Redactor())
    outlet = Outlet(sys.stderr.fileno(), partial(_lost, [*shared, last]))
    structlog.configure(
        processors=[*shared, last],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(cast("TextIO", outlet)),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(outlet)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, last],
        )
    )
    _take_in_libraries(handler)


def _shape(form: Literal["console", "json"]) -> tuple[Processor, Processor]:
    """How tracebacks are written in this form, and how a line."""
    if form == "json":
        renderer = structlog.processors.JSONRenderer(ensure_ascii=False)
        return structlog.processors.format_exc_info, renderer
    return _unchanged, structlog.dev.ConsoleRenderer(
        colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
    )


def _take_in_libraries(handler: logging.Handler) -> None:
    """Write what libraries log as well, as far as it is worth it."""
    # Their debug output may carry request bodies.
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("apscheduler").setLevel(logging.ERROR)
    # It tells of each batch that is not delivered; bot.monitoring.traces tells once.
    logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
    logging.captureWarnings(capture=True)
    logging.raiseExceptions = False  # else what cannot be logged is printed, with all its values


def _lost(processors: Sequence[Processor], lines: int) -> str:
    """The line that says how many could not be written."""
    said: Any = {"event": "log.lines_lost", "lines": lines}
    for processor in processors:
        said = processor(None, "warning", said)
    return f"{said}\n"


def masking(secrets: Collection[str]) -> Callable[[str], str]:
    """What takes these secrets, and whatever looks like one of Slack's, out of a text."""
    known = {secret for secret in secrets if len(secret) >= _SHORTEST}
    known |= {json.dumps(secret, ensure_ascii=False)[1:-1] for secret in known}
    longest_first = sorted(known, key=len, reverse=True)
    pattern = re.compile("|".join([*map(re.escape, longest_first), CREDENTIALS.pattern]))
    return partial(pattern.sub, "…")


class _Discreet:
    """Renders a line, then takes the secrets out of it, wherever in it they stand."""

    def __init__(self, renderer: Processor, secrets: Collection[str], redactor: Redactor) -> None:
        self._masked = masking(secrets)
        self._renderer = renderer
        self._redactor = redactor

    def __call__(self, logger: WrappedLogger, name: str, event: EventDict) -> str:
        rendered = self._masked(str(self._renderer(logger, name, event)))
        return self._redactor.redact(rendered)


_SENTENCES = ("sentence", "advice", "faults", "then", "because")  # what is for people in an event


def _in_english(
    told: Callable[[str], str], _logger: WrappedLogger, _name: str, event: EventDict
) -> EventDict:
    """The event with words for people as text, wherever in it they stand."""
    found = {name: _as_text(value) for name, value in event.items()}
    for name in found.keys() & _SENTENCES:
        match found[name]:
            case str(text):
                found[name] = told(text)
            case list(texts):
                found[name] = [told(str(text)) for text in texts]
    return found


def _as_text(value: Any) -> Any:
    match value:
        case Phrase() | Span():
            return plain((value,))
        case tuple() if any(isinstance(one, Phrase | Span) for one in value):
            return plain(value)
        case list():
            return [_as_text(one) for one in value]
        case dict():
            return {key: _as_text(one) for key, one in value.items()}
        case _:
            return value


def _unchanged(_logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
    return event
