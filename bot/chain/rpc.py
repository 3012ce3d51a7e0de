"""One node of the chain: JSON-RPC over HTTP, with limits of its own. Every call is a read."""

import asyncio
import itertools
import json
import re
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

import aiohttp
import structlog
from pydantic import TypeAdapter, ValidationError

from bot.causes import cause
from bot.chain.errors import (
    BlockUnknown,
    ChainError,
    ChainUnreachable,
    ChainUnreadable,
    Impossible,
    MethodUnknown,
)

T = TypeVar("T")

_UNKNOWN_METHOD = -32601
_NOT_FOUND = "NotFound"
# How Substrate says that it has no such block, or not its state any more, in whichever error.
_NO_BLOCK = re.compile(
    r"unknown ?block|header was not found|state already discarded", re.IGNORECASE
)

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class ChainLimits:
    """How long a node may take, how much it may say, how much it is asked at once."""

    connect: timedelta = timedelta(seconds=5)
    total: timedelta = timedelta(seconds=15)
    body: int = 512 * 1024  # bytes; the largest answer that is asked for has a few hundred orders
    at_once: int = 8


class RpcClient:
    """Calls to one node. Failures are ChainErrors, raised without a cause: URLs may hold a key."""

    def __init__(self, url: str, limits: ChainLimits) -> None:
        self.url = url
        self._limits = limits
        self._ids = itertools.count(1)
        self._turns = asyncio.Semaphore(limits.at_once)
        self._session: aiohttp.ClientSession | None = None

    async def call(self, method: str, *params: object, at_once: bool = False) -> Any:
        """The result of a method; None where the chain has nothing, or says NotFound.

        Asked `at_once`, it waits for no turn behind others.
        """
        body = {"jsonrpc": "2.0", "id": next(self._ids), "method": method, "params": list(params)}
        async with nullcontext() if at_once else self._turns:
            raw = await self._send(json.dumps(body).encode())
        if isinstance(raw, ChainError):
            raise raw
        return _result(raw, body["id"])

    async def ask(
        self, adapter: TypeAdapter[T], method: str, *params: object, at_once: bool = False
    ) -> T | None:
        """The result of a method as what it has to be; None for NotFound."""
        return checked(adapter, await self.call(method, *params, at_once=at_once))

    async def close(self) -> None:
        """Close all connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _send(self, body: bytes) -> bytes | ChainError:
        try:
            async with self._http().post(self.url, data=body, allow_redirects=False) as response:
                raw = b""
                async for chunk in response.content.iter_chunked(64 * 1024):
                    raw += chunk
                    if len(raw) > self._limits.body:
                        return ChainUnreadable(why="too long")
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return ChainUnreachable(why=str(cause(error)))
        if response.status >= 500 or response.status in {401, 403, 404, 429}:
            return ChainUnreachable(why=f"HTTP {response.status}")
        return raw

    def _http(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                headers={"Content-Type": "application/json"},
                timeout=aiohttp.ClientTimeout(
                    total=self._limits.total.total_seconds(),
                    connect=self._limits.connect.total_seconds(),
                ),
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        return self._session


def checked(adapter: TypeAdapter[T], result: Any) -> T | None:
    """A result as what it has to be; None stays None. Raises Impossible."""
    if result is None:
        return None
    try:
        return adapter.validate_python(result)
    except ValidationError as error:
        found = error.errors(include_input=False, include_url=False, include_context=False)
        places = ", ".join(".".join(str(part) for part in one["loc"]) or "it" for one in found[:3])
    raise Impossible(why=f"not as expected: {places}")


def _result(raw: bytes, number: object) -> Any:
    try:
        answer = json.loads(raw)
    except (ValueError, RecursionError):
        answer = None
    if not isinstance(answer, dict) or answer.get("id") != number:
        raise ChainUnreadable(why="no answer to this request")
    error = answer.get("error")
    if error is None:
        if "result" not in answer:
            raise ChainUnreadable(why="neither result nor error")
        return answer["result"]
    if not isinstance(error, dict):
        raise ChainUnreadable(why="an error without a shape")
    if error.get("data") == _NOT_FOUND:
        return None
    if any(_NO_BLOCK.search(str(error.get(one, ""))) for one in ("message", "data")):
        raise BlockUnknown(why="it does not know a block that another one named")
    code = error.get("code")
    if code == _UNKNOWN_METHOD:
        raise MethodUnknown(why="no such method")
    raise ChainUnreadable(why=f"error {code}" if isinstance(code, int) else "an error")
