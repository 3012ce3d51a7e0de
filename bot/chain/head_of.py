"""Asks one node of the chain for its head: past all else that waits for the node.

Without a head, nothing that waits would be believed.
"""

import asyncio
from datetime import timedelta

from pydantic import TypeAdapter

from bot.chain import keys
from bot.chain.errors import ChainError, ChainUnreachable, ChainUnreadable
from bot.chain.heads import DEEP, Block, Head
from bot.chain.models import BlockHash, Header, moment, stored_as
from bot.chain.rpc import RpcClient

_HEADER: TypeAdapter[Header] = TypeAdapter(Header)
_HASH: TypeAdapter[str] = TypeAdapter(BlockHash)
_STORED: TypeAdapter[str] = TypeAdapter(str)


async def head_of(node: RpcClient, patience: timedelta) -> Head | ChainError:
    """A node's head; one that takes too long for all of it would hold up every order."""
    try:
        async with asyncio.timeout(patience.total_seconds()):
            return await _head(node)
    except TimeoutError:
        return ChainUnreachable(why="it is too slow")
    except ChainError as error:
        return error


async def _head(node: RpcClient) -> Head:
    best = await _block(node, await _header(node))
    known = await node.ask(_HASH, "chain_getFinalizedHead", at_once=True)
    newest = await _header(node, known)
    is_stuck = newest is not None and best.number - newest.number > DEEP
    if is_stuck:  # a node keeps the state of few blocks
        newest, known = Header(number=best.number - DEEP), None
    final = await _block(node, newest, known)
    genesis = await _hash(node, 0)
    if genesis is None:
        raise ChainUnreadable(why="it does not know the first block")
    return Head(node.url, genesis, best, final, is_stuck=is_stuck)


async def _block(node: RpcClient, header: Header | None, known: str | None = None) -> Block:
    if header is None:
        raise ChainUnreadable(why="no header")
    named = await _hash(node, header.number) if known is None else known
    if named is None:
        raise ChainUnreadable(why="it names a block that it does not have")
    stored = await node.ask(_STORED, "state_getStorage", keys.TIMESTAMP, named, at_once=True)
    if header.number == 0:
        raise ChainUnreadable(why="it knows no block yet")
    return Block(header.number, named, stored_as(moment, stored))


async def _header(node: RpcClient, *known: str | None) -> Header | None:
    return await node.ask(_HEADER, "chain_getHeader", *known, at_once=True)


async def _hash(node: RpcClient, number: int) -> str | None:
    return await node.ask(_HASH, "chain_getBlockHash", number, at_once=True)
