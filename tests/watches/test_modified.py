"""What the details of a machine prove of a change whose process died in the middle."""

from datetime import timedelta

import pytest

from bot.dbc.models import TaskDetail
from bot.model import WatchState
from bot.watches.observers.modified import NOW as BEFORE
from bot.watches.observers.modified import THEN, TRIED, verdict
from tests.storage.samples import NOW, watch
from tests.watches.words import more_of

ABOUT = {
    f"{BEFORE}ssh": "5685", f"{THEN}ssh": "5700", f"{THEN}ports": "tcp,8080",
    f"{BEFORE}vnc": "5905", f"{THEN}vnc": "5950", f"{BEFORE}mem": "64", f"{THEN}mem": "32",
}  # fmt: skip


def detail(vnc: int) -> TaskDetail:
    return TaskDetail.model_validate(
        {"task_id": "t", "ssh_port": "5700", "vnc_port": str(vnc), "mem_size": "64G"}
    )


def test_what_may_have_been_sent_is_not_told_as_not_tried() -> None:
    later = NOW + timedelta(minutes=3)
    found = verdict(watch(about=ABOUT, unsure=True), detail(5905), later)
    assert found.state is WatchState.UNKNOWN
    assert "Not seen: VNC port 5905 → 5950" in more_of(found)
    assert "Not tried" not in more_of(found)
    assert found.in_doubt  # so it is looked for behind the field that shows nowhere


def test_what_was_sent_later_proves_what_was_sent_before() -> None:
    later = NOW + timedelta(minutes=3)
    found = verdict(watch(about=ABOUT, unsure=True), detail(5950), later)
    assert "Changed: SSH port 5685 → 5700; more ports: tcp,8080; VNC port" in more_of(found)


@pytest.mark.parametrize("minutes", [0, 1])
def test_what_can_be_seen_is_given_time(minutes: int) -> None:
    one = watch(about=ABOUT, unsure=True)
    found = verdict(one, detail(5905), NOW + timedelta(minutes=minutes))
    assert found.state is WatchState.OPEN


def test_what_was_never_sent_is_told_as_not_tried() -> None:
    about = {**ABOUT, TRIED: "ssh ports"}
    found = verdict(watch(about=about, unsure=True), detail(5905), NOW + timedelta(minutes=3))
    assert "Not tried: VNC port 5905 → 5950" in more_of(found)
