"""What a change costs in calls of Slack and in units of work that write, as far as it is told."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event

from sandbox.dbc.task import Libvirt, Status
from tests.scenarios.site import approves, asked, site
from tests.scenarios.stage import Stage, staged

START = "/dbc vm start inference"


@contextmanager
def units() -> Iterator[list[list[str]]]:
    """The units of work that write while inside, each with its statements."""
    found: list[list[str]] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if statement == "BEGIN IMMEDIATE":
            found.append([])
        elif found and not statement.startswith(("BEGIN", "SELECT")):
            found[-1].append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(Engine, "before_cursor_execute", note)


def of_delivery(found: list[list[str]]) -> list[list[str]]:
    """Those that write nothing but where messages stand."""
    return [one for one in found if one and all("UPDATE messages" in each for each in one)]


def calls(stage: Stage, since: int) -> Counter[str]:
    """How often Slack was called since then, by method."""
    return Counter(call.method for call in stage.ws.calls[since:])


async def test_a_start_costs_two_posts_one_edit_and_one_unit_of_work_each(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        await stage.gives_session(stage.alice, "gpu1")
        task = stage.task("inference")
        assert task.domain is not None
        task.domain.state, task.status = Libvirt.SHUT_OFF, Status.CLOSED
        before = len(stage.ws.calls)
        with units() as found:
            await stage.asks(stage.alice, START)
            await stage.ends(stage.alice, "inference is running on gpu1")
        made = calls(stage, before)
        assert (made["chat.postMessage"], made["chat.update"]) == (2, 1), made
        assert len(of_delivery(found)) <= 3, of_delivery(found)


async def test_an_approved_change_is_edited_when_it_begins_and_when_it_ends(
    tmp_path: Path,
) -> None:
    async with site(tmp_path, entitled="alice bob") as stage:
        before = len(stage.ws.calls)
        question = await asked(stage)
        await approves(stage, stage.bob, question)
        await stage.ends(stage.alice, "inference is deleted on gpu1")
        made = calls(stage, before)
        # The card in the channel and its copy for Bob.
        assert (made["chat.postMessage"], made["chat.update"]) == (3, 4), made
