"""Passwords: behind a button alone, to whoever clicks it, as they may at that moment."""

import pytest

from tests.scenarios.stage import CHANNEL, Stage


def secrets(stage: Stage) -> list[str]:
    machine = stage.task("inference")
    return [machine.login_password, machine.vnc_password]


def is_shown(stage: Stage, text: str) -> bool:
    return any(secret in text for secret in secrets(stage))


@pytest.mark.parametrize(
    ("line", "channel"),
    [
        ("/dbc vm show inference reveal", CHANNEL),
        ("/dbc vm show inference reveal --json", CHANNEL),
        ("/dbc vm show inference --json", CHANNEL),
        ("@dbc vm show inference reveal", CHANNEL),
        ("vm show inference reveal", "@dbc"),
    ],
)
async def test_no_typed_line_shows_passwords(one_stage: Stage, line: str, channel: str) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu1")
    told = await stage.asks(stage.alice, line, channel)
    assert "203.0.113.7" in told.plain
    assert not is_shown(stage, stage.alice.screen())


@pytest.mark.parametrize("option", ["", " --json", " --file"])
async def test_a_suggested_command_shows_no_passwords(one_stage: Stage, option: str) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu1")
    await stage.passes()
    offer = await stage.asks(stage.alice, f"/dbc vm shwo inference reveal{option}")
    await stage.alice.presses("Show a machine", offer)
    await stage.quiet()
    shown = stage.alice.last(CHANNEL)
    files = b"".join(file.content or b"" for m in stage.alice.messages() for file in m.files)
    assert "203.0.113.7" in shown.plain + files.decode()
    assert stage.alice.modal is None
    assert not is_shown(stage, stage.alice.screen() + files.decode())


async def test_the_form_that_shows_a_machine_asks_for_no_passwords(one_stage: Stage) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu1")
    await stage.asks(stage.alice, "/dbc vm list")
    await stage.alice.types("/dbc vm show reveal", channel=CHANNEL)
    form = await stage.alice.sees_modal("Show a machine")
    assert "Reveal" not in form.plain
    assert "reveal" not in form.private_metadata
    await stage.alice.submits({"Machine": stage.task("inference").task_id})
    await stage.alice.sees("203.0.113.7")
    assert not is_shown(stage, stage.alice.screen())


async def test_passwords_are_revealed_to_who_clicked_alone(stage: Stage) -> None:
    await stage.gives_session(stage.alice, "gpu1")
    shown = await stage.asks(stage.alice, "/dbc vm show inference")
    await stage.alice.presses("Reveal passwords", shown)
    modal = await stage.alice.sees_modal("Only you see this")
    assert all(secret in modal.plain for secret in secrets(stage))
    assert modal.private_metadata == ""
    for person in (stage.alice, stage.bob):
        assert not is_shown(stage, " ".join(m.plain for m in person.messages()))
    posted = [str(call) for method in POSTING for call in stage.ws.calls_of(method)]
    assert not is_shown(stage, " ".join(posted))


POSTING = ("chat.postMessage", "chat.postEphemeral", "chat.update", "views.publish")


async def test_a_click_that_nobody_may_make_any_more_reveals_nothing(stage: Stage) -> None:
    await stage.gives_session(stage.alice, "gpu1")
    shown = await stage.asks(stage.alice, "/dbc vm show inference")
    stage.alice.member.is_restricted = True
    await stage.alice.presses("Reveal passwords", shown)
    await stage.quiet()
    assert stage.alice.modal is None
    assert not is_shown(stage, stage.alice.screen())


async def test_whose_session_is_gone_reveals_nothing(stage: Stage) -> None:
    await stage.gives_session(stage.alice, "gpu1")
    shown = await stage.asks(stage.alice, "/dbc vm show inference")
    await stage.erases_session(stage.alice, "gpu1")
    await stage.alice.presses("Reveal passwords", shown)
    await stage.quiet()
    assert stage.alice.modal is None
    assert not is_shown(stage, stage.alice.screen())


async def test_what_comes_too_late_for_a_modal_is_shown_to_them_alone(stage: Stage) -> None:
    await stage.gives_session(stage.alice, "gpu1")
    shown = await stage.asks(stage.alice, "/dbc vm show inference")
    stage.ws.faults.error("expired_trigger_id", "views.open")
    await stage.alice.presses("Reveal passwords", shown)
    await stage.quiet()
    found = [m for m in stage.alice.messages() if is_shown(stage, m.plain)]
    assert [m.ephemeral for m in found] == [True]
    assert not is_shown(stage, stage.bob.screen())


async def test_in_a_thread_what_comes_too_late_is_not_said(stage: Stage) -> None:
    await stage.gives_session(stage.alice, "gpu1")
    await stage.bob.types("gpu1 is slow", channel=CHANNEL)
    incident = stage.bob.last(CHANNEL)
    shown = await stage.asks(stage.alice, "@dbc vm show inference", thread=incident)
    stage.ws.faults.error("expired_trigger_id", "views.open")
    await stage.alice.presses("Reveal passwords", shown)
    await stage.alice.sees("Press the button again")
    assert not is_shown(stage, stage.alice.screen())


async def test_a_machine_without_passwords_has_nothing_to_reveal(one_stage: Stage) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu2")
    stage.node("gpu2").fail("create", "no_lease")
    line = "/dbc vm create name=t1 image=ubuntu-22.04-cuda-12.qcow2 gpu=1 on gpu2"
    await stage.asks(stage.alice, line)
    await stage.ends(stage.alice, "t1 on gpu2 is in state")
    shown = await stage.asks(stage.alice, "/dbc vm show t1")
    assert "Reveal passwords" not in shown.buttons
