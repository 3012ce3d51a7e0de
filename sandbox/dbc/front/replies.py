"""The front's own answers: codes, statuses, layout.

Source: docs/dbc-api.md §1.5, §7.1.
"""

import json
from dataclasses import dataclass
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

    def response(self) -> web.Response:
        """The answer in aiohttp's terms; JSON ends with CR LF and is open to every origin."""
        headers = {"Content-Type": self.content_type}
        body = self.body
        if self.content_type == "application/json":
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


def html(status: int, title: str) -> Reply:
    """libevent's own error page."""
    body = (
        f"<HTML><HEAD>\n<TITLE>{status} {title}</TITLE>\n</HEAD><BODY>\n"
        f"<H1>{title}</H1>\n</BODY></HTML>\n"
    )
    return Reply(status, body, "text/html", closes=True)
