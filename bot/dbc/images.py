"""Disk images and their transfers (docs/dbc-api.md §3.5, §5).

Uploading from the daemon's own host (`peer_nodes_list: []`) is not offered: DBC answers `ok` to it
and uploads nothing (§3.5.3). Paths are made absolute, since progress and stop find uploads only so.
"""

from pydantic import TypeAdapter

from bot.dbc import fields
from bot.dbc.endpoint import Auth, Caller, change, read
from bot.dbc.identity import Credentials, Target
from bot.dbc.models import Image, ImageServers, Progress
from bot.dbc.models import Images as ImageList
from bot.dbc.success import done
from bot.ids import NodeId

_SERVERS: TypeAdapter[tuple[str, ...]] = TypeAdapter(ImageServers)
_IMAGES: TypeAdapter[tuple[Image, ...]] = TypeAdapter(ImageList)

_LIST_SERVERS = read("/images/servers", Auth.NONE, _SERVERS)
_ON_SERVER = read("/images", Auth.NONE, _IMAGES)
_ON_NODE = read("/images", Auth.RENTER_IF_GIVEN, _IMAGES)
_DOWNLOADED = read("/images/downloadprogress", Auth.RENTER, TypeAdapter(Progress))
_UPLOADED = read("/images/uploadprogress", Auth.RENTER, TypeAdapter(Progress))
_DOWNLOAD = change("/images/download", Auth.RENTER, done, "download image")
_UPLOAD = change("/images/upload", Auth.RENTER, done, "upload image")
_STOP_DOWNLOAD = change("/images/download_stop", Auth.RENTER, done, "download image")
_STOP_UPLOAD = change("/images/upload_stop", Auth.RENTER, done, "upload image")
_DELETE = change("/images/delete", Auth.RENTER, done, "upload image")


class Images:
    """Calls about images. Transfers are only started when `download` and `upload` return."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    async def servers(self) -> tuple[str, ...]:
        """The ids of the image servers that the daemon is configured with."""
        return await self._caller.call(_LIST_SERVERS)

    async def on_server(self, server: str) -> tuple[Image, ...]:
        """What an image server has; empty also if it cannot be reached."""
        return await self._caller.call(_ON_SERVER, None, {"image_server": fields.server_id(server)})

    async def on_node(
        self,
        node_id: NodeId,
        credentials: Credentials | None = None,
        image_server: str | None = None,
        rent_order: str | None = None,
    ) -> tuple[Image, ...]:
        """What a node has; seconds.

        With a renter's credentials also the system disks of their stopped machines; but such a
        list may come back empty (§11.2), which proves nothing: ask without credentials, too.
        With `image_server` also files with a backing file that are on that server.
        """
        target = Target(node_id=node_id, credentials=credentials, rent_order=rent_order)
        given = {"image_server": fields.server_id(image_server)} if image_server else {}
        return await self._caller.call(_ON_NODE, target, given)

    async def download(
        self, target: Target, image: str, server: str, local_dir: str = fields.DATA_DIR
    ) -> None:
        """Start a transfer from an image server to the node. Only /data serves machines."""
        additional = {
            "image_filename": fields.image_name(image, "image_filename"),
            "image_server": fields.server_id(server),
            "local_dir": fields.directory(local_dir, "local_dir"),
        }
        await self._caller.call(_DOWNLOAD, target, additional)

    async def upload(self, target: Target, image: str, server: str) -> None:
        """Start a transfer from the node to an image server; replaces a file of that name there.

        `image` is a name in /data or an absolute path.
        """
        additional = {
            "image_filename": fields.image_path(image),
            "image_server": fields.server_id(server),
        }
        await self._caller.call(_UPLOAD, target, additional)

    async def download_progress(self, target: Target, image: str) -> Progress:
        """How far a download is. `done` proves nothing: compare sizes in the lists (§5)."""
        additional = {"image_filename": fields.image_name(image, "image_filename")}
        return await self._caller.call(_DOWNLOADED, target, additional)

    async def upload_progress(self, target: Target, image: str) -> Progress:
        """How far an upload is; also a snapshot's, by its `file`. `done` proves nothing (§5)."""
        additional = {"image_filename": fields.image_path(image)}
        return await self._caller.call(_UPLOADED, target, additional)

    async def stop_download(self, target: Target, image: str) -> None:
        """End a download, if there is one; a partial file may stay."""
        additional = {"image_filename": fields.image_name(image, "image_filename")}
        await self._caller.call(_STOP_DOWNLOAD, target, additional)

    async def stop_upload(self, target: Target, image: str) -> None:
        """End an upload, if there is one."""
        additional = {"image_filename": fields.image_path(image)}
        await self._caller.call(_STOP_UPLOAD, target, additional)

    async def delete(self, target: Target, image: str) -> None:
        """Delete a file in the node's /data. DBC does not check whether a machine uses it."""
        additional = {"image_filename": fields.image_name(image, "image_filename")}
        await self._caller.call(_DELETE, target, additional)
