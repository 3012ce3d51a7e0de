"""What a node has no room for, as far as it tells: for a dry run, where nothing is sent."""

from collections.abc import Sequence

from bot.dbc.fields import DATA_DIR
from bot.dbc.models import NodeInfo
from bot.dbc.sizes import Size
from bot.model import Node
from bot.pipeline.context import Context
from bot.plural import counted

_HIDDEN = "data"  # a node lists no image whose name has this in it (docs/dbc-api.md §3.5.2)


async def lacking(
    ctx: Context,
    node: Node,
    *,
    gpu: int = 0,
    cpu: int = 0,
    mem: int = 0,
    disk: int = 0,
    image: str = "",
) -> Sequence[str]:
    """What a new machine with this would want and the node does not have free, in sentences.

    Raises DbcError where the node does not tell.
    """
    info = await ctx.dbc.nodes.info(node.id)
    told = [
        _gpus(node.label, info, gpu),
        _cores(node.label, info, cpu),
        _size(node.label, "memory", info.mem.free if info.mem is not None else None, mem),
        _size(node.label, f"disk space in {DATA_DIR}", _data(info), disk),
        _image(node.label, info, image),
    ]
    return [sentence for sentence in told if sentence]


def _gpus(node: str, info: NodeInfo, wanted: int) -> str:
    if info.gpu is None or info.gpu.gpu_count is None:
        return ""
    count = info.gpu.gpu_count
    free = count - (info.gpu.gpu_used or 0)
    if wanted <= free:
        return ""
    left = f"{node} has {counted(count, 'GPU')}"
    return f"{left}{f', {free} of them free' if free < count else ''}; this asks for {wanted}."


def _cores(node: str, info: NodeInfo, wanted: int) -> str:
    cores = info.cpu and info.cpu.cores
    if not cores or wanted <= cores:
        return ""
    return f"{node} has {counted(cores, 'core')}; this asks for {wanted}."


def _size(node: str, what: str, free: Size | None, wanted: int) -> str:
    if free is None or free.gib is None or wanted <= free.gib:
        return ""
    return f"{node} has {free} of {what} free; this asks for {wanted}G."


def _data(info: NodeInfo) -> Size | None:
    return next((disk.free for disk in info.disk_data if disk.path == DATA_DIR), None)


def _image(node: str, info: NodeInfo, wanted: str) -> str:
    listed = {image.name for image in info.images}
    if not listed or not wanted or wanted in listed or _HIDDEN in wanted:
        return ""
    return f"{node} does not list the image {wanted}."
