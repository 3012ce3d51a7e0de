"""From nothing to a running machine, and what people do with it."""

from tests.scenarios.site import both_stages
from tests.scenarios.stage import CHANNEL, Stage


@both_stages
async def test_a_machine_is_created_and_followed_until_it_runs(stage: Stage) -> None:
    alice = stage.alice
    await stage.gives_session(alice, "gpu1", "gpu2")
    await alice.types("/dbc vm create", channel=CHANNEL)
    await alice.sees_modal("Create a machine")
    await alice.submits(
        {
            "Name": "train-01",
            "Image": "ubuntu-22.04-cuda-12.qcow2",
            "Node": stage.node("gpu2").node_id,
            "GPUs": "2",
        }
    )
    await alice.sees("train-01 is being created on gpu2", CHANNEL)
    await stage.ends(alice, "train-01 is running on gpu2")
    assert stage.changes() == ["tasks.create"]
    assert len(stage.endings(alice)) == 1

    await alice.presses("How to connect")
    shown = await alice.sees(r"\*Connect\*")
    machine = stage.task("train-01")
    assert shown.ephemeral
    assert f"ssh -p {machine.ssh_port} dbc@" in shown.plain
    await alice.presses("Reveal passwords", shown)
    assert machine.login_password in (await alice.sees_modal("Only you see this")).plain
    await alice.closes()
    assert machine.login_password not in stage.bob.screen()
