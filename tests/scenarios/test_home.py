"""The App Home: one's machines, what is under way, one's sessions; its buttons work."""

from pathlib import Path

import pytest

from bot.ids import ChannelId
from bot.messages.ways import OPEN_FORM
from bot.model import Place
from bot.reply import Actions, Button, Reply
from handlers.connection import SlackConnection
from handlers.slack import SlackMessenger
from sandbox.dbc.demo import demo_renter
from tests.scenarios.machines import off
from tests.scenarios.metal import knows_rack, rents_slot
from tests.scenarios.site import DELETE, NAME, asked, both_stages, rules, site
from tests.scenarios.stage import CHANNEL, Stage


@both_stages
async def test_an_empty_home_offers_the_first_step(stage: Stage) -> None:
    await stage.alice.opens_home()
    home = await stage.alice.sees_home("You have no node access yet")
    assert "Add a session" in home.buttons
    assert "Create a machine" not in home.buttons
    await stage.alice.presses("Add a session", on_home=True)
    await stage.alice.sees_modal("Add a session")
    pair = stage.pair("gpu1")
    await stage.alice.submits(
        {
            "Node": stage.node("gpu1").node_id,
            "Session id": pair[0],
            "Session signature": pair[1],
        }
    )
    await stage.quiet()
    await stage.reads(stage.alice, "Your session for *gpu1* works")
    assert pair[0] not in str(stage.ws.calls_of("views.publish"))


@both_stages
async def test_a_home_shows_machines_sessions_and_what_is_under_way(stage: Stage) -> None:
    await stage.gives_session(stage.alice, "gpu1")
    off(stage)
    await stage.asks(stage.alice, "/dbc vm list")
    await stage.asks(stage.alice, "/dbc vm start inference")
    await stage.alice.opens_home()
    home = await stage.alice.sees_home("Ada's training run")
    text = home.plain.replace("*", "")
    assert "• Start a machine: inference on gpu1: off" in text.split("In progress")[1]
    assert text.index("In progress") < text.index("Your machines") < text.index("Your sessions")
    machines = text.split("Your machines")[1].split("Your sessions")[0]
    assert "inference" in machines
    assert "gpu1" in text.split("Your sessions")[1]
    assert stage.task("inference").login_password not in home.plain
    await stage.bob.opens_home()
    others = await stage.bob.sees_home("Your machines")
    assert "inference" not in others.plain


@both_stages
async def test_a_machine_is_created_from_home(stage: Stage) -> None:
    await stage.gives_session(stage.alice, "gpu2")
    await stage.alice.opens_home()
    await stage.alice.sees_home("gpu2")
    await stage.alice.presses("Create a machine", on_home=True)
    await stage.alice.sees_modal("Create a machine")
    await stage.alice.submits(
        {
            "Name": "t1",
            "Image": "ubuntu-22.04-cuda-12.qcow2",
            "Node": stage.node("gpu2").node_id,
        }
    )
    await stage.quiet()
    assert "*t1* is being created on *gpu2*" in stage.alice.last("@dbc").plain
    end = await stage.ends(stage.alice, "t1 is running on gpu2")
    assert end.channel == stage.alice.last("@dbc").channel
    assert stage.changes() == ["tasks.create"]


async def test_a_bare_metal_session_is_no_place_to_create_a_machine_on(one_stage: Stage) -> None:
    await knows_rack(one_stage)
    await rents_slot(one_stage)
    await one_stage.alice.opens_home()
    home = await one_stage.alice.sees_home("Your sessions")
    assert "Create a machine" not in home.buttons
    await one_stage.gives_session(one_stage.alice, "gpu2")
    await one_stage.alice.opens_home()
    await one_stage.alice.sees_home("Create a machine")


async def test_why_nothing_can_be_created_is_said_above_the_home(one_stage: Stage) -> None:
    alice = one_stage.alice
    await one_stage.gives_session(alice, "gpu2")
    await alice.opens_home()
    await alice.sees_home("gpu2")
    await one_stage.asks(alice, "/dbc session remove on gpu2")
    await one_stage.confirms(alice, "Erase")
    before = len(alice.messages("@dbc"))
    await alice.presses("Create a machine", on_home=True)
    await one_stage.quiet()
    assert "session" in (await alice.sees_modal("Only you see this")).plain
    assert len(alice.messages("@dbc")) == before


