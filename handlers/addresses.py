"""Addresses that Slack or the environment gives: what may be opened, and by which proxy."""

from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from bot.addresses import is_host


def proxy_for(url: str) -> str | None:
    """The proxy that the environment names for `url`; unlike the SDK, this heeds NO_PROXY."""
    parts = urlsplit(url)
    named = getproxies().get(parts.scheme)
    return None if named is None or proxy_bypass(parts.hostname or "") else named


def is_websocket(url: str) -> bool:
    """Whether it is an address of one, with a host and a port that there can be."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    return parts.scheme in {"ws", "wss"} and is_host(parts.hostname or "") and port != 0
