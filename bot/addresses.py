"""Addresses in settings and answers: whether there can be such a host, and how it is reached."""

import re
from collections.abc import Sequence
from urllib.parse import unquote, urlsplit

from bot.redaction import is_distinctive

# What a query calls a value that is a secret, whatever it looks like.
_FOR_SECRETS = re.compile("key|token|secret|pass|pwd|auth|sig", re.IGNORECASE)


def is_address(url: str) -> bool:
    """Whether it is one of HTTP or HTTPS, with a host and a port that there can be."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and is_host(parts.hostname or "") and port != 0


def reached_at(host: str) -> str:
    """The address at which this machine itself reaches what listens there."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)


def is_host(name: str) -> bool:
    """Whether a host can have this name: with a label of over 63 characters, resolving raises."""
    try:
        return bool(name.removesuffix(".").encode("idna"))
    except ValueError:
        return False


def without_version(url: str) -> str:
    """The daemon's address as it is called: people copy the whole base of DBC's API."""
    return url.rstrip("/").removesuffix("/api/v1").rstrip("/")


def is_daemon(url: str) -> bool:
    """Whether it can be the address of a DBC daemon."""
    return is_address(url) and not set(url) & {"?", "#"} and "/api/v1/" not in url


def place_of(url: str) -> str:
    """Host and port of an address, by which people know it: all else in it may be a secret."""
    return url.partition("://")[2].partition("/")[0].partition("?")[0].rpartition("@")[2]


def places_of(urls: Sequence[str]) -> list[str]:
    """The same of several, numbered where they would be called alike."""
    places = [place_of(url) for url in urls]
    return [
        place if places.count(place) == 1 else f"{place} (number {number})"
        for number, place in enumerate(places, start=1)
    ]


def keys_in(url: str) -> tuple[str, ...]:
    """What may be a secret in an address: who asks, and what stands behind the host.

    As a whole and in its parts. A password always is; anything else only where it is no ordinary
    word, which would be missing from every line that has it.
    """
    parts = urlsplit(url)
    who = parts.netloc.rpartition("@")[0]
    password = who.partition(":")[2]
    behind = "?".join(one for one in (parts.path.strip("/"), parts.query, parts.fragment) if one)
    given = [one.partition("=")[::2] for one in re.split("[&;]", parts.query)]
    sure = [who, password] if password else []
    sure += [value for name, value in given if _FOR_SECRETS.search(name)]
    maybe = [who, behind, *parts.path.split("/"), *(value or name for name, value in given)]
    found = [*sure, *(one for one in maybe if is_distinctive(one))]
    return tuple(dict.fromkeys(one for raw in found for one in (raw, unquote(raw)) if one))


def wrong_among(wrong: Sequence[int], count: int) -> str:
    """Which of so many are no addresses; only where they stand, since they may hold secrets."""
    if count == 1:
        return "it is not an address"
    if len(wrong) == 1:
        return f"number {wrong[0]} of {count} is not an address"
    before = ", ".join(map(str, wrong[:-1]))
    return f"numbers {before} and {wrong[-1]} of {count} are not addresses"
