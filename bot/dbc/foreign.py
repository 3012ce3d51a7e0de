"""What an answer means that is none of a DBC daemon's: by its status first, then by its content.

Proxies, gateways and login pages stand in front of daemons, and addresses get mistyped. What a
daemon itself answers has one of four statuses and a JSON object with an error code (§1.5).
"""

import re
from dataclasses import dataclass
from http import HTTPStatus

from yarl import URL

from bot.dbc.errors import (
    CutOff,
    DbcError,
    GatewayFailed,
    Mode,
    NotDaemon,
    Redirected,
    TurnedAway,
    Unreadable,
)
from bot.reply import Phrase, Text, say

DAEMONS = frozenset({200, 400, 404, 500})  # the statuses that a daemon gives to JSON
# With these a request is turned away before it is passed on. Others are also what a proxy says that
# has sent it on: 408 and 499 when it is tired of waiting, 409 and 429 when it sent it twice.
_AT_THE_DOOR = frozenset(
    {400, 401, 403, 404, 405, 407, 411, 413, 414, 415, 417, 421, 426, 431, 501}
)
_STATUSES = range(100, 600)  # as an error code: a gateway's, a daemon has none of these
_PRODUCT = re.compile(r"[A-Za-z][\w.-]{0,30}")
_TYPE = re.compile(r"[a-z]+/[\w.+-]{1,60}")
_PERHAPS = say("The command may have been sent on: it may or may not be done.")
_WRONG = say("Check that DBC_CLIENT_URLS names the daemon itself, with its port.")


@dataclass(frozen=True, slots=True, repr=False)
class Raw:
    """An answer as it came from `at` (host and port); the rest are its headers."""

    status: int
    body: bytes
    at: str = ""
    server: str = ""
    content_type: str = ""
    location: str = ""

    def __repr__(self) -> str:
        return f"<Raw answer, HTTP {self.status}, {len(self.body)} bytes>"


def by_status(raw: Raw, mode: Mode, *, is_dbc: bool) -> DbcError | None:
    """The error that the status alone is; None where the content counts.

    `is_dbc`: the content has the form of a daemon's.
    """
    if 300 <= raw.status < 400:
        return _redirected(raw, mode)
    if raw.status in DAEMONS if is_dbc else raw.status < 400:
        return None
    if raw.status in _AT_THE_DOOR:
        return _turned_away(raw, mode)
    return _gateway(raw, raw.status, mode)


def by_code(raw: Raw, code: int, mode: Mode) -> DbcError | None:
    """The error of an answer whose error code is an HTTP status: no daemon's, whatever it says."""
    return _gateway(raw, code, mode) if code in _STATUSES else None


def by_content(raw: Raw, mode: Mode) -> DbcError:
    """What is wrong with content that no daemon sends, under a status that it may have."""
    text = raw.body.decode("utf-8", "replace").strip()
    if raw.content_type and "json" not in raw.content_type and not text.startswith(("{", "[")):
        kind = _TYPE.match(raw.content_type.lower())
        told = say("it answered {status}", status=_told(raw.status))
        if kind:
            told = say("it answered {status}, {type}", status=_told(raw.status), type=kind[0])
        return _no_daemon(raw, mode, told)
    if text.startswith("<"):
        return _no_daemon(
            raw, mode, say("it answered {status} with a web page", status=_told(raw.status))
        )
    if text.startswith("{") and not text.endswith("}"):
        return CutOff(mode=mode, dbc_text=f"{len(raw.body)} bytes", http_status=raw.status)
    if not text:
        return CutOff(mode=mode, dbc_text="an empty answer", http_status=raw.status)
    text = f"not JSON, {len(raw.body)} bytes"
    return Unreadable(mode=mode, dbc_text=text, http_status=raw.status)


def without_code(raw: Raw, mode: Mode, what: Text) -> DbcError:
    """JSON that has no error code: some other service's."""
    return _no_daemon(
        raw, mode, say("it answered {status} with {what}", status=_told(raw.status), what=what)
    )


def no_http(at: str, mode: Mode) -> DbcError:
    """Something that does not speak HTTP."""
    return _no_daemon(Raw(0, b"", at), mode, say("it does not speak HTTP"))


def _no_daemon(raw: Raw, mode: Mode, why: Text) -> DbcError:
    told = say("What answers at {at} is not a DBC daemon: {why}.", at=_at(raw), why=why)
    return _perhaps(NotDaemon, told, raw, mode, _WRONG)


def _gateway(raw: Raw, status: int, mode: Mode) -> DbcError:
    told = say(
        "{gateway} answered {status} instead of the DBC daemon.",
        gateway=_who(raw),
        status=_told(status),
    )
    return _perhaps(GatewayFailed, told, raw, mode)


def _redirected(raw: Raw, mode: Mode) -> DbcError:
    told = say(
        "{gateway} redirects ({status}). Redirects are not followed.",
        gateway=_who(raw),
        status=_told(raw.status),
    )
    if host := _host(raw.location):
        told = say(
            "{gateway} redirects to {host} ({status}). Redirects are not followed.",
            gateway=_who(raw),
            host=host,
            status=_told(raw.status),
        )
    return _perhaps(Redirected, told, raw, mode, _WRONG)


def _perhaps(
    kind: type[GatewayFailed | NotDaemon | Redirected],
    told: Text,
    raw: Raw,
    mode: Mode,
    hint: Text = "",
) -> DbcError:
    """What leaves open whether a change was sent on."""
    sentence = told
    if mode is Mode.CHANGE:
        sentence = say("{told} {perhaps}", told=told, perhaps=_PERHAPS)
    error = kind(sentence, hint=hint, mode=mode, http_status=raw.status)
    error.answer = told
    return error


def _turned_away(raw: Raw, mode: Mode) -> DbcError:
    told = say(
        "{gateway} refused the request with {status}; no DBC daemon answered.",
        gateway=_who(raw),
        status=_told(raw.status),
    )
    hint = _WRONG
    if raw.status in {401, 407}:
        hint = say("It wants a login that the bot does not have. {check}", check=_WRONG)
    return TurnedAway(told, hint=hint, mode=mode, http_status=raw.status)


def _who(raw: Raw) -> Phrase:
    if product := _PRODUCT.match(raw.server):
        return say("A gateway ({product}) at {at}", product=product[0], at=_at(raw))
    return say("A gateway at {at}", at=_at(raw))


def _at(raw: Raw) -> Text:
    return raw.at or say("the address")


def _told(status: int) -> str:
    try:
        return f"HTTP {status} ({HTTPStatus(status).phrase})"
    except ValueError:
        return f"HTTP {status}"


def _host(location: str) -> str:
    """Where a redirect points to: no path and no query, which may hold secrets."""
    try:
        url = URL(location)
    except ValueError:
        return ""
    host = url.host or ""
    return f"{url.scheme}://{host}" if re.fullmatch(r"[\w.:-]{1,100}", host) else ""