@both_stages
@pytest.mark.parametrize(("action", "value"), [(OPEN_FORM, "vm.teleport"), ("vm.teleport", "")])
async def test_a_button_for_what_the_bot_no_longer_does_says_so(
    stage: Stage, action: str, value: str
) -> None:
    connection = SlackConnection(stage.settings())
    await connection.open()
    place = Place(ChannelId(stage.ws.core.state.channel(CHANNEL).id))
    card = Reply("Teleport", (Actions((Button("Teleport", action, value),)),))
    await SlackMessenger(connection, stage.clock).send(place, card)
    await connection.close()
    await stage.alice.presses("Teleport")
    told = await stage.alice.sees("This button is of an older kind.")
    assert told.ephemeral
    assert "Type the command instead." in told.plain


async def test_a_home_acts_on_machines_and_keeps_what_is_secret_elsewhere(stage: Stage) -> None:
    await stage.gives_session(stage.alice, "gpu1")
    await stage.asks(stage.alice, "/dbc vm list")
    await stage.alice.opens_home()
    home = await stage.alice.sees_home("inference")
    [menu] = [b["accessory"] for b in home.view.blocks if "*inference*" in str(b)]
    await stage.alice.chooses(menu["action_id"], "Show", on_home=True)
    await stage.alice.sees_modal("Local address|System")
    await stage.alice.presses("Reveal passwords")
    await stage.alice.sees_modal(stage.task("inference").login_password)
    await stage.alice.closes()
    assert stage.task("inference").login_password not in str(stage.ws.calls_of("views.publish"))
    await stage.alice.chooses(menu["action_id"], "Show", on_home=True)
    await stage.alice.sees_modal("Local address|System")
    await stage.alice.presses("Restart")
    await stage.quiet()
    await stage.confirms(stage.alice, "Restart")
    await stage.ends(stage.alice, "inference was told to reboot and")
    assert stage.changes() == ["tasks.restart"]


async def test_an_open_home_follows_what_changes(stage: Stage) -> None:
    await stage.gives_session(stage.alice, "gpu1")
    await stage.asks(stage.alice, "/dbc vm list")
    await stage.alice.opens_home()
    await stage.alice.sees_home("inference")
    await stage.passes(61)  # whatever is only looked up once a minute
    await stage.passes(10)
    published = len(stage.ws.calls_of("views.publish"))
    await stage.passes(10)
    assert len(stage.ws.calls_of("views.publish")) == published  # nothing has changed
    await stage.asks(stage.alice, "/dbc vm name inference train-01")
    await stage.passes(10)
    await stage.alice.sees_home("train-01")
    await stage.passes(700)  # nobody has looked for ten minutes
    published = len(stage.ws.calls_of("views.publish"))
    await stage.asks(stage.alice, "/dbc vm name train-01 train-02")
    await stage.passes(10)
    assert len(stage.ws.calls_of("views.publish")) == published


async def test_what_was_found_in_a_home_stays_there_when_the_bot_is_replaced(
    one_stage: Stage,
) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu1")
    await stage.asks(stage.alice, "/dbc vm list")
    await stage.alice.opens_home()
    await stage.alice.sees_home("Find a machine …")
    await stage.alice.presses("Find a machine …", on_home=True)
    await stage.alice.submits({"Find": "inference"})
    await stage.quiet()
    await stage.alice.sees_home("1 machine fits “inference”")
    await stage.restart_bot()
    await stage.asks(stage.alice, "/dbc vm name inference train-01")
    await stage.passes(5)
    await stage.alice.sees_home("1 machine fits “inference”")


