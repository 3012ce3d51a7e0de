"""HTTP delivery: signed POSTs to the app's request URL, as Slack sends them."""

import asyncio
import hashlib
import hmac
import json
from datetime import timedelta
from urllib.parse import urlencode

import aiohttp

from sandbox.slack.clock import Clock
from sandbox.slack.delivery import Ack, Delivery
from sandbox.slack.errors import Json


def signature(secret: str, timestamp: str, body: str) -> str:
    """The v0 signature of a request."""
    base = f"v0:{timestamp}:{body}".encode()
    return "v0=" + hmac.new(secret.encode(), base, hashlib.sha256).hexdigest()


class HttpDelivery:
    """The transport for a request URL."""

    def __init__(self, url: str, secret: str, clock: Clock) -> None:
        self.url = url
        self.secret = secret
        self._clock = clock
        self.held = timedelta()  # how long something on the way holds each request back
        self._http: aiohttp.ClientSession | None = None
        self._is_closed = False

    async def send(self, delivery: Delivery, attempt: int, reason: str, seconds: float) -> Ack:
        """POST once; only a 2xx within the time is an acknowledgement."""
        content_type, body = _encoded(delivery)
        headers = {"Content-Type": content_type}
        if attempt:
            headers |= {"X-Slack-Retry-Num": str(attempt), "X-Slack-Retry-Reason": reason}
        return await self._post(body, headers, seconds)

    async def verify(self, token: str, seconds: float = 3.0) -> bool:
        """Whether the URL answers Slack's challenge."""
        challenge = hashlib.sha256(token.encode()).hexdigest()
        body = json.dumps({"type": "url_verification", "token": token, "challenge": challenge})
        ack = await self._post(body, {"Content-Type": "application/json"}, seconds)
        answer = ack.body.get("challenge") if isinstance(ack.body, dict) else ack.body
        return ack.ok and answer == challenge

    async def close(self) -> None:
        """Close the connections; nothing is delivered any more."""
        self._is_closed = True
        if self._http is not None:
            await self._http.close()
            self._http = None

    async def _post(self, body: str, headers: dict[str, str], seconds: float) -> Ack:
        if self._is_closed:  # nobody would close what is opened now
            return Ack("connection_failed")
        if self._http is None:
            self._http = aiohttp.ClientSession()
        timestamp = str(int((self._clock.now() - self.held).timestamp()))
        headers |= {
            "User-Agent": "Slackbot 1.0 (+https://api.slack.com/robots)",
            "X-Slack-Request-Timestamp": timestamp,
            "X-Slack-Signature": signature(self.secret, timestamp, body),
        }
        loop = asyncio.get_running_loop()
        start = loop.time()
        try:
            async with asyncio.timeout(seconds):
                async with self._http.post(self.url, data=body.encode(), headers=headers) as answer:
                    text = await answer.text()
        except TimeoutError:
            return Ack("http_timeout", seconds=seconds)
        except aiohttp.ClientError:
            return Ack("connection_failed")
        if not 200 <= answer.status < 300:
            no_retry = answer.headers.get("X-Slack-No-Retry") == "1"
            return Ack("http_error", "no-retry" if no_retry else answer.status)
        return Ack("ok", _decoded(answer.content_type, text), loop.time() - start)


def _encoded(delivery: Delivery) -> tuple[str, str]:
    payload: Json = delivery.payload
    if delivery.kind == "events_api":
        return "application/json", json.dumps(payload)
    form = "application/x-www-form-urlencoded"
    if delivery.kind == "slash_commands":
        return form, urlencode(payload)
    return form, urlencode({"payload": json.dumps(payload)})


def _decoded(content_type: str, text: str) -> object:
    if not text:
        return None
    if content_type != "application/json":
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text
