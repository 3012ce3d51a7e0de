"""Networks between machines: made, listed, deleted when unused."""

import pytest

from sandbox.dbc.demo import demo_renter
from tests.scenarios.stage import CHANNEL, Stage


async def makes(stage: Stage, line: str = "lan create team01 192.168.66.0/24 on gpu1") -> None:
    await stage.alice.types(f"/dbc {line}", channel=CHANNEL)


async def test_a_network_is_made_listed_and_deleted(stage: Stage) -> None:
    alice = stage.alice
    await stage.gives_session(alice, "gpu1")
    await makes(stage)
    await alice.sees(r"The network \*team01\* \(192.168.66.0/24\) is made on \*gpu1\*", CHANNEL)
    await alice.types("/dbc lan list gpu1", channel=CHANNEL)
    await alice.sees("`team01` 192.168.66.0/24 · unused", CHANNEL)

    await alice.types("/dbc lan delete team01 on gpu1", channel=CHANNEL)
    await stage.confirms(alice, "Delete the network team01")
    await alice.sees(r"The network \*team01\* is deleted", CHANNEL)
    assert stage.changes() == ["lan.create", "lan.delete"]
    assert stage.world.networks == {}


async def test_a_rehearsal_says_where_the_network_is(one_stage: Stage) -> None:
    alice = one_stage.alice
    await one_stage.gives_session(alice, "gpu1")
    await makes(one_stage)
    await alice.sees("is made on", CHANNEL)
    told = await one_stage.asks(alice, "/dbc lan delete team01 on gpu1 --dry-run")
    assert "Delete the network team01 on gpu1" in told.plain.replace("*", "")


async def test_a_line_that_lacks_its_node_is_told_how_to_name_it(one_stage: Stage) -> None:
    await one_stage.gives_session(one_stage.alice, "gpu1", "gpu2")
    told = await one_stage.asks(one_stage.alice, "/dbc lan list")
    assert "Which node? I know gpu1, gpu2.\nName it; in a line, add “on <node>”." in told.plain
    assert one_stage.alice.modal is None


async def test_of_the_nodes_that_may_be_meant_each_is_a_button(one_stage: Stage) -> None:
    alice, bob = one_stage.alice, one_stage.bob
    refused = await one_stage.asks(bob, "/dbc lan list")
    assert "You have no node access yet." in refused.plain
    assert refused.buttons == ["Ask for access"]
    await one_stage.gives_session(alice, "gpu1", "gpu2")
    which = await one_stage.asks(alice, "/dbc lan list")
    assert which.buttons == ["gpu1", "gpu2"]
    await alice.presses("gpu2", which)
    await alice.sees("gpu2\\* knows no networks", CHANNEL)


async def test_who_has_no_session_asks_for_the_one_whose_button_they_press(
    one_stage: Stage,
) -> None:
    alice, bob = one_stage.alice, one_stage.bob
    await one_stage.gives_session(alice, "gpu2")
    which = await one_stage.asks(bob, "/dbc session ask reason=training")
    assert which.buttons == ["gpu1", "gpu2", "gpu3"]
    await bob.presses("gpu2", which)
    await one_stage.passes()
    asked = await alice.sees(f"<@{bob.id}> asks for access to", "@dbc")
    assert "gpu2" in asked.plain
    assert "Reason: training" in asked.plain


async def test_a_network_in_use_is_kept_and_its_machines_named(one_stage: Stage) -> None:
    alice = one_stage.alice
    await one_stage.gives_session(alice, "gpu1")
    await makes(one_stage)
    await alice.sees("is made on", CHANNEL)
    await alice.types("/dbc vm list", channel=CHANNEL)
    await alice.sees("inference", CHANNEL)
    one_stage.world.networks["team01"].members.append(one_stage.task("inference").task_id)
    await alice.types("/dbc lan list gpu1", channel=CHANNEL)
    await alice.sees("192.168.66.0/24 · inference", CHANNEL)
    await alice.types("/dbc lan delete team01 on gpu1", channel=CHANNEL)
    await alice.sees("The network team01 is in use by inference", CHANNEL)
    assert one_stage.changes() == ["lan.create"]


async def test_only_its_maker_deletes_a_network(one_stage: Stage) -> None:
    alice = one_stage.alice
    await one_stage.gives_session(alice, "gpu1")
    await makes(one_stage)
    await alice.sees("is made on", CHANNEL)
    one_stage.world.networks["team01"].wallet = "5Another"
    await alice.types("/dbc lan delete team01 on gpu1", channel=CHANNEL)
    await one_stage.confirms(alice, "Delete the network team01")
    await alice.sees("This network was made by another wallet", CHANNEL)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("lan create team 192.168.66.0/24 on gpu1", "6 to 10 letters"),
        ("lan create team-01 192.168.66.0/24 on gpu1", "6 to 10 letters"),
        ("lan create team01 192.168.66.0/31 on gpu1", "mask from 8 to 30"),
        ("lan create team01 elsewhere/24 on gpu1", "IPv4 range"),
        ("lan create team01 192.168.122.0/24 on gpu1", "every node uses itself"),
    ],
)
async def test_what_dbc_would_choke_on_is_never_sent(
    one_stage: Stage, line: str, told: str
) -> None:
    await one_stage.gives_session(one_stage.alice, "gpu1")
    await makes(one_stage, line)
    await one_stage.alice.sees(told, CHANNEL)
    assert one_stage.changes() == []


async def test_rentals_are_listed(one_stage: Stage) -> None:
    one_stage.node("gpu2").rent(demo_renter(), gpus=[0, 1], order="1287")
    await one_stage.alice.types("/dbc node orders gpu2")
    told = await one_stage.alice.sees(r"\*order 1287\* · renting · GPUs 0, 1 · until block")
    assert demo_renter().address in told.plain
