"""The doctor's look at the nodes of the chain: whether each address answers, and how far it is.

One cheap read each, all at once. Whether a node can be believed only the bot that runs can
say: it compares it with itself and the others.
"""

import asyncio
from datetime import timedelta

from pydantic import TypeAdapter

from bot.addresses import place_of
from bot.causes import NO_ANSWER
from bot.chain.errors import ChainError, ChainUnreachable, said_fault
from bot.chain.models import Header
from bot.chain.rpc import ChainLimits, RpcClient
from bot.config import Settings
from bot.monitoring.findings import Finding, Findings, Sight, fault, ok
from bot.reply import Text, say

_HEADER: TypeAdapter[Header] = TypeAdapter(Header)
_LIMITS = ChainLimits(connect=timedelta(seconds=5), total=timedelta(seconds=10))
_CHECK = say("Check CHAIN_RPC_URLS and the node. Rentals cannot be watched by it meanwhile.")


async def chain(settings: Settings, sight: Sight) -> Findings:
    """The newest block of each node, or why there is none."""
    looks = [
        _looked_at(_called(url, number, sight), url)
        for number, url in enumerate(settings.chain_rpc_urls, start=1)
    ]
    for found in await asyncio.gather(*looks):
        yield found


def _called(url: str, number: int, sight: Sight) -> Text:
    """The host, which is no secret; the rest of an address may hold a key of its provider."""
    if not sight.is_local:
        return say("chain node {number}", number=number)
    return f"chain {place_of(url)}"


async def _looked_at(about: Text, url: str) -> Finding:
    node = RpcClient(url, _LIMITS)
    try:
        header = await node.ask(_HEADER, "chain_getHeader")
    except ChainError as error:
        return fault(about, _why_not(error), _CHECK)
    finally:
        await node.close()
    if header is None:
        return fault(about, say("It knows no block yet."), _CHECK)
    return ok(about, say("Its newest block is {number}.", number=f"{header.number:,}"))


def _why_not(error: ChainError) -> Text:
    if not isinstance(error, ChainUnreachable):
        return say("Its answer cannot be read: {why}.", why=said_fault(error.why))
    if error.why.startswith("HTTP "):
        return say("It refuses the request: {why}.", why=error.why)
    if error.why == str(NO_ANSWER):
        return say("It does not answer in time.")
    return say("It cannot be reached: {why}.", why=said_fault(error.why))
