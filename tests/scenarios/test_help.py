"""Help in all its forms, typos, missing arguments: nobody is left without the next step."""

import pytest

from tests.scenarios.stage import CHANNEL, Stage


@pytest.mark.parametrize("line", ["", "help", "?", "--help", "帮助"])
async def test_help_names_every_group(stage: Stage, line: str) -> None:
    told = await stage.asks(stage.alice, f"/dbc {line}".strip())
    for group in ("vm", "node", "session", "watch"):
        assert f"*{group}*: " in told.plain
    assert "`/dbc vm restart help`" in told.plain
    assert told.ephemeral


@pytest.mark.parametrize("line", ["vm", "vm help", "help vm", "VM ?"])
async def test_help_on_a_group_explains_its_commands(one_stage: Stage, line: str) -> None:
    told = await one_stage.asks(one_stage.alice, f"/dbc {line}")
    assert "`/dbc vm restart <machine> [force]`" in told.plain
    assert "`/dbc vm passwd <machine>" in told.plain
    assert "Delete a machine with all its disks and snapshot files." in told.plain
    assert "password>" not in told.plain


@pytest.mark.parametrize(
    "line", ["vm restart help", "help vm restart", "vm restart --help", "vm restart ?"]
)
async def test_help_on_a_command_explains_arguments_and_effect(one_stage: Stage, line: str) -> None:
    told = await one_stage.asks(one_stage.alice, f"/dbc {line}")
    assert told.plain.startswith("`/dbc vm restart <machine> [force]`")
    assert "Cut the power instead of asking the guest to reboot" in told.plain
    assert "you are asked to confirm" in told.plain
    assert "Example: `/dbc vm restart train-01 force`" in told.plain


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        (
            "metal power",
            "With status, it only reads. With on, it changes something and runs at once. "
            "With off, reset, it is destructive: by default someone else must approve.",
        ),
        ("settings", "Reads only. With node, channel_node, it changes something and runs at once."),
        (
            "image download",
            "runs at once. With replace, it is disruptive: you are asked to confirm.",
        ),
        ("snapshot create", "to: The image server's id; required if there are several"),
        ("lan create", "node: The node's nickname, name or id"),
    ],
)
async def test_help_says_which_words_do_what(one_stage: Stage, line: str, sentence: str) -> None:
    told = await one_stage.asks(one_stage.alice, f"/dbc help {line}")
    assert sentence in told.plain.replace("`", "")


@pytest.mark.parametrize(
    ("line", "nearest"),
    [
        ("vm lst", "vm list"),
        ("vm strat inference", "vm start"),
        ("vm reboot inference", "vm re"),
        ("sesion add", "session add"),
        ("list", "vm list"),
        ("vm", "vm list"),
        ("help vm restrat", "vm restart"),
    ],
)
async def test_a_typo_is_answered_with_what_is_near(
    one_stage: Stage, line: str, nearest: str
) -> None:
    told = await one_stage.asks(one_stage.alice, f"/dbc {line}")
    assert f"/dbc {nearest}" in told.plain
    assert told.ephemeral
    assert one_stage.changes() == []


async def test_nonsense_is_answered_with_the_way_to_help(stage: Stage) -> None:
    told = await stage.asks(stage.alice, "/dbc <!channel> qwertz")
    assert "I did not understand that as a command." in told.plain
    assert "`/dbc help`" in told.plain


@pytest.mark.parametrize(
    ("line", "title", "field", "value"),
    [
        ("vm show", "Show a machine", "Machine", None),
        ("vm restart force", "Restart a machine", "Force", ["true"]),
        ("vm logs lines=20", "Show a machine's log", "Lines", "20"),
        ("vm name inference", "Name a machine", "Machine", "inference"),
        ("vm delete on gpu1", "Delete a machine", "Machine", None),
    ],
)
async def test_a_missing_argument_opens_a_form_with_what_was_given(
    one_stage: Stage, line: str, title: str, field: str, value: object
) -> None:
    await one_stage.gives_session(one_stage.alice, "gpu1")
    await one_stage.alice.types(f"/dbc {line}", CHANNEL)
    modal = await one_stage.alice.sees_modal(title)
    assert modal.value(field) == value


async def test_a_form_opened_for_a_missing_machine_does_the_work(stage: Stage) -> None:
    await stage.gives_session(stage.alice, "gpu1")
    await stage.alice.types("/dbc vm restart force", CHANNEL)
    await stage.alice.sees_modal("Restart a machine")
    offered = await stage.alice.suggests("Machine", "infer")
    assert offered == []  # nothing has been seen yet: no node is waited for here
    await stage.passes(60)
    [offered_now] = await stage.alice.suggests("Machine", "infer")
    assert offered_now.startswith("inference")
    await stage.alice.submits({"Machine": offered_now})
    await stage.confirms(stage.alice, "Force-restart")
    await stage.ends(stage.alice, "inference has restarted on gpu1")
    assert stage.changes() == ["tasks.restart"]


async def test_who_one_is_here(stage: Stage) -> None:
    told = await stage.asks(stage.alice, "/dbc whoami")
    assert stage.alice.id in told.plain
    assert "no node yet" in told.plain
    assert told.ephemeral
    await stage.gives_session(stage.alice, "gpu1")
    told = await stage.asks(stage.alice, "/dbc whoami")
    assert "gpu1" in told.plain


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("vm list gpu1 gpu2", "I don't know what “gpu2” means for `/dbc vm list`"),
        ("vm start inference twice", "I don't know what “twice” means for `/dbc vm start`"),
        ("vm start --now inference", "`/dbc vm start`"),
        ("vm logs inference middle", "“middle”"),
        ("vm list on", "“on”"),
    ],
)
async def test_a_word_that_means_nothing_is_said_with_the_usage(
    one_stage: Stage, line: str, sentence: str
) -> None:
    await one_stage.gives_session(one_stage.alice, "gpu1")
    told = await one_stage.asks(one_stage.alice, f"/dbc {line}")
    assert sentence in told.plain
    assert one_stage.changes() == []


async def test_help_on_an_unknown_word_of_a_group_says_that_it_is_unknown(stage: Stage) -> None:
    told = await stage.asks(stage.alice, "/dbc help vm restrat")
    assert told.plain.startswith("There is no command “vm restrat”.")


async def test_a_mention_in_capitals_is_one(one_stage: Stage) -> None:
    told = await one_stage.asks(one_stage.alice, "@DBC vm help")
    assert "`/dbc vm restart <machine> [force]`" in told.plain


async def test_help_names_each_command_that_needs_a_session(one_stage: Stage) -> None:
    stage = one_stage
    told = await stage.asks(stage.carol, "/dbc help")
    needs = told.plain.partition(":warning:")[2]
    assert "*vm*" in needs
    for name in ("image download", "image delete", "metal power", "metal boot"):
        assert f"`/dbc {name}`" in needs
    assert "`/dbc image list`" not in needs
    refused = await stage.asks(stage.carol, "/dbc image progress one.qcow2 on gpu1")
    assert "You have no session" in refused.plain
    told = await stage.asks(stage.carol, "/dbc help image")
    assert "`/dbc image progress`" in told.plain.partition(":warning:")[2]
    await stage.gives_session(stage.alice, "gpu1")
    assert ":warning:" not in (await stage.asks(stage.alice, "/dbc help")).plain
