"""The front's own answers: codes, statuses, layout.

Source: docs/dbc-api.md §1.5, §7.1.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

INVALID_PARAMS = -25
INVALID_REQUEST = -32600
METHOD_NOT_FOUND = -32601
RESPONSE_ERROR = -32701
INTERNAL = -1


class FrontError(Exception):
    """An answer the front gives by itself: HTTP status, errcode, text."""

    def __init__(self, text: str, code: int = INVALID_PARAMS, status: int = 400) -> None:
        super().__init__(text)
        self.text = text
        self.code = code
        self.status = status

    def reply(self) -> "Reply":
        """The answer, pretty-printed."""
        return pretty(self.code, self.text, self.status)


@dataclass(frozen=True)
class Reply:
    """An HTTP answer before it is sent."""

    status: int
    body: str
    content_type: str = "application/json"
    closes: bool = False
    more: Mapping[str, str] = field(default_factory=dict)
    from_daemon: bool = True

    def response(self) -> web.Response:
        """The answer in aiohttp's terms; JSON ends with CR LF and is open to every origin."""
        headers = {"Content-Type": self.content_type}
        body = self.body
        headers |= self.more
        if self.content_type == "application/json" and self.from_daemon:
            headers["Access-Control-Allow-Origin"] = "*"
            body += "\r\n"
        data = body.encode("utf-8", "surrogateescape")
        response = web.Response(status=self.status, body=data, headers=headers)
        if self.closes:
            response.force_close()
        return response


def pretty(code: int, message: Any, status: int = 200) -> Reply:
    """An answer as the front's pretty printer lays it out."""
    document = {"errcode": code, "message": message}
    return Reply(status, json.dumps(document, indent=4, ensure_ascii=False))


def by_gateway(
    status: int, title: str, more: Mapping[str, str] | None = None, *, as_json: bool = False
) -> Reply:
    """What something in front of the daemon, or in its place, answers by itself."""
    body = f"<html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>"
    if as_json:
        body = json.dumps({"status": status if status != 200 else title, "error": title})
    kind = "application/json" if as_json else "text/html"
    headers = {"Server": "nginx/1.24.0", **(more or {})}
    return Reply(status, body if title else "", kind, more=headers, from_daemon=False)


def by_service(http: int, **body: object) -> Reply:
    """What a proxy that speaks JSON answers by itself."""
    headers = {"Server": "envoy"}
    return Reply(http, json.dumps(body), "application/json", more=headers, from_daemon=False)


def emptied(value: Any) -> Any:
    """An answer whose lists have nothing in them."""
    if isinstance(value, dict):
        return {key: emptied(found) for key, found in value.items()}
    return [] if isinstance(value, list) else value


_THOUSANDS = 6_000


def shortened(value: Any) -> Any:
    """An answer whose lists lack their last entry."""
    if isinstance(value, dict):
        return {key: shortened(found) for key, found in value.items()}
    return value[:-1] if isinstance(value, list) else value


def lengthened(value: Any) -> Any:
    """An answer whose lists repeat their entries thousands of times."""
    if isinstance(value, dict):
        return {key: lengthened(found) for key, found in value.items()}
    return value * (_THOUSANDS // len(value) + 1) if isinstance(value, list) and value else value


# What things are called and how they are; everything else may be missing from an answer.
_ALWAYS = frozenset(
    {"errcode", "task_id", "status", "node_id", "node_type", "id", "network_name", "snapshot_name"}
    | {"image_name", "image_name:", "name"}
)


def sparse(value: Any) -> Any:
    """An answer without all that may be absent."""
    if isinstance(value, dict):
        return {
            key: sparse(found)
            for key, found in value.items()
            if key in _ALWAYS or isinstance(found, dict | list) or key == "message"
        }
    return [sparse(found) for found in value] if isinstance(value, list) else value


def html(status: int, title: str) -> Reply:
    """libevent's own error page."""
    body = (
        f"<HTML><HEAD>\n<TITLE>{status} {title}</TITLE>\n</HEAD><BODY>\n"
        f"<H1>{title}</H1>\n</BODY></HTML>\n"
    )
    return Reply(status, body, "text/html", closes=True)
