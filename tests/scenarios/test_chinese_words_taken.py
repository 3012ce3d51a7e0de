"""Chinese words are words of the language: no nicknames, and states of machines."""

import json

import pytest

from tests.scenarios.machines import off
from tests.scenarios.orders import DAY, ChainStage
from tests.scenarios.stage import Stage


@pytest.mark.parametrize(
    "word", ["强制", "删除", "在", "试运行", "重启", "虚拟机", "开头", "retry"]
)
async def test_a_word_of_the_commands_is_no_nickname(one_stage: Stage, word: str) -> None:
    await one_stage.gives_session(one_stage.alice, "gpu1")
    await one_stage.asks(one_stage.alice, "/dbc vm list")
    told = await one_stage.asks(one_stage.alice, f"/dbc vm name inference {word}")
    assert "is now called" not in told.plain


@pytest.mark.parametrize("given", ["--state 运行中", "状态=运行中", "state=已关机"])
async def test_states_are_understood_in_chinese(one_stage: Stage, given: str) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu1")
    off(stage, "Ada's training run")
    listed = await stage.asks(stage.alice, f"/dbc vm list {given}")
    assert ("inference" in listed.plain) is ("运行中" in given)
    assert ("Ada's training run" in listed.plain) is ("已关机" in given)


async def test_json_is_filtered_by_what_the_person_reads(one_stage: Stage) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu1")
    off(stage, "Ada's training run")
    await stage.asks(stage.alice, "/dbc settings language zh")
    told = await stage.asks(stage.alice, "/dbc vm list --filter 运行中 --json")
    [code] = [b for b in told.blocks if "[" in str(b)][:1]
    assert "inference" in str(code)
    assert "Ada" not in str(code)
    assert "running" in json.dumps(told.blocks)


async def test_words_for_rentals_and_what_they_cost_are_commands(scene: ChainStage) -> None:
    stage, alice = scene.stage, scene.stage.alice
    scene.rents(blocks=2 * DAY)
    await scene.passes(minutes=2, step=60)
    for line, said in {
        "到期": "*1287* · *gpu1*",
        "救援 1287": "Copy what you need from",
        "续租 1287": "rentMachine.reletMachine(rent_id = 1287",
        "续费 1287": "Order *1287* for",
        "预算": "Cost of",
        "开支": "Cost of",
        "账单": "Cost of",
    }.items():
        shown = (await stage.asks(alice, f"/dbc {line}")).plain
        assert said.replace("*", "") in shown.replace("*", ""), line
