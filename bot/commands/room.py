"""What a node has no room for, as far as it tells: for a dry run, where nothing is sent."""

from collections.abc import Sequence

from bot.dbc.fields import DATA_DIR
from bot.dbc.models import NodeInfo
from bot.dbc.sizes import Size
from bot.model import Node
from bot.pipeline.context import Context
from bot.reply import Text, say, say_number

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
) -> Sequence[Text]:
    """What a new machine with this would want and the node does not have free, in sentences.

    Raises DbcError where the node does not tell.
    """
    info = await ctx.dbc.nodes.info(node.id)
    told = [
        _gpus(node.label, info, gpu),
        _cores(node.label, info, cpu),
        _memory(node.label, info.mem.free if info.mem is not None else None, mem),
        _disk(node.label, _data(info), disk),
        _image(node.label, info, image),
    ]
    return [sentence for sentence in told if sentence]


def _gpus(node: str, info: NodeInfo, wanted: int) -> Text:
    if info.gpu is None or info.gpu.gpu_count is None:
        return ""
    count = info.gpu.gpu_count
    free = count - (info.gpu.gpu_used or 0)
    if wanted <= free:
        return ""
    gpus = say_number("{number} GPU", "{number} GPUs", count)
    if free == count:
        return say(
            "{node} has {gpus}; this asks for {wanted}.", node=node, gpus=gpus, wanted=wanted
        )
    return say(
        "{node} has {gpus}, {free} of them free; this asks for {wanted}.",
        node=node,
        gpus=gpus,
        free=free,
        wanted=wanted,
    )


def _cores(node: str, info: NodeInfo, wanted: int) -> Text:
    cores = info.cpu and info.cpu.cores
    if not cores or wanted <= cores:
        return ""
    count = say_number("{number} core", "{number} cores", cores)
    return say("{node} has {cores}; this asks for {wanted}.", node=node, cores=count, wanted=wanted)


def _memory(node: str, free: Size | None, wanted: int) -> Text:
    if free is None or not _is_short(free, wanted):
        return ""
    return say(
        "{node} has {free} of memory free; this asks for {wanted}.",
        node=node,
        free=str(free),
        wanted=_gib(wanted),
    )


def _disk(node: str, free: Size | None, wanted: int) -> Text:
    if free is None or not _is_short(free, wanted):
        return ""
    return say(
        "{node} has {free} of disk space in {directory} free; this asks for {wanted}.",
        node=node,
        free=str(free),
        directory=DATA_DIR,
        wanted=_gib(wanted),
    )


def _gib(number: int) -> str:
    return f"{number}G"


def _is_short(free: Size, wanted: int) -> bool:
    return free.gib is not None and wanted > free.gib


def _data(info: NodeInfo) -> Size | None:
    return next((disk.free for disk in info.disk_data if disk.path == DATA_DIR), None)


def _image(node: str, info: NodeInfo, wanted: str) -> Text:
    listed = {image.name for image in info.images}
    if not listed or not wanted or wanted in listed or _HIDDEN in wanted:
        return ""
    return say("{node} does not list the image {image}.", node=node, image=wanted)
