"""Lists as Slack's tables where the workspace takes them, as lines where it does not."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.app import Bot
from bot.reply import Column, Row, Rows, line
from handlers.tables import tabled
from sandbox.dbc.task import Libvirt, Status
from sandbox.slack import SeenMessage
from tests.clocks import unwaited
from tests.scenarios.stage import CHANNEL, LIMITS, Stage, staged

DISKS = "disk list inference"


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    """A stage on which Alice has a machine that is off."""
    async with staged(tmp_path) as one:
        await one.gives_session(one.alice, "gpu1")
        await one.asks(one.alice, "/dbc vm list")
        task = one.task("inference")
        assert task.domain is not None
        task.domain.state, task.status = Libvirt.SHUT_OFF, Status.CLOSED
        yield one


def kinds(message: SeenMessage) -> list[str]:
    """The types of its blocks."""
    return [block["type"] for block in message.blocks]


def table_of(message: SeenMessage) -> dict[str, Any]:
    """Its one table."""
    (table,) = (block for block in message.blocks if block["type"] == "table")
    return table


def titles(message: SeenMessage) -> list[str]:
    """What stands above the columns of its table."""
    return [cell["text"] for cell in table_of(message)["rows"][0]]


def refused(stage: Stage) -> list[str]:
    """The calls that Slack refused for their blocks."""
    return [call.method for call in stage.ws.calls if call.error == "invalid_blocks"]


@pytest.mark.parametrize(
    ("line", "head"),
    [
        (DISKS, ["Disk", "Size", "File"]),
        ("image list hub", ["Image", "Size"]),
        ("alias list", ["Alias", "Stands for"]),
    ],
)
async def test_a_list_of_columns_is_a_table(stage: Stage, line: str, head: list[str]) -> None:
    await stage.asks(stage.alice, "/dbc alias add r = vm restart $1 force")
    told = await stage.asks(stage.alice, f"/dbc {line}")
    assert titles(told) == head
    assert all(len(row) == len(head) for row in table_of(told)["rows"])
    for row in table_of(told)["rows"][1:]:  # who hears it, hears all of it
        first = str(row[0].get("text") or row[0]["elements"][0]["elements"][0]["text"])
        assert first in told.text


async def test_a_table_is_in_the_language_of_its_reader(stage: Stage) -> None:
    await stage.asks(stage.alice, "/dbc settings language zh")
    told = await stage.asks(stage.alice, f"/dbc {DISKS}")
    assert titles(told) == ["磁盘", "大小", "文件"]


async def test_numbers_stand_on_the_right_and_only_long_texts_are_broken(stage: Stage) -> None:
    told = await stage.asks(stage.alice, f"/dbc {DISKS}")
    assert table_of(told)["column_settings"] == [
        {"align": "left", "is_wrapped": False},
        {"align": "right", "is_wrapped": False},
        {"align": "left", "is_wrapped": True},
    ]


async def test_what_can_be_acted_on_keeps_its_menus(stage: Stage) -> None:
    told = await stage.asks(stage.alice, "/dbc vm list")
    assert "table" not in kinds(told)
    assert [block for block in told.blocks if block.get("accessory", {}).get("type") == "overflow"]


async def test_several_lists_in_a_message_look_alike(stage: Stage) -> None:
    told = await stage.asks(stage.alice, "/dbc image list")
    assert "table" not in kinds(told)


@pytest.mark.parametrize("asked", ["/dbc ", "@dbc "], ids=["a command", "a mention"])
async def test_two_refused_tables_come_as_lines_and_for_a_day_none_is_sent(
    stage: Stage, asked: str
) -> None:
    stage.ws.core.refused_blocks = {"table"}
    for _ in range(3):
        told = await stage.asks(stage.alice, f"{asked}{DISKS}")
        assert "table" not in kinds(told)
        assert "`vda` 350G · /" in told.plain
    met = len(refused(stage))
    assert met == (2 if asked.startswith("@") else 0)  # a response_url is no method

    stage.ws.core.refused_blocks = set()
    told = await stage.asks(stage.alice, f"{asked}{DISKS}")
    assert "table" not in kinds(told)

    stage.clock.advance(timedelta(days=1))
    told = await stage.asks(stage.alice, f"{asked}{DISKS}")
    assert "table" in kinds(told)
    assert len(refused(stage)) == met


async def test_one_table_that_slack_refuses_keeps_no_other_from_being_sent(stage: Stage) -> None:
    for _ in range(3):
        stage.ws.core.refused_blocks = {"table"}
        assert "table" not in kinds(await stage.asks(stage.alice, f"@dbc {DISKS}"))
        stage.ws.core.refused_blocks = set()
        assert "table" in kinds(await stage.asks(stage.alice, f"@dbc {DISKS}"))


async def test_a_list_with_more_than_a_table_may_hold_is_not_sent_as_one() -> None:
    def listed(length: int) -> Rows:
        row = Row(line("x"), {}, cells=(line("x" * length), line("y")))
        return Rows((row,), columns=(Column("One"), Column("Two")))

    assert tabled([listed(9_993)]) is not None
    assert tabled([listed(9_994)]) is None


async def test_only_the_refused_block_is_replaced(stage: Stage) -> None:
    whole = await stage.asks(stage.alice, f"/dbc {DISKS}")
    stage.ws.core.refused_blocks = {"table"}
    told = await stage.asks(stage.alice, f"/dbc {DISKS}")
    assert kinds(whole) == ["section", "table", "context"]
    assert kinds(told) == ["section", "context"]
    assert told.blocks[-1]["elements"] == whole.blocks[-1]["elements"]
    assert told.text == whole.text


async def test_another_refusal_says_nothing_of_tables(stage: Stage) -> None:
    stage.ws.faults.error("channel_not_found", "chat.postMessage", times=1)
    await stage.asks(stage.alice, f"@dbc {DISKS}")
    told = await stage.asks(stage.alice, f"@dbc {DISKS}")
    assert "table" in kinds(told)


async def test_the_settings_can_keep_lists_as_lines(stage: Stage) -> None:
    settings = stage.settings().model_copy(update={"slack_blocks": "classic"})
    await unwaited(stage.bot.stop())
    stage.bot = Bot(settings, stage.machine, LIMITS)
    await stage.bot.start(ticking=False)
    await stage.bot.edge.connected()
    told = await stage.asks(stage.alice, f"/dbc {DISKS}", CHANNEL)
    assert "table" not in kinds(told)
    assert "`vda` 350G · /" in told.plain
