"""The audit: all that happened, in order, readable by those whom it concerns, altered by nobody."""

import csv
import io
import json
import re

import pytest

from bot.ids import NodeId, TaskId, UserId
from bot.model import AuditEntry, AuditKind, AuditQuery, AuditRow
from sandbox.slack import Person, SeenMessage
from tests.scenarios.stage import CHANNEL, CONFIRM_ONLY, Stage

DAY = 24 * 60 * 60
RESTART = '/dbc vm restart inference force reason="it hangs"'


async def rows(stage: Stage, query: AuditQuery | None = None) -> list[AuditRow]:
    async with stage.bot.store.read() as tx:
        return [row async for row in tx.audit.all(query or AuditQuery())]


async def about(stage: Stage, command: str) -> list[tuple[str, str, str]]:
    """Kind, who and outcome of what the audit says of a command, oldest first."""
    found = await rows(stage, AuditQuery(command=command))
    names = {person.id: person.name for person in (stage.alice, stage.bob, stage.carol)}
    return [
        (str(row.entry.kind), names.get(row.entry.actor, ""), row.entry.outcome) for row in found
    ]


async def asks_restart(stage: Stage) -> SeenMessage:
    await stage.gives_session(stage.alice, "gpu1")
    return await stage.asks(stage.alice, RESTART)


async def restarts(stage: Stage) -> None:
    card = await asks_restart(stage)
    await stage.alice.presses("Confirm", card)
    await stage.quiet()
    await stage.ends(stage.alice, "inference has restarted")


async def listed(stage: Stage, person: Person, options: str = "") -> str:
    await person.types(f"/dbc audit list {options}", channel=CHANNEL)
    await stage.quiet()
    seen = person.last(CHANNEL)
    assert seen.ephemeral
    return seen.plain.replace("*", "").replace("`", "")


async def test_the_whole_life_of_a_restart_is_recorded_in_order(stage: Stage) -> None:
    await restarts(stage)
    assert await about(stage, "vm.restart") == [
        ("requested", "alice", ""),
        ("asked", "alice", ""),
        ("approved", "alice", ""),
        ("started", "alice", ""),
        ("ended", "alice", "done"),
    ]
    found = await rows(stage, AuditQuery(command="vm.restart"))
    asked = found[1].entry
    assert found[0].entry.reason == "it hangs"
    assert asked.arguments["force"] == "true"
    assert (asked.task, asked.label) == (stage.task("inference").task_id, "inference")
    assert asked.details["shown"]
    card = found[-1].ref
    assert card is not None
    assert card.ts in [m.ts for m in stage.alice.messages(CHANNEL)]


async def test_a_cancelled_request_and_a_strangers_click_are_recorded(stage: Stage) -> None:
    card = stage.shown_to_all(await asks_restart(stage))
    for button in ("Confirm", "Withdraw"):
        await stage.bob.presses(button, card)
        await stage.quiet()
    await stage.alice.presses("Withdraw", card)
    await stage.quiet()
    assert await about(stage, "vm.restart") == [
        ("requested", "alice", ""),
        ("asked", "alice", ""),
        ("click_refused", "bob", ""),
        ("click_refused", "bob", ""),
        ("cancelled", "alice", ""),
        ("ended", "alice", "cancelled"),
    ]
    assert stage.changes() == []


async def test_a_question_that_expired_is_recorded(one_stage: Stage) -> None:
    await asks_restart(one_stage)
    await one_stage.passes(24 * 60 * 60)
    assert [found[0] for found in await about(one_stage, "vm.restart")][2:] == ["expired", "ended"]


async def test_a_guests_request_is_recorded_as_refused(one_stage: Stage) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu1")
    stage.ws.core.state.members[stage.alice.id].is_restricted = True
    await stage.asks(stage.alice, "/dbc vm start inference")
    assert [(kind, outcome) for kind, _, outcome in await about(stage, "vm.start")] == [
        ("requested", ""),
        ("ended", "refused"),
    ]
    assert "Only full members" in await listed(stage, stage.alice)
    await stage.alice.types("/dbc audit export")
    await stage.alice.sees("Only full members of this workspace can see machines")


