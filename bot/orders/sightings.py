"""How rentals are used, as seen: from when to when which machine held how many GPUs. Pure.

What is seen holds until something else is. After a longer time in which nobody looked, it holds no
more: what was then, nobody knows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from bot.model import Use
from bot.orders.schedule import MINUTE

HOLDS = 30 * MINUTE  # blocks
_OFTEN = 5 * MINUTE  # so seldom it is written down that nothing has changed


def changes(last: Sequence[Use], held: Sequence[Use], order: str, block: int) -> list[Use]:
    """What to write down after a look, which found machines `held` at a block.

    `last` is the last use of each machine and the last look, which has no task. A machine that
    holds none any more gets a use of none. What is seen for the first time may have begun before.
    """
    known = {use.task for use in last}
    held = [replace(use, begins=block) if use.task in known else use for use in held]
    look = next((use for use in last if not use.task), None)
    if look is not None and block <= look.ends:
        return []  # another process has seen this, or something newer
    if look is None or block - look.ends > HOLDS:
        return [Use(order, "", block, block), *held]
    before = {use.task: use for use in last if use.task and use.gpus and use.ends == look.ends}
    news = [use for use in held if not _is_same(before, use)]
    over = before.keys() - {use.task for use in held}
    # Else its use would look as if it lasted, since it ends with the last look.
    news += [replace(before[task], begins=block, ends=block, gpus=0) for task in sorted(over)]
    if not news and block - look.ends < _OFTEN:
        return []
    called = {use.task: use.label for use in held}
    lasting = [
        replace(use, ends=block, label=called.get(use.task, use.label)) for use in before.values()
    ]
    return [replace(look, ends=block), *lasting, *news]


def _is_same(before: Mapping[str, Use], use: Use) -> bool:
    known = before.get(use.task)
    return known is not None and known.gpus == use.gpus
