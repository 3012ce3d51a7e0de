"""files.*: the three-step upload."""

import secrets

from aiohttp import web

from sandbox.slack.conversations import File
from sandbox.slack.core import Core
from sandbox.slack.errors import Json, SlackError, malformed
from sandbox.slack.events import message_event
from sandbox.slack.webapi.call import Call, Method


def get_upload_url(call: Call) -> Json:
    """files.getUploadURLExternal."""
    core = call.core
    name = call.need("filename")
    length = call.number("length", 0)
    if length <= 0:
        raise malformed("invalid_arguments", ["missing required field: length"])
    file = File(core.state.new_id("F"), name, length, secrets.token_urlsafe(16))
    core.state.files[file.id] = file
    return {
        "ok": True,
        "upload_url": f"{core.base_url}upload/v1/{file.token}",
        "file_id": file.id,
    }


def complete(call: Call) -> Json:
    """files.completeUploadExternal: share what was uploaded."""
    core = call.core
    entries = call.structure("files", "invalid_arguments")
    if not isinstance(entries, list) or not entries:
        raise malformed("invalid_arguments", ["missing required field: files"])
    files = [_uploaded(core, entry) for entry in entries]
    if argument := next((name for name in ("channel_id", "channels") if call.text(name)), ""):
        _share(call, argument, files)
    for file in files:
        file.shared = True
    bodies = [file.body(core.base_url, core.state.bot.id) for file in files]
    return {"ok": True, "files": bodies}


def _uploaded(core: Core, entry: Json) -> File:
    file = core.state.files.get(str(entry.get("id")))
    if file is None or file.content is None:
        raise SlackError("file_not_found")
    if file.shared:
        raise SlackError("file_update_failed")
    file.title = str(entry.get("title") or file.name)
    return file


def _share(call: Call, argument: str, files: list[File]) -> None:
    core = call.core
    channel = call.channel(argument)
    if core.state.bot.id not in channel.members:
        raise SlackError("not_in_channel")
    thread_ts = call.text("thread_ts") or None
    if thread_ts is not None and thread_ts not in channel.messages:
        raise SlackError("thread_not_found")
    message = core.state.add_message(
        channel,
        core.state.bot.id,
        call.text("initial_comment"),
        files=files,
        thread_ts=thread_ts,
        bot=True,
        bot_id=core.state.bot.bot_id,
    )
    message_event(core, channel, message)


async def receive(core: Core, request: web.Request) -> web.Response:
    """The upload itself: raw bytes or a form with one file, of the length announced."""
    token = request.match_info["token"]
    file = next((f for f in core.state.files.values() if f.token == token), None)
    if file is None:
        return web.Response(status=404, text="File not found")
    if request.content_type == "multipart/form-data":
        form = await request.post()
        part = next(iter(form.values()), "")
        content = part.file.read() if isinstance(part, web.FileField) else str(part).encode()
    else:
        content = await request.read()
    if len(content) != file.length:
        return web.Response(status=400, text=f"expected {file.length} bytes, got {len(content)}")
    file.content = content
    return web.Response(text=f"OK - {len(content)}")


def download(core: Core, request: web.Request) -> web.Response:
    """The content of a shared file, for the page."""
    file = core.state.files.get(request.match_info["id"])
    if file is None or file.content is None or not file.shared:
        return web.Response(status=404, text="File not found")
    headers = {"Content-Disposition": "attachment", "X-Content-Type-Options": "nosniff"}
    return web.Response(body=file.content, content_type="text/plain", headers=headers)


METHODS = {
    "files.getUploadURLExternal": Method(get_upload_url, ("files:write",)),
    "files.completeUploadExternal": Method(complete, ("files:write",)),
}
