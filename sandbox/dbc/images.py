"""Image servers and the rsync processes between them and a node.

Progress follows from the clock. Source: docs/dbc-api.md §5. Knows nothing of requests.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import PurePosixPath

from sandbox.dbc import values

# Finished rsync processes are noticed every 3 s only.
REAP_EVERY = timedelta(seconds=3)
MIB_PER_SECOND = 1024**2


@dataclass
class ImageFile:
    """A file in a host directory or on a server; `size` is what rsync moves, in bytes."""

    size: int
    backing: str = ""


@dataclass
class ImageServer:
    """An rsync daemon with images; transfers break off at the fraction `dies_at` (0 to 1)."""

    server_id: str
    images: dict[str, ImageFile] = field(default_factory=dict)
    host: str = "198.51.100.20"
    port: int = 873
    module: str = "images"
    reachable: bool = True
    dies_at: float | None = None

    def listing(self) -> dict[str, int]:
        """The qcow2 files and their sizes; nothing when the server cannot be reached."""
        if not self.reachable:
            return {}
        names = sorted(name for name in self.images if name.endswith(".qcow2"))
        return {name: self.images[name].size for name in names}

    def first_size_like(self, name: str) -> int | None:
        """The size in the first line that contains the name: how a download learns its total."""
        sizes = (self.images[it].size for it in sorted(self.images) if name in it)
        return next(sizes, None) if self.reachable else None


@dataclass
class Transfer:
    """One rsync process; `total` is what the node believes the size to be, in bytes."""

    name: str
    server: ImageServer
    source: ImageFile
    total: int
    started: datetime
    rate: float
    target: str
    dies_at: float | None = None
    finished: bool = False

    @property
    def ends(self) -> datetime:
        """When the process exits by itself."""
        share = 1.0 if self.dies_at is None else self.dies_at
        return self.started + timedelta(seconds=self.source.size * share / self.rate)

    def moved(self, now: datetime) -> int:
        """Bytes in the partial file."""
        seconds = (min(now, self.ends) - self.started).total_seconds()
        return min(self.source.size, int(max(0.0, seconds) * self.rate))

    def percent(self, now: datetime) -> int | None:
        """What the progress call shows, 0 to 99; None when it says done."""
        if now >= self.ends:
            return None
        share = self.moved(now) / self.total if self.total else 1.0
        return int(share * 100) if share < 1.0 else None


class Transfers:
    """A node's rsync processes: one download per file name, one upload per absolute path."""

    def __init__(self, files: dict[str, ImageFile], rate: float = 100 * MIB_PER_SECOND) -> None:
        self.rate = rate
        self.downloads: dict[str, Transfer] = {}
        self.uploads: dict[str, Transfer] = {}
        self.outlives_stop = False
        """A stop ends rsync's parent only: its receiver goes on, in no table (§11.4)."""
        self._orphans: list[Transfer] = []
        self._files = files
        self._on_upload_end: dict[str, Callable[[], None]] = {}

    def download(self, name: str, directory: str, server: ImageServer, now: datetime) -> bool:
        """Start fetching; False when the server does not tell a size."""
        total = server.first_size_like(name)
        if total is None:
            return False
        source = server.images[name]
        target = str(PurePosixPath(directory) / name)
        self.downloads[name] = Transfer(
            name, server, source, total, now, self.rate, target, server.dies_at
        )
        return True

    def upload(
        self,
        path: str,
        server: ImageServer,
        now: datetime,
        on_end: Callable[[], None] | None = None,
    ) -> None:
        """Start sending; an unreachable server ends the process at once, silently."""
        source = self._files[path]
        dies_at = server.dies_at if server.reachable else 0.0
        name = PurePosixPath(path).name
        self.uploads[path] = Transfer(
            name, server, source, source.size, now, self.rate, path, dies_at
        )
        if on_end is not None:
            self._on_upload_end[path] = on_end

    def settle(self, now: datetime) -> None:
        """Finish what has ended by now; forget it when the node would have noticed."""
        for orphan in [it for it in self._orphans if self._ended(it, now)]:
            self._orphans.remove(orphan)
            self._land(orphan, now)
        for name, transfer in list(self.downloads.items()):
            if self._ended(transfer, now):
                self._land(transfer, now)
            if now >= transfer.ends + REAP_EVERY:
                del self.downloads[name]
        for path, transfer in list(self.uploads.items()):
            if self._ended(transfer, now) and transfer.dies_at is None:
                transfer.server.images[transfer.name] = ImageFile(
                    transfer.source.size, transfer.source.backing
                )
            if now >= transfer.ends + REAP_EVERY:
                del self.uploads[path]
                self._on_upload_end.pop(path, _nothing)()

    def stop_download(self, name: str, now: datetime) -> None:
        """Kill the process and forget it; what has arrived stays under the final name.

        Where the receiver outlives it, nothing shows until the file is there, whole.
        """
        transfer = self.downloads.pop(name, None)
        if transfer is None or transfer.finished:
            return
        if self.outlives_stop:
            self._orphans.append(transfer)
        else:
            self._land(transfer, now)

    def stop_upload(self, path: str, now: datetime) -> None:
        """Kill the process and forget it, its end is reported to nobody.

        What has been sent stays on the server under the final name (§11.4).
        """
        transfer = self.uploads.pop(path, None)
        self._on_upload_end.pop(path, None)
        if transfer is None or transfer.finished or not transfer.server.reachable:
            return
        if size := transfer.moved(now):
            transfer.server.images[transfer.name] = ImageFile(size, transfer.source.backing)

    def forget(self) -> None:
        """Lose the table, as a restarted process does."""
        self.downloads.clear()
        self.uploads.clear()
        self._on_upload_end.clear()

    @staticmethod
    def _ended(transfer: Transfer, now: datetime) -> bool:
        if transfer.finished or now < transfer.ends:
            return False
        transfer.finished = True
        return True

    def _land(self, transfer: Transfer, now: datetime) -> None:
        """Leave the file as `rsync --partial` does: whole, or truncated under its final name."""
        size = transfer.moved(now) if transfer.dies_at is None else transfer.moved(transfer.ends)
        if transfer.dies_at is None and now >= transfer.ends:
            size = transfer.source.size
        if size > 0:
            self._files[transfer.target] = ImageFile(size, transfer.source.backing)


def _nothing() -> None:
    """Nobody waits for this upload."""


def progress_text(percent: int | None, doing: str) -> str:
    """The answer of both progress calls."""
    if percent is None:
        return '{"status": "done","progress": "100%"}'
    return f'{{"status": "{doing}","progress": "{percent}%"}}'


def image_rows(images: dict[str, int], key: str) -> str:
    """Rows of an image list; the node's key has a colon too many."""
    rows = (
        f'{{"{key}":"{name}","image_size":"{values.size_text(size)}"}}'
        for name, size in images.items()
    )
    return ",".join(rows)