async def test_people_see_what_they_did_and_what_happened_on_their_nodes(stage: Stage) -> None:
    await restarts(stage)
    own = await listed(stage, stage.alice, "vm=inference")
    assert "done vm restart inference on gpu1" in own
    assert "requested vm restart" in own
    assert own.index("done vm restart") < own.index("requested vm restart")
    assert "Nothing that you may read fits" in await listed(stage, stage.carol)
    await stage.gives_session(stage.bob, "gpu1")
    theirs = await listed(stage, stage.bob, f"person=<@{stage.alice.id}|alice> command=vm")
    assert "done vm restart inference on gpu1" in theirs
    assert "session add" not in theirs


@pytest.mark.parametrize(
    ("options", "seen"),
    [
        ("outcome=done command='vm restart'", True),
        ("outcome=failed", False),
        ("since=2h", True),
        ("since=yesterday", True),
        ("until=yesterday", False),
        ("since=2020-01-01 until=today", True),
        ("person=me", True),
        ("vm=train", False),
        ("machine=INFER", True),
        ("machine='Inference '", True),
        ("command=restart", True),
        ("command=vm", True),
        ("command=重启", True),
        ("command=虚拟机", True),
        ("command=rest", True),
        ("command=delete", False),
    ],
)
async def test_the_list_is_narrowed(one_stage: Stage, options: str, *, seen: bool) -> None:
    await restarts(one_stage)
    assert ("vm restart" in await listed(one_stage, one_stage.alice, options)) is seen


@pytest.mark.parametrize(
    ("options", "told"),
    [("since=someday", "I don't understand the time"), ("person=Alice", "I know nobody called")],
)
async def test_what_cannot_be_meant_is_refused(one_stage: Stage, options: str, told: str) -> None:
    assert told in await listed(one_stage, one_stage.alice, options)


async def test_a_machine_of_the_past_is_found_by_any_word_of_its_name(one_stage: Stage) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu1")
    await stage.asks(stage.alice, "/dbc vm name inference ada-training-run")
    await stage.alice.presses("Confirm", await stage.asks(stage.alice, RESTART))
    await stage.ends(stage.alice, "ada-training-run (inference) has restarted")
    task = stage.task("inference").task_id
    stage.node("gpu1").tasks.pop(task)
    await stage.asks(stage.alice, "/dbc vm list")
    for called in ("ada", "TRAINING-R", "run", task[:4].lower()):
        assert "vm restart" in await listed(stage, stage.alice, f"machine={called}"), called


async def test_what_the_audit_has_never_named_is_told_as_that(one_stage: Stage) -> None:
    await restarts(one_stage)
    unknown = await listed(one_stage, one_stage.alice, "machine=nothere")
    assert "no machine called “nothere”" in unknown
    unread = await listed(one_stage, one_stage.carol, "machine=inference")
    assert unread == unknown.replace("nothere", "inference")
    assert "There is no command “frobnicate”" in await listed(
        one_stage, one_stage.alice, "command=frobnicate"
    )
    narrowed = await listed(one_stage, one_stage.alice, "machine=inference outcome=failed")
    assert "Nothing that you may read fits" in narrowed


async def test_a_name_of_which_somebody_may_not_read_hides_none_of_their_own(
    one_stage: Stage,
) -> None:
    stage = one_stage
    await restarts(stage)
    another = AuditEntry(
        AuditKind.ENDED, stage.clock.now(), actor=UserId(stage.bob.id), command="vm.delete",
        node=NodeId("elsewhere"), task=TaskId("another"), label="infer",
    )  # fmt: skip
    async with stage.bot.store.write() as tx:
        tx.audit.append(another)
    told = await listed(stage, stage.alice, "machine=infer")
    assert ("vm restart" in told, "vm delete" in told) == (True, False)
    told = await listed(stage, stage.bob, "machine=infer")
    assert ("vm restart" in told, "vm delete" in told) == (False, True)


