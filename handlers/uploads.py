"""Shares a file with Slack piece by piece. The SDK's own upload holds the whole of it in memory."""

import os
from collections.abc import AsyncIterator
from typing import BinaryIO

import aiohttp
from slack_sdk.errors import SlackRequestError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.ids import ChannelId

_PIECE = 64 * 1024
# It takes as long as it takes, unless nothing moves any more.
_PATIENCE = aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=60)


async def upload_in_pieces(
    client: AsyncWebClient,
    file: BinaryIO,
    *,
    filename: str,
    title: str,
    channel: ChannelId,
    thread_ts: str | None,
) -> AsyncSlackResponse:
    """Share a file in a conversation. Raises what the SDK raises; it may be done again then."""
    length = file.seek(0, os.SEEK_END)
    place = await client.files_getUploadURLExternal(filename=filename, length=length)
    session = client.session
    if session is None:
        raise SlackRequestError("the connection to Slack is not open")
    async with session.post(
        str(place["upload_url"]),
        data=_pieces(file),
        headers={"Content-Length": str(length), "Content-Type": "application/octet-stream"},
        proxy=client.proxy,
        ssl=True if client.ssl is None else client.ssl,
        timeout=_PATIENCE,
    ) as answer:
        if answer.status != 200:
            raise SlackRequestError(f"the file was not taken: {answer.status}")
    return await client.files_completeUploadExternal(
        files=[{"id": place["file_id"], "title": title}], channel_id=channel, thread_ts=thread_ts
    )


async def _pieces(file: BinaryIO) -> AsyncIterator[bytes]:
    file.seek(0)
    while piece := file.read(_PIECE):
        yield piece
