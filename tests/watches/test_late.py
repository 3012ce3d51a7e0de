"""Which request takes the place of one that is still looked for."""

from collections.abc import Mapping
from datetime import UTC, datetime

import pytest

from bot.ids import ChannelId, ExecutionId, NodeId, TaskId, UserId
from bot.model import Effect, Execution, Goal, Place, Source, Watch
from bot.watches.late import replaces

NOW = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
HERE = Place(ChannelId("C1"))
TASK = TaskId("t")


def watch(goal: Goal, command: str, task: TaskId, label: str, about: Mapping[str, str]) -> Watch:
    return Watch(
        "w", ExecutionId("e"), NodeId("n"), task, label, goal, UserId("U1"), HERE, NOW, NOW, NOW,
        about={**about, "command": command},
    )  # fmt: skip


def newer(command: str, task: TaskId, label: str, about: Mapping[str, str]) -> Execution:
    return Execution(
        ExecutionId("newer"), "key", UserId("U2"), HERE, Source.SLASH, command, about,
        Effect.CHANGE, NOW, node=NodeId("n"), task=task, label=label,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("goal", "older", "later", "is_replaced"),
    [
        (Goal.CLOSED, ("vm.shutdown", TASK, "a", {}), ("vm.shutdown", TASK, "b", {}), True),
        (Goal.CLOSED, ("vm.shutdown", TASK, "a", {}), ("vm.poweroff", TASK, "a", {}), False),
        (Goal.SETTLED, ("watch.vm", TASK, "a", {}), ("watch.vm", TASK, "a", {}), False),
        (
            Goal.DISK_GROWN,
            ("disk.resize", TASK, "a", {"disk": "vdb"}),
            ("disk.resize", TASK, "renamed", {"disk": "vdb"}), True,
        ),
        (
            Goal.DISK_GROWN,
            ("disk.resize", TASK, "a", {"disk": "vdb"}),
            ("disk.resize", TASK, "a", {"disk": "vdc"}), False,
        ),
        (
            Goal.DOWNLOADED,
            ("image.download", TaskId(""), "a.qcow2", {}),
            ("image.download", TaskId(""), "b.qcow2", {}), False,
        ),
    ],
)  # fmt: skip
def test_one_takes_the_place_of_another_where_their_effects_are_the_same(
    goal: Goal,
    older: tuple[str, TaskId, str, Mapping[str, str]],
    later: tuple[str, TaskId, str, Mapping[str, str]],
    is_replaced: bool,
) -> None:
    assert replaces(newer(*later), watch(goal, *older)) is is_replaced