async def test_older_rows_are_paged_in_place_with_what_was_asked_for(one_stage: Stage) -> None:
    stage = one_stage
    for number in range(8):
        await stage.asks(stage.alice, f"/dbc vm start nothing-{number}")
    first = await stage.asks(stage.alice, "/dbc audit list person=me command=vm")
    assert "nothing-7" in first.plain
    assert "nothing-0" not in first.plain
    await stage.alice.presses("Older ▶", first)
    await stage.quiet()
    second = stage.alice.messages()[-1]
    assert "nothing-7" not in second.plain
    assert second.ts == first.ts
    assert "nothing-0" in second.plain
    assert second.buttons == ["◀ Newest"]
    await stage.alice.presses("◀ Newest", second)
    await stage.quiet()
    assert "nothing-7" in stage.alice.messages()[-1].plain


async def test_the_list_is_paged_and_no_row_is_cut_off(one_stage: Stage) -> None:
    stage = one_stage
    for number in range(9):
        await stage.asks(stage.alice, f"/dbc vm start nothing-{number}-{'long' * 30}")
    total = len(await rows(stage, AuditQuery(person=UserId(stage.alice.id))))
    assert 10 < total <= 20
    first = await listed(stage, stage.alice, "person=me command=vm")
    assert first.count("vm start") == 10
    assert "more line" not in first
    assert "before=" not in first  # a button says it
    last = re.findall(r"^`?(\d+)`? <!date", first, re.MULTILINE)[-1]
    second = await listed(stage, stage.alice, f"person=me command=vm before={last}")
    assert second.count("vm start") == 18 - 10
    assert "Older ▶" not in second
    seqs = re.findall(r"^`?(\d+)`? <!date", first + "\n" + second, re.MULTILINE)
    assert len(set(seqs)) == 18


@pytest.mark.parametrize("person", ["@bob", "<@U0BOB>", "U0BOB"])
async def test_a_person_is_found_by_mention_and_id(one_stage: Stage, person: str) -> None:
    await one_stage.asks(one_stage.bob, "/dbc vm start nothing")
    assert "vm start" in await listed(one_stage, one_stage.bob, f"person={person}")


async def test_an_outcome_that_there_is_not_is_said(one_stage: Stage) -> None:
    seen = await listed(one_stage, one_stage.alice, "outcome=nonsense")
    assert "There is no outcome “nonsense”" in seen
    assert "denied" in seen


async def test_auditors_read_everything(one_stage: Stage) -> None:
    stage = one_stage
    await restarts(stage)
    assert "vm restart" not in await listed(stage, stage.carol)
    group = stage.ws.add_usergroup("auditors", "carol")
    sets_policy(stage, f'[audit.auditors]\ngroups = ["{group.id}"]\n')
    assert "done vm restart inference" in await listed(stage, stage.carol, "command=vm")
    assert "policy loaded" in await listed(stage, stage.carol)
    assert "vm restart" not in await listed(stage, stage.bob)


@pytest.mark.parametrize("form", ["csv", "jsonl"])
async def test_the_audit_is_exported_as_a_file_for_who_asked(stage: Stage, form: str) -> None:
    await restarts(stage)
    await stage.alice.types(f"/dbc audit export command=vm format={form}", channel=CHANNEL)
    await stage.quiet()
    assert "Sent 5 audit rows to you in a direct message" in stage.alice.last(CHANNEL).plain
    (file,) = [file for seen in stage.alice.messages() for file in seen.files]
    assert not [file for seen in stage.bob.messages() for file in seen.files]
    assert file.name.endswith(f".{form}")
    assert file.content is not None
    text = file.content.decode()
    if form == "csv":
        found = list(csv.DictReader(io.StringIO(text)))
    else:
        found = [json.loads(line) for line in text.splitlines()]
    stored = await rows(stage, AuditQuery(command="vm"))
    assert [row["hash"] for row in found] == [row.hash for row in stored]
    assert [row["kind"] for row in found][-1] == "ended"