async def test_a_machine_is_found_among_hundreds_and_acted_on(one_stage: Stage) -> None:
    stage = one_stage
    node = stage.node("gpu1")
    for number in range(300):
        node.running_task(demo_renter(), desc=f"train-{number:03}", vnc_port=6000 + number)
    await stage.gives_session(stage.alice, "gpu1")
    await stage.asks(stage.alice, "/dbc vm list")
    await stage.alice.opens_home()
    await stage.alice.sees_home("1 to 10 of 302")
    await stage.alice.presses("Find a machine …", on_home=True)
    await stage.alice.sees_modal("Find a machine")
    await stage.alice.submits({"Find": "TRAIN-28 运行中"})
    await stage.quiet()
    home = await stage.alice.sees_home("10 machines fit “TRAIN-28 运行中”")
    assert "train-287" in home.plain
    assert "train-100" not in home.plain
    assert home.buttons[:2] == ["◀ Back to everything", "Find another …"]
    await stage.alice.presses("Find another …", on_home=True)
    await stage.alice.submits({"Find": "train gpu1"})
    await stage.quiet()
    await stage.alice.presses("Next ▶", on_home=True)
    await stage.quiet()
    await stage.alice.sees_home("11 to 20 of 301")
    await stage.alice.presses("◀ Back to everything", on_home=True)
    await stage.quiet()
    home = await stage.alice.sees_home("1 to 10 of 302")
    assert "fit" not in home.plain


async def test_machines_are_found_by_what_people_call_their_state(one_stage: Stage) -> None:
    stage = one_stage
    off(stage)
    await stage.gives_session(stage.alice, "gpu1")
    await stage.asks(stage.alice, "/dbc vm list")
    await stage.alice.opens_home()
    label = "Find a machine …"
    await stage.alice.sees_home(label)
    for words, expected in (
        ("off machines", "inference"),
        ("stopped on gpu1", "inference"),
        ("关机的", "inference"),
        ("gpu1 上关机的虚拟机", "inference"),
        ("running on gpu1", "Ada's training run"),
        ("在跑的机器", "Ada's training run"),
    ):
        await stage.alice.presses(label, on_home=True)
        await stage.alice.submits({"Find": words})
        await stage.quiet()
        home = await stage.alice.sees_home(f"1 machine fits “{words}”")
        assert expected in home.plain
        label = "Find another …"
    await stage.alice.presses(label, on_home=True)
    await stage.alice.submits({"Find": "broken machines"})
    await stage.quiet()
    await stage.alice.sees_home("0 machines fit “broken machines”")


async def test_three_hundred_machines_fit_a_home_page_by_page(one_stage: Stage) -> None:
    stage = one_stage
    node = stage.node("gpu1")
    node.tasks.clear()
    for number in range(300):
        node.running_task(demo_renter(), desc=f"m{number:03} *x* `y`", vnc_port=6000 + number)
    await stage.gives_session(stage.alice, "gpu1")
    await stage.asks(stage.alice, "/dbc vm list")
    await stage.alice.opens_home()
    home = await stage.alice.sees_home("1 to 10 of 300")
    assert len(home.view.blocks) <= 100
    await stage.alice.presses("Next ▶", on_home=True)
    home = await stage.alice.sees_home("11 to 20 of 300")
    assert "m010" in home.plain
    assert "m000" not in home.plain
    await stage.passes(10)
    assert "11 to 20 of 300" in (await stage.alice.sees_home("m010")).plain


async def test_a_newcomer_learns_what_a_session_is_and_who_has_one(stage: Stage) -> None:
    await stage.gives_session(stage.alice, "gpu1")
    await stage.asks(stage.alice, "/dbc session share gpu1 with @carol")
    await stage.bob.opens_home()
    home = await stage.bob.sees_home("A session is what a node knows its renter by")
    assert f"*gpu1*: <@{stage.alice.id}>" in home.plain
    assert home.buttons == ["Ask for access", "Add a session"]
    await stage.carol.opens_home()
    home = await stage.carol.sees_home("Your sessions")
    assert f"*gpu1*, shared by <@{stage.alice.id}>" in home.plain
    await stage.alice.opens_home()
    home = await stage.alice.sees_home("Your sessions")
    assert f"*gpu1*, shared with <@{stage.carol.id}>" in home.plain


@pytest.mark.slow
async def test_what_one_home_costs_slack_is_not_paid_for_each(tmp_path: Path) -> None:
    async with site(tmp_path) as stage:
        people = [stage.ws.add_member(f"p{number}") for number in range(25)]
        for person in people:
            await stage.gives_session(person, "gpu1")
        await asked(stage)
        for person in people:
            await person.opens_home()
        await stage.quiet()
        before = len(stage.ws.calls_of("users.info"))
        for _ in range(12):
            await stage.passes(5)
        assert len(stage.ws.calls_of("users.info")) - before <= 60


