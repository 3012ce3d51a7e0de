"""Addresses in settings and answers: whether there can be such a host, and how it is reached."""

from urllib.parse import urlsplit


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