async def test_an_export_stops_at_what_slack_takes_instead_of_filling_the_disk(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.commands.audit.LARGEST_FILE", 500)
    await restarts(stage)
    await stage.alice.types("/dbc audit export", channel=CHANNEL)
    await stage.quiet()
    said = stage.alice.last(CHANNEL).plain
    assert "The export is larger than the files that Slack takes.\nAsk for less" in said
    assert not [file for seen in stage.alice.messages() for file in seen.files]


def sets_policy(stage: Stage, text: str) -> None:
    (stage.data / "policy.toml").write_text(CONFIRM_ONLY + text, encoding="utf-8")
    stage.bot.reload_policy()


async def test_the_head_is_told_once_a_day(stage: Stage) -> None:
    await stage.gives_session(stage.alice, "gpu1")
    channel = stage.ws.core.state.channel(CHANNEL).id
    sets_policy(stage, f'[audit]\nchannel = "{channel}"\n')

    def told() -> list[str]:
        return [m.plain for m in stage.alice.messages(CHANNEL) if "Audit of" in m.plain]

    for _ in range(3):
        await stage.passes(60)
    assert len(told()) == 1
    await stage.restart_bot(http=not stage.ws.connected)
    for _ in range(3):
        await stage.passes(60)
    assert len(told()) == 1
    await stage.passes(DAY)
    await stage.passes(60)
    assert len(told()) == 2
    assert len(set(told())) == 2
    async with stage.bot.store.read() as tx:
        head = await tx.audit.head()
    assert head is not None
    assert f"verify --head {head.seq}:{head.hash}" in told()[-1]


async def test_the_rules_in_force_are_recorded_when_they_are_loaded(one_stage: Stage) -> None:
    stage = one_stage
    sets_policy(stage, '[[rule]]\nname = "none"\nmatch = { command = "vm.*" }\ndeny = "Not now."\n')
    for _ in range(3):
        await stage.passes(1)
    found = [r.entry for r in await rows(stage, AuditQuery(outcome="policy_loaded"))]
    assert len(found) == 2
    assert found[0].details["sha256"] != found[1].details["sha256"]
    assert found[1].details["policy"]["rule"][0]["deny"] == "Not now."


async def test_what_a_dead_process_left_behind_is_recorded_once(one_stage: Stage) -> None:
    stage = one_stage
    await asks_restart(stage)
    await stage.restart_bot()
    await stage.passes(30)
    assert [found[0] for found in await about(stage, "vm.restart")] == ["requested", "asked"]
    await stage.alice.presses("Confirm", stage.alice.messages(CHANNEL)[-1])
    await stage.quiet()
    await stage.ends(stage.alice, "inference has restarted")
    assert [found[0] for found in await about(stage, "vm.restart")][2:] == [
        "approved",
        "started",
        "ended",
    ]


async def test_a_session_given_shared_used_and_taken_back_is_recorded(one_stage: Stage) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu1")
    await stage.asks(stage.alice, "/dbc session share gpu1 with @bob")
    await stage.asks(stage.bob, "/dbc vm list")
    await stage.asks(stage.bob, "/dbc vm start inference")
    await stage.asks(stage.alice, "/dbc session unshare gpu1")
    await stage.asks(stage.bob, "/dbc vm list")
    await stage.erases_session(stage.alice, "gpu1")
    found = [r.entry for r in await rows(stage) if r.entry.kind.startswith("session_")]
    names = {stage.alice.id: "alice", stage.bob.id: "bob"}
    assert list(dict.fromkeys((str(e.kind), names[e.actor]) for e in found)) == [
        ("session_added", "alice"),
        ("session_shared", "alice"),
        ("session_used", "bob"),
        ("session_unshared", "alice"),
        ("session_removed", "alice"),
    ]
    used = [e for e in found if e.kind == "session_used"]
    assert {(e.node, e.details["of"]) for e in used} == {
        (stage.node("gpu1").node_id, stage.alice.id)
    }
    assert "session used" in await listed(stage, stage.bob, "outcome='session used'")
