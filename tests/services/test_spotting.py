"""The machine and the node that somebody speaks of, wherever they stand in a line."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.ids import NodeId, TaskId, UserId
from bot.language.synonyms import is_of_language
from bot.model import Machine, Node
from bot.services.spotting import spotted

NOW = datetime(2026, 1, 5, tzinfo=UTC)
ONE, TWO = NodeId("a1" * 32), NodeId("b2" * 32)
NODES = [Node(ONE, "gpu1", "", NOW), Node(TWO, "gpu2", "", NOW)]


def machine(desc: str, task: str, node: NodeId = ONE) -> Machine:
    return Machine(node, TaskId(task), UserId("U0ALICE"), desc, "Running", "", NOW)


MACHINES = [
    machine("Ada's training run", "JGH12VGaRXhqT2yLgPG6Lw"),
    machine("inference", "Vs7n5UDAvMhWZ99G5aKNr7"),
    machine("train-01", "7a9QxR2mUq8LpZ3vK5dN1w", TWO),
    machine("train-02", "9kLmW4xT7yHcB2nF6sJ8pQ", TWO),
    machine("训练机", "3fGh8JkL1mNpQ5rStUvW7x", TWO),
]
ODD = ["asr-train", "us-east", "old-box", "golem", "run-7", "Bo's old run"]
NAMES = {one.desc: one for one in MACHINES}


def named(line: str) -> tuple[str, str]:
    found = spotted(line.split(), MACHINES, NODES, is_of_language)
    return found.machine.desc if found.machine else "", found.node.name if found.node else ""


@pytest.mark.parametrize(
    ("line", "desc", "node"),
    [
        ("can u reboot ada", "Ada's training run", ""),
        ("pls restart adas training run", "Ada's training run", ""),
        ("restart Ada’s training run it hangs", "Ada's training run", ""),
        ("whats wrong with training", "Ada's training run", ""),
        ("is inference's log gone", "inference", ""),
        ("重启7a9Q一下", "train-01", ""),
        ("请重启训练机吧", "训练机", ""),
        ("is gpu1 up?", "", "gpu1"),
        ("reboot train-01 on gpu2", "train-01", "gpu2"),
        ("reboot train-01 on gpu1", "", "gpu1"),  # there is none
        ("let us do it as soon as they are in the office", "", ""),
        ("reboot train", "", ""),  # two of them
        ("reboot train-01 or train-02", "", ""),
        ("reboot ada or inference", "", ""),
        ("delete ada, keep inference", "", ""),  # the whole name is the one to keep
        ("shut down ada, inference needs its gpus", "", ""),
        ("do not touch it", "", ""),
        ("good night", "", ""),
        ("🔥🔥", "", ""),
    ],
)
def test_what_is_meant_is_found_wherever_it_stands(line: str, desc: str, node: str) -> None:
    assert named(line) == (desc, node)


_SAID = (
    "can", "u", "pls", "reboot", "not", "dont", "happen", "whats", "of", "the", "uh", "so",
    "restart", "delete",
    "🔥🔥", "night", "box", "why", "is", "it", "down", "please", "一下", "请", "重启", "不要",
    "for", "me", "now",
)  # fmt: skip


@given(
    st.lists(st.sampled_from(_SAID), max_size=5),
    st.sampled_from(sorted(NAMES)),
    st.lists(st.sampled_from(_SAID), max_size=5),
    st.sampled_from(("{}", "{}?", "{}'s", "{},", "*{}*")),
)
def test_a_machine_that_is_named_is_the_one_or_none_is(
    before: list[str], name: str, behind: list[str], written: str
) -> None:
    line = " ".join([*before, written.format(name), *behind])
    assert named(line)[0] == name


@given(st.lists(st.sampled_from(_SAID), max_size=8))
def test_where_none_is_named_none_is_found(said: list[str]) -> None:
    assert named(" ".join(said)) == ("", "")


def test_what_is_said_of_anything_names_nothing() -> None:
    odd = [machine(name, f"T{number:021d}") for number, name in enumerate(ODD)]
    for line in ("as soon as possible", "let us see", "the old one", "go on with it", "run it"):
        found = spotted(line.split(), odd, NODES, is_of_language)
        assert found.machine is None, line
        assert not found.is_unclear, line


def test_of_very_many_alike_the_whole_name_is_found_and_a_part_is_none() -> None:
    many = [machine(f"ada training run number {n}", f"N{n:021d}") for n in range(500)]
    found = spotted(
        ["restart", "ada", "training", "run", "number", "7"], many, NODES, is_of_language
    )
    assert found.machine == many[7]
    found = spotted(["restart", *["training", "run"] * 29], many, NODES, is_of_language)
    assert (found.machine, found.is_unclear) == (None, True)


def test_a_machine_to_be_deleted_is_not_one_to_be_spared() -> None:
    for verb in ("删除", "移除", "请删除"):
        found = spotted([verb, "inference"], MACHINES, NODES, is_of_language)
        assert found.machine == MACHINES[1], verb
    assert spotted(["除了", "inference", "都重启"], MACHINES, NODES, is_of_language).machine is None
