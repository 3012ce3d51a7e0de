"""Passwords and sessions that the bot knows: nowhere on a screen, however somebody spells them."""

import json
import sqlite3
from pathlib import Path

import pytest

from sandbox.dbc.spelling import SPELLINGS
from tests.scenarios.site import asked, site
from tests.scenarios.stage import CHANNEL, Stage

STRONG = "N3w/Passw0rd+[x]"
REFUSED = "contains a password or a session that I know"


def shown(stage: Stage) -> str:
    """All that anybody in the workspace can see, also in forms and notifications."""
    people = (stage.alice, stage.bob, stage.carol)
    texts = [
        json.dumps([m.text, m.blocks], ensure_ascii=False)
        for person in people
        for m in person.messages()
        if m.user not in {p.id for p in people}
    ]
    return "\n".join(
        [*texts, *(str(file.content) for p in people for m in p.messages() for file in m.files)]
    )


def is_shown(stage: Stage, secret: str) -> list[str]:
    """The spellings in which a secret can be seen."""
    on_screen = shown(stage)
    return [
        name
        for name, spell in SPELLINGS.items()
        if json.dumps(spell(secret), ensure_ascii=False)[1:-1].strip("'") in on_screen
    ]


def kept(stage: Stage) -> bytes:
    """The database as it is on disk."""
    with sqlite3.connect(stage.data / "bot.db") as database:
        return "\n".join(database.iterdump()).encode()


async def sets_password(stage: Stage, password: str, machine: str = "inference") -> None:
    await stage.alice.types(f"/dbc vm passwd {machine}", channel=CHANNEL)
    await stage.alice.sees_modal("Set a password")
    await stage.alice.submits({"New password": password})
    await stage.reads(stage.alice, "is set")


@pytest.mark.parametrize("spelling", SPELLINGS)
async def test_a_public_log_shows_no_password_in_any_spelling(
    one_stage: Stage, spelling: str
) -> None:
    stage = one_stage
    await stage.adds_session(stage.alice, "gpu1")
    stage.node("gpu1").log_spelling = spelling
    await sets_password(stage, STRONG)
    await stage.restart_bot()  # it has forgotten what it set
    log = await stage.asks(stage.alice, "@dbc vm logs inference")
    assert not log.ephemeral
    assert "may log in with" in log.plain
    assert "******" in log.plain
    assert is_shown(stage, STRONG) == []


async def test_a_log_is_for_who_asked_alone_where_its_passwords_cannot_be_read(
    one_stage: Stage,
) -> None:
    stage = one_stage
    await stage.adds_session(stage.alice, "gpu1")
    stage.node("gpu1").log_spelling = "hex"
    await sets_password(stage, STRONG)
    await stage.restart_bot()
    machine = stage.task("inference")
    stage.world.faults.on("bad_json", path=f"/tasks/{machine.task_id}")
    log = await stage.asks(stage.alice, "@dbc vm logs inference")
    assert log.ephemeral
    assert "Only you see it" in log.plain
    assert STRONG.encode().hex() not in stage.bob.screen()


@pytest.mark.parametrize("word", ["123456", "dbc", "ubuntu", "train-01"])
async def test_an_ordinary_word_as_a_password_leaves_lists_and_names_readable(
    one_stage: Stage, word: str
) -> None:
    stage = one_stage
    await stage.adds_session(stage.alice, "gpu1")
    await sets_password(stage, word)
    await stage.asks(stage.alice, "/dbc vm show inference")
    images = await stage.asks(stage.alice, "/dbc image list gpu1")
    assert "ubuntu-20.04.qcow2" in images.plain
    named = await stage.asks(stage.alice, f"/dbc vm name inference {word}-box")
    assert f"{word}-box" in named.plain
    log = await stage.asks(stage.alice, "@dbc vm logs inference tail 100")
    assert "pwd:******" in log.plain
    assert log.plain.count("*") < 40
    stage.task("inference").login_password = ""  # of course the audit has such a word in it


async def test_a_short_password_is_masked_in_its_own_machines_log(one_stage: Stage) -> None:
    stage = one_stage
    await stage.adds_session(stage.alice, "gpu1")
    stage.node("gpu1").log_spelling = "plain"
    await sets_password(stage, "hunter2")
    log = await stage.asks(stage.alice, "@dbc vm logs inference")
    assert "hunter2" not in shown(stage)
    assert "may log in with ******" in log.plain


@pytest.mark.parametrize("spelling", SPELLINGS)
async def test_an_error_that_repeats_the_request_shows_no_session(
    one_stage: Stage, spelling: str
) -> None:
    stage = one_stage
    await stage.adds_session(stage.alice, "gpu1")
    stage.world.faults.on("echo", spelling=spelling)
    await stage.asks(stage.alice, "@dbc vm list")
    await stage.asks(stage.alice, "/dbc vm start inference")
    for call in stage.world.calls:
        for secret in (call.envelope.get("session_id"), call.envelope.get("session_id_sign")):
            if secret:
                assert is_shown(stage, secret) == []
                assert secret.encode() not in kept(stage)