async def test_an_open_home_asks_slack_who_its_owner_is_once_a_minute(tmp_path: Path) -> None:
    async with site(tmp_path) as stage:
        await asked(stage)
        await stage.bob.opens_home()
        await stage.quiet()
        await stage.passes(61)
        before = len(stage.ws.calls_of("users.info"))
        for _ in range(24):
            await stage.passes(5)
        assert len(stage.ws.calls_of("users.info")) - before <= 3
        assert "Waiting for you" in (await stage.bob.sees_home("Waiting")).plain


async def test_every_open_home_is_looked_at_in_turn(tmp_path: Path) -> None:
    async with site(tmp_path) as stage:
        people = (stage.alice, stage.bob, stage.carol)
        for person in people:
            await stage.asks(person, "/dbc vm list")
            await person.opens_home()
        await stage.quiet()
        await stage.asks(stage.alice, f"/dbc vm name {NAME} train-01")
        for _ in range(4):
            await stage.passes(5)
        for person in people:
            assert "train-01" in (await person.sees_home("Your machines")).plain


async def test_an_open_home_keeps_what_waits_while_slack_does_not_say(tmp_path: Path) -> None:
    async with site(tmp_path) as stage:
        await asked(stage)
        await stage.bob.opens_home()
        await stage.bob.sees_home("Waiting for you")
        await stage.passes(61)
        stage.ws.faults.add("http_500", "users.info", times=None)
        published = len(stage.ws.calls_of("views.publish"))
        for _ in range(6):
            await stage.passes(20)
        await stage.asks(stage.alice, "/dbc help")
        assert "Waiting for you" in (await stage.bob.sees_home("Your machines")).plain
        assert len(stage.ws.calls_of("views.publish")) == published
        stage.ws.faults.clear()
        await stage.asks(stage.carol, f"/dbc vm name {NAME} train-01")
        await stage.passes(10)
        await stage.passes(10)
        home = await stage.bob.sees_home("train-01")  # it is looked at again
        assert "Waiting for you" in home.plain


async def test_a_home_says_that_it_cannot_tell_what_waits(
    tmp_path: Path,
) -> None:
    async with site(tmp_path) as stage:
        group = stage.ws.add_usergroup("leads", "carol", "bob")
        approvers = f'approvers = {{ groups = ["{group.id}"] }}'
        match = 'match = { command = "vm.*" }'
        rules(stage, "\n".join(["[[rule]]", 'name = "a"', match, approvers, "approvals = 1"]))
        for line in (DELETE, "/dbc vm restart inference force", "/dbc vm poweroff inference"):
            await stage.alice.types(line, channel=CHANNEL)
            await stage.quiet()
        stage.ws.faults.add("http_500", "usergroups.list", times=None)
        await stage.passes(61)
        before = len(stage.ws.calls_of("usergroups.list"))
        await stage.carol.opens_home()
        await stage.carol.sees_home("Slack does not say at the moment what waits for you")
        await stage.alice.opens_home()
        await stage.quiet()
        assert len(stage.ws.calls_of("usergroups.list")) - before <= 1
        assert "approval list" in (await stage.carol.sees_home("Slack does not say")).plain


async def test_a_list_without_access_offers_to_ask_for_it(stage: Stage) -> None:
    listed = await stage.asks(stage.carol, "/dbc vm list")
    assert "You have no node access yet" in listed.plain
    assert "Ask for access" in listed.buttons
    listed = await stage.asks(stage.carol, "/dbc node list")
    assert "Ask for access" in listed.buttons


async def test_a_home_says_of_all_who_share_until_when(one_stage: Stage) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu1")
    await stage.gives_session(stage.bob, "gpu1")
    await stage.asks(stage.bob, "/dbc session share gpu1 with @carol hours=1")
    await stage.asks(stage.alice, "/dbc session share gpu1 with @carol hours=3")
    await stage.carol.opens_home()
    home = await stage.carol.sees_home("Your sessions")
    bob, alice = f"<@{stage.bob.id}> until <!date^", f"<@{stage.alice.id}> until <!date^"
    row = home.plain.split("*gpu1*, shared by ")[1]
    assert row.startswith(bob)
    assert alice in row.splitlines()[0]


