"""What a node has no room for, as far as it tells: found before anything is sent."""

from collections.abc import Mapping, Sequence

from bot.dbc.fields import DATA_DIR
from bot.dbc.models import NodeInfo
from bot.dbc.sizes import Size
from bot.language.row_parts import Foreseen
from bot.model import Node
from bot.pipeline.context import Context
from bot.reply import Text, listed, say, say_number

_HIDDEN = "data"  # a node lists no image whose name has this in it (docs/dbc-api.md §3.5.2)
_ROUNDED = 0.01  # GiB: sizes are told with two decimals


def lacking(
    node: Node,
    info: NodeInfo,
    *,
    gpu: int = 0,
    cpu: int = 0,
    mem: int = 0,
    disk: int = 0,
    image: str = "",
) -> Foreseen:
    """What a new machine with this would want and the node does not have free, by argument.

    An image that is not listed may be there all the same.
    """
    free = info.mem.free if info.mem is not None else None
    told = {
        "gpu": _gpus(node.label, info, gpu),
        "cpu": _cores(node.label, info, cpu),
        "mem": _memory(node.label, free, mem),
        "disk": _disk(node.label, _free_in(info, DATA_DIR), DATA_DIR, disk),
    }
    untold = {
        say("free GPUs"): info.gpu is None or info.gpu.gpu_count is None,
        say("free memory"): free is None or free.gib is None,
        say("free disk space"): bool(disk) and _free_in(info, DATA_DIR) is None,
    }
    doubt = _image(node.label, info, image)
    return Foreseen(
        {field: sentence for field, sentence in told.items() if sentence},
        (doubt,) if doubt else (),
        _untold(node.label, [what for what, is_untold in untold.items() if is_untold]),
    )


async def lacking_space(
    ctx: Context, node: Node, field: str, directory: str, wanted: int
) -> Foreseen:
    """Whether a directory of the node has no room for a disk: DBC itself does not look (§3.3)."""
    free = _free_in(await ctx.dbc.nodes.info(node.id), directory)
    told = _disk(node.label, free, directory, wanted)
    untold = _untold(node.label, [say("free disk space")] if free is None else [])
    return Foreseen({field: told} if told else {}, untold=untold)


async def beyond(
    ctx: Context, node: Node, own: Mapping[str, str], **wanted: int | None
) -> Foreseen:
    """What a machine that has its `own` is to have, and the node has not even when all is free."""
    info = await ctx.dbc.nodes.info(node.id)
    gpus = info.gpu.gpu_count if info.gpu is not None else None
    size = info.mem.size if info.mem is not None else None
    told = {
        "gpu": _gpus(node.label, info, wanted["gpu"] or 0, kept=int(own.get("gpu", gpus or 0))),
        "cpu": _cores(node.label, info, wanted["cpu"] or 0),
        "mem": _all_memory(node.label, size, wanted["mem"] or 0),
    }
    untold = {
        say("free GPUs"): wanted["gpu"] is not None and gpus is None,
        say("its memory"): wanted["mem"] is not None and (size is None or size.gib is None),
    }
    return Foreseen(
        {field: sentence for field, sentence in told.items() if sentence},
        untold=_untold(node.label, [what for what, is_untold in untold.items() if is_untold]),
    )


def _untold(node: str, what: Sequence[Text]) -> tuple[Text, ...]:
    if not what:
        return ()
    return (say("{node} does not report {what}.", node=node, what=listed(what)),)


def _gpus(node: str, info: NodeInfo, wanted: int, *, kept: int = 0) -> Text:
    if info.gpu is None or info.gpu.gpu_count is None:
        return ""
    count = info.gpu.gpu_count
    free = count - (info.gpu.gpu_used or 0)
    if wanted <= min(free + kept, count):
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


def _all_memory(node: str, size: Size | None, wanted: int) -> Text:
    if size is None or not _is_short(size, wanted):
        return ""
    return say(
        "{node} has {size} of memory; this asks for {wanted}.",
        node=node, size=str(size), wanted=_gib(wanted),
    )  # fmt: skip


def _disk(node: str, free: Size | None, directory: str, wanted: int) -> Text:
    if free is None or not _is_short(free, wanted):
        return ""
    return say(
        "{node} has {free} of disk space in {directory} free; this asks for {wanted}.",
        node=node,
        free=str(free),
        directory=directory,
        wanted=_gib(wanted),
    )


def _gib(number: int) -> str:
    return f"{number}G"


def _is_short(free: Size, wanted: int) -> bool:
    return free.gib is not None and wanted > free.gib + _ROUNDED


def _free_in(info: NodeInfo, directory: str) -> Size | None:
    found = next((disk.free for disk in info.disk_data if disk.path == directory), None)
    return found if found is not None and found.gib is not None else None


def _image(node: str, info: NodeInfo, wanted: str) -> Text:
    listed = {image.name for image in info.images}
    if not listed or not wanted or wanted in listed or _HIDDEN in wanted:
        return ""
    return say("{node} does not list the image {image}.", node=node, image=wanted)