@pytest.mark.parametrize(
    "line",
    [
        "/dbc vm name inference {secret}",
        "/dbc vm name inference “{secret}”",
        "@dbc vm restart inference reason={secret}",
        "/dbc vm list --filter {secret}",
        "@dbc what is {secret} for",
        "/dbc alias add mine vm show {secret}",
        "/dbc vm create name={secret} image=ubuntu-20.04.qcow2 gpu=1 on gpu1",
        "/dbc vm delete inference --dry-run reason={secret}",
        "/dbc {secret}",
        "/dbc help {secret}",
    ],
)
async def test_a_known_secret_typed_in_a_line_is_refused_and_not_recorded(
    one_stage: Stage, line: str
) -> None:
    stage = one_stage
    pair = stage.pair("gpu1")
    await stage.adds_session(stage.alice, "gpu1")
    await stage.asks(stage.alice, "/dbc vm show inference")
    machine = stage.task("inference")
    for secret in (pair[0], stage.pair("gpu1")[1], machine.login_password, machine.vnc_password):
        answer = await stage.asks(stage.alice, line.format(secret=secret))
        assert REFUSED in answer.plain
        assert secret not in answer.plain
        assert secret.encode() not in kept(stage)
    assert stage.changes() == []


async def test_a_session_of_an_earlier_life_is_known_before_it_is_used(one_stage: Stage) -> None:
    stage = one_stage
    await stage.adds_session(stage.alice, "gpu1")
    await stage.restart_bot()
    answer = await stage.asks(stage.bob, f"/dbc alias add x vm show {stage.pair('gpu1')[1]}")
    assert REFUSED in answer.plain


async def test_a_known_secret_in_a_form_is_refused_at_its_field(one_stage: Stage) -> None:
    stage = one_stage
    await stage.adds_session(stage.alice, "gpu1")
    await stage.alice.types("/dbc vm passwd inference", channel=CHANNEL)
    form = await stage.alice.sees_modal("Set a password")
    await stage.alice.submits({"New password": STRONG, "User": STRONG})
    form = await stage.alice.sees_modal("Set a password")
    assert form.errors == {
        "User": "This contains a password or a session that I know. Leave it out."
    }
    assert STRONG.encode() not in kept(stage)


@pytest.mark.parametrize("which", ["session id", "signature"])
async def test_a_known_secret_that_machines_are_sought_by_never_reaches_the_home(
    one_stage: Stage, which: str
) -> None:
    stage = one_stage
    secret = stage.pair("gpu1")[which == "signature"]
    await stage.gives_session(stage.alice, "gpu1")
    await stage.asks(stage.alice, "/dbc vm list")
    await stage.alice.opens_home()
    await stage.alice.sees_home("Find a machine …")
    await stage.alice.presses("Find a machine …", on_home=True)
    await stage.alice.sees_modal("Find a machine")
    await stage.alice.submits({"Find": f"train {secret}"})
    await stage.quiet()
    form = await stage.alice.sees_modal("Find a machine")
    assert form.errors == {
        "Find": "This contains a password or a session that I know. Leave it out."
    }
    await stage.alice.submits({"Find": "inference"})
    await stage.quiet()
    await stage.alice.sees_home("1 machine fits “inference”")
    published = json.dumps([call.args for call in stage.ws.calls_of("views.publish")])
    assert secret[:40] not in published


async def test_a_denial_does_not_tell_a_secret_as_its_reason(tmp_path: Path) -> None:
    async with site(tmp_path, entitled="alice bob") as stage:
        question = await asked(stage)
        secret = stage.pair("gpu1")[0]
        await stage.bob.presses("Deny", question)
        await stage.bob.sees_modal("Deny")
        await stage.bob.submits({"Why not?": f"not with {secret}"})
        assert "Why not?" in (await stage.bob.sees_modal("Deny")).errors
        await stage.quiet()
        assert secret not in shown(stage)
        assert secret.encode() not in kept(stage)


async def test_a_description_that_holds_a_session_is_masked_in_every_list(
    one_stage: Stage,
) -> None:
    stage = one_stage
    await stage.adds_session(stage.alice, "gpu1")
    secret = stage.pair("gpu1")[0]
    stage.task("inference").desc = f"key {secret}"
    listed = await stage.asks(stage.alice, "@dbc vm list")
    assert "key ******" in listed.plain
    assert secret not in shown(stage)
    assert secret.encode() not in kept(stage)


async def test_what_was_recorded_before_a_secret_was_known_is_masked_when_it_is_shown(
    one_stage: Stage,
) -> None:
    stage = one_stage
    await stage.adds_session(stage.alice, "gpu1")
    stage.task("inference").desc = f"box {STRONG}"
    listed = await stage.asks(stage.alice, "/dbc vm list")
    assert STRONG in listed.plain  # to the bot it is a name like any other
    await sets_password(stage, STRONG, stage.task(f"box {STRONG}").task_id)
    await stage.alice.opens_home()
    await stage.quiet()
    home = await stage.alice.sees_home("box")
    assert "box ******" in home.plain
    assert STRONG not in home.plain
    stage.task(f"box {STRONG}").login_password = ""  # the audit names the machine as it was


@pytest.mark.parametrize(("start", "says"), [("/dbc", "leaves no message"), ("@dbc", "delete the")])
async def test_who_typed_a_secret_is_told_what_is_left_of_it(
    one_stage: Stage, start: str, says: str
) -> None:
    await one_stage.adds_session(one_stage.alice, "gpu1")
    secret = one_stage.pair("gpu1")[1]
    told = await one_stage.asks(one_stage.alice, f"{start} node use {secret}")
    assert REFUSED in told.plain
    assert says in told.plain
    assert ("delete the message" in told.plain) == (start == "@dbc")
