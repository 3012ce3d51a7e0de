"""When a call is repeated at once: what cannot happen twice, and only for seconds.

Everything longer is the outbox's business; what Slack puts off (429) is that of `pacing`. The SDK's
own handlers repeat connection errors blindly and read only the first digit of Retry-After.
"""

import asyncio
import re
from collections.abc import Mapping
from datetime import timedelta

from aiohttp import ClientConnectorError, ClientOSError, ServerDisconnectedError
from slack_sdk.http_retry.async_handler import AsyncRetryHandler
from slack_sdk.http_retry.request import HttpRequest
from slack_sdk.http_retry.response import HttpResponse
from slack_sdk.http_retry.state import RetryState

from handlers.pacing import PATIENCE

ATTEMPTS = 2
# Without an answer nobody knows whether these happened, and twice is wrong: a second message or
# file, a trigger_id that is refused as used though the form is open, or an old edit that comes
# after a newer one. Whoever calls them looks first.
ONCE = frozenset(
    {
        "chat.postEphemeral",
        "chat.postMessage",
        "chat.update",
        "files.completeUploadExternal",
        "views.open",
    }
)


def retry_after(headers: Mapping[str, object]) -> timedelta | None:
    """How long Slack asks us to wait, if it does."""
    for name, value in headers.items():
        if name.lower() == "retry-after":
            text = str(value[0] if isinstance(value, list) else value)
            return timedelta(seconds=int(text)) if re.fullmatch(r"[0-9]{1,6}", text) else None
    return None


class _RateLimit(AsyncRetryHandler):
    """429 of a response_url, which Slack counts by itself: nothing was done, so it is repeated."""

    async def _can_retry_async(self, *, response: HttpResponse | None = None, **_: object) -> bool:
        if response is None or response.status_code != 429:
            return False
        wait = retry_after(response.headers)
        return wait is not None and wait <= PATIENCE

    async def prepare_for_next_attempt_async(
        self, *, state: RetryState, response: HttpResponse | None = None, **_: object
    ) -> None:
        wait = retry_after(response.headers) if response is not None else None
        state.next_attempt_requested = True
        await asyncio.sleep((PATIENCE if wait is None else wait).total_seconds())
        state.increment_current_attempt()


class _Unconnected(AsyncRetryHandler):
    """No connection: nothing was sent."""

    async def _can_retry_async(self, *, error: Exception | None = None, **_: object) -> bool:
        return isinstance(error, ClientConnectorError)


class _Unanswered(AsyncRetryHandler):
    """A connection lost, or 5xx: only what may happen twice."""

    async def _can_retry_async(
        self,
        *,
        request: HttpRequest,
        response: HttpResponse | None = None,
        error: Exception | None = None,
        **_: object,
    ) -> bool:
        if request.url.rpartition("/")[2] in ONCE or isinstance(error, ClientConnectorError):
            return False
        if isinstance(error, (ServerDisconnectedError, ClientOSError)):
            return True
        return response is not None and response.status_code >= 500


def careful_handlers() -> list[AsyncRetryHandler]:
    """The handlers for what must never happen twice (a response_url)."""
    return [_RateLimit(max_retry_count=ATTEMPTS), _Unconnected(max_retry_count=ATTEMPTS)]


def retry_handlers() -> list[AsyncRetryHandler]:
    """The handlers of one client of the Web API."""
    return [_Unconnected(max_retry_count=ATTEMPTS), _Unanswered(max_retry_count=ATTEMPTS)]
