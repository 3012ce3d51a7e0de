"""Nodes: which there are, what they have, what they are called, which is meant."""

from tests.scenarios.stage import CHANNEL, Stage

PROGRESS = "/dbc image progress one.qcow2"


async def test_nodes_are_listed_with_those_one_has_a_session_for(stage: Stage) -> None:
    await stage.gives_session(stage.alice, "gpu2")
    listed = await stage.asks(stage.alice, "/dbc node list")
    by_name = {line.split(" ")[0]: line for line in listed.plain.replace("*", "").splitlines()}
    assert {"gpu1", "gpu2", "gpu3"} <= set(by_name)
    assert ":key:" in by_name["gpu2"]
    assert ":key:" not in by_name["gpu1"]
    assert ":key:" not in by_name["gpu3"]


async def test_known_nodes_are_listed_while_the_daemon_is_down(one_stage: Stage) -> None:
    await one_stage.asks(one_stage.alice, "/dbc node list")
    one_stage.daemon.crash()
    listed = await one_stage.asks(one_stage.alice, "/dbc node list")
    assert "gpu1" in listed.plain
    assert "As last seen: The DBC daemon cannot be reached." in listed.plain


async def test_a_node_is_shown_with_what_is_in_use(stage: Stage) -> None:
    shown = await stage.asks(stage.alice, "/dbc node show gpu1")
    assert "3 of 8 in use" in shown.plain
    assert "108 cores" in shown.plain
    assert "ubuntu-22.04-cuda-12.qcow2" in shown.plain
    assert stage.node("gpu1").node_id in shown.plain
    dead = await stage.asks(stage.alice, "/dbc node show gpu3")
    assert "gpu3 did not answer in time" in dead.plain
    unknown = await stage.asks(stage.alice, "/dbc node show gpu9")
    assert "There is no node called “gpu9”" in unknown.plain


async def test_a_node_gets_a_name_that_everyone_can_use(stage: Stage) -> None:
    told = await stage.asks(stage.alice, "/dbc node name gpu2 beta")
    assert "is now called *beta*" in told.plain
    shown = await stage.asks(stage.bob, "/dbc node show beta")
    assert stage.node("gpu2").node_id in shown.plain
    refused = await stage.asks(stage.bob, "/dbc node name gpu1 beta")
    assert "already called" in refused.plain


async def test_a_channels_node_comes_before_ones_own(stage: Stage) -> None:
    alice = stage.alice
    await stage.gives_session(alice, "gpu1", "gpu2")
    told = await stage.asks(alice, PROGRESS)
    assert "Which node? I know gpu1, gpu2." in told.plain

    told = await stage.asks(alice, "/dbc node use gpu2")
    assert "Your default node is now *gpu2*" in told.plain
    assert told.ephemeral
    told = await stage.asks(alice, PROGRESS)
    assert "*gpu2* reports no transfer" in told.plain

    told = await stage.asks(alice, "/dbc node use gpu1 here")
    assert "This channel's default node is now *gpu1*" in told.plain
    assert not told.ephemeral
    told = await stage.asks(alice, PROGRESS)
    assert "*gpu1* reports no transfer" in told.plain
    told = await stage.asks(alice, f"{PROGRESS} on gpu2")
    assert "*gpu2* reports no transfer" in told.plain
    told = await stage.asks(alice, PROGRESS.removeprefix("/dbc "), channel="@dbc")
    assert "*gpu2* reports no transfer" in told.plain

    told = await stage.asks(alice, "/dbc whoami")
    assert "gpu1" in told.plain.split("This channel's node")[1]
    assert "gpu2" in told.plain.split("Your default node")[1]


async def test_the_only_session_says_which_node_is_meant(one_stage: Stage) -> None:
    await one_stage.gives_session(one_stage.alice, "gpu2")
    await one_stage.asks(one_stage.alice, "/dbc vm create name=t1 image=ubuntu-22.04-cuda-12.qcow2")
    await one_stage.ends(one_stage.alice, "t1 is running on gpu2")


async def test_a_node_the_daemon_forgot_is_said(one_stage: Stage) -> None:
    await one_stage.gives_session(one_stage.alice, "gpu1")
    one_stage.node("gpu1").known = False
    told = await one_stage.asks(one_stage.alice, "/dbc vm list")
    assert "The DBC daemon does not know the node at the moment." in told.plain
    assert one_stage.alice.last(CHANNEL).ephemeral


async def test_a_name_that_is_the_name_already_changes_nothing(one_stage: Stage) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu1")
    told = await stage.asks(stage.alice, "/dbc node name gpu1 gpu1")
    assert "already has that name: nothing has changed" in told.plain
    await stage.asks(stage.alice, "/dbc vm list")
    await stage.asks(stage.alice, "/dbc vm name inference prod")
    await stage.gives_session(stage.bob, "gpu1")
    told = await stage.asks(stage.bob, "/dbc vm name prod prod")
    assert "already has that name: nothing has changed" in told.plain
    dry = await stage.asks(stage.bob, "/dbc vm restart prod --dry-run")
    assert f"given by <@{stage.alice.id}>" in dry.plain
    assert f"given by <@{stage.bob.id}>" not in dry.plain
    assert "Node's nickname" not in dry.plain