async def test_whoever_seeks_a_machine_still_sees_what_matters_and_goes_back_where_they_were(
    tmp_path: Path,
) -> None:
    async with site(tmp_path, '[freeze]\npeople = { persons = ["U0BOB"] }\n') as stage:
        for number in range(12):
            stage.node("gpu1").running_task(
                demo_renter(), desc=f"train-{number:02}", vnc_port=6000 + number
            )
        await asked(stage)
        await stage.asks(stage.bob, "/dbc vm list")
        await stage.asks(stage.bob, "/dbc freeze network outage")
        await stage.bob.opens_home()
        await stage.quiet()
        await stage.bob.presses("Next ▶", on_home=True)
        await stage.bob.sees_home("11 to 14 of 14")
        await stage.bob.presses("Find a machine …", on_home=True)
        await stage.bob.submits({"Find": "train-"})
        await stage.quiet()
        home = (await stage.bob.sees_home("12 machines fit “train-”")).plain
        assert home.index("network outage") < home.index("12 machines fit")
        assert "1 request waits for your decision: `/dbc approval list`" in home
        assert "Show requests" in (await stage.bob.sees_home("12 machines")).buttons
        await stage.bob.presses("Next ▶", on_home=True)
        await stage.bob.sees_home("11 to 12 of 12")
        await stage.bob.presses("Find another …", on_home=True)
        await stage.bob.submits({"Find": "inference"})
        await stage.quiet()
        await stage.bob.sees_home("1 machine fits “inference”")
        await stage.bob.presses("◀ Back to everything", on_home=True)
        await stage.quiet()
        await stage.bob.sees_home("11 to 14 of 14")


async def test_a_home_says_what_a_list_says_of_a_silent_node(stage: Stage) -> None:
    await stage.gives_session(stage.alice, "gpu1", "gpu2")
    await stage.passes(1)
    await stage.alice.opens_home()
    home = await stage.alice.sees_home("inference")
    assert ":warning:" not in home.plain
    stage.node("gpu1").silent = True
    await stage.passes(61)
    home = await stage.alice.sees_home("*gpu1* :warning: The node did not answer in time")
    assert "as last seen" in home.plain
    for _ in range(3):
        await stage.passes(61)
    home = await stage.alice.sees_home(":warning: The node is not responding. Next retry")
    head = next(line for line in home.plain.splitlines() if line.startswith("*gpu1*"))
    listed = await stage.asks(stage.alice, "/dbc vm list")
    rows = [line for line in home.plain.splitlines() if "*inference*" in line or line == head]
    assert rows == [line for line in listed.plain.splitlines() if line in rows]
    assert "Ask gpu1 again now" in home.buttons
    stage.node("gpu1").silent = False
    await stage.alice.presses("Ask gpu1 again now", on_home=True)
    await stage.quiet()
    await stage.passes(61)
    await stage.passes(5)
    assert ":warning:" not in (await stage.alice.sees_home("inference")).plain


async def test_a_home_that_stays_open_goes_on_after_a_restart(one_stage: Stage) -> None:
    stage = one_stage
    for number in range(20):
        stage.node("gpu1").running_task(
            demo_renter(), desc=f"train-{number:02}", vnc_port=6000 + number
        )
    await stage.gives_session(stage.alice, "gpu1")
    await stage.asks(stage.alice, "/dbc vm list")
    await stage.alice.opens_home()
    await stage.alice.sees_home("1 to 10 of 22")
    await stage.alice.presses("Next ▶", on_home=True)
    await stage.alice.sees_home("11 to 20 of 22")
    await stage.restart_bot()
    await stage.asks(stage.alice, "/dbc vm name train-12 train-12-b")
    await stage.passes(5)
    home = await stage.alice.sees_home("train-12-b")
    assert "11 to 20 of 22" in home.plain
    await stage.passes(700)
    await stage.restart_bot()
    published = len(stage.ws.calls_of("views.publish"))
    await stage.passes(5)
    assert len(stage.ws.calls_of("views.publish")) == published
