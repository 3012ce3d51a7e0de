"""What is posted to one of the demo's levers."""

import json
from typing import Any

from aiohttp import web


async def posted(request: web.Request) -> dict[str, Any]:
    """The JSON object that a request holds; without a body an empty one. Raises HTTPBadRequest."""
    if not request.can_read_body:
        return {}
    try:
        found = await request.json()
    except json.JSONDecodeError as error:
        raise web.HTTPBadRequest(text=str(error)) from error
    if not isinstance(found, dict):
        raise web.HTTPBadRequest(text="not an object")
    return found
