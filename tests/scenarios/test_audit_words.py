"""What the audit says of an end: by its own word, of whom, with people and channels by name."""

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot.ids import UserId
from bot.model import AuditEntry, AuditKind
from bot.reply import catalogue, plain, retold, sentences
from sandbox.dbc.task import Libvirt
from sandbox.slack import Person, SeenMessage
from tests.scenarios.in_chinese import english_in, reads_chinese, words_in
from tests.scenarios.machines import off
from tests.scenarios.site import DELETE, NAME, approves, asked, denies, entries, site
from tests.scenarios.stage import CHANNEL, Stage

_WHEN = re.compile(r"\n\d+ <!date[^>]*>")  # how the second line of a row begins
_RAW_ID = re.compile(r"(?<![<@#|])\b[UC]0[A-Z0-9]{3,}\b")


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    async with site(tmp_path) as one:
        yield one


async def ended(stage: Stage) -> AuditEntry:
    return [e for e in await entries(stage) if e.kind is AuditKind.ENDED][-1]


async def listed(stage: Stage, person: Person, options: str = "command=vm") -> str:
    seen: SeenMessage = await stage.asks(person, f"/dbc audit list {options}")
    told = seen.plain.replace("*", "").replace("`", "")
    assert not _RAW_ID.search(told)
    return _WHEN.sub("", told)


async def test_a_denied_request_is_denied_by_whom_and_why(stage: Stage) -> None:
    question = await asked(stage)
    await denies(stage, stage.bob, question, f"ask <@{stage.carol.id}> first")
    end = await ended(stage)
    assert (end.outcome, end.details["decided_by"]) == ("denied", [stage.bob.id])
    assert end.reason == f"ask <@{stage.carol.id}> first"
    told = await listed(stage, stage.alice)
    by = f"by <@{stage.bob.id}>, requested by <@{stage.alice.id}>: ask <@{stage.carol.id}> first"
    assert f"denied vm delete {NAME} on gpu1 {by}" in told
    assert f"denied vm delete {NAME} on gpu1 · <@{stage.bob.id}>: ask" in told


async def test_only_what_was_taken_back_is_cancelled(stage: Stage) -> None:
    question = await asked(stage)
    await stage.alice.presses("Withdraw", question)
    await stage.quiet()
    end = await ended(stage)
    assert (end.outcome, end.details["decided_by"]) == ("cancelled", [stage.alice.id])
    assert f"cancelled vm delete {NAME} on gpu1 by" in await listed(stage, stage.alice)


async def test_what_expired_and_what_was_voided_have_words_of_their_own(stage: Stage) -> None:
    await asked(stage)
    await stage.passes(61 * 60)
    end = await ended(stage)
    assert (end.outcome, end.reason) == ("expired", "Nobody decided in time.")
    await stage.alice.types(DELETE, channel=CHANNEL)
    question = await stage.alice.sees(r"(?s)Delete .inference. on .gpu1.\?.*Needs 1 approval")
    domain = stage.task(NAME).domain
    assert domain is not None
    domain.state = Libvirt.SHUT_OFF
    await approves(stage, stage.bob, question)
    end = await ended(stage)
    assert (end.outcome, "now “off”" in end.reason) == ("voided", True)
    said = [e for e in stage.endings(stage.alice) if "Changed since" in e]
    assert f"“Delete {NAME} on gpu1” was not carried out. Changed since it was shown" in said[0]
    told = await listed(stage, stage.alice, "outcome=voided")
    assert f"voided vm delete {NAME} on gpu1, requested by" in told


async def test_a_request_names_machine_and_node_as_soon_as_they_are_known(stage: Stage) -> None:
    await asked(stage)
    await stage.asks(stage.alice, "/dbc vm start nothing on gpu2")
    told = await listed(stage, stage.alice, "outcome=requested")
    by = f"· <@{stage.alice.id}> in <#"
    assert f"requested vm delete {NAME} on gpu1 {by}" in told
    assert f"requested vm start nothing on gpu2 {by}" in told


async def test_sessions_name_those_who_share_them(stage: Stage) -> None:
    await stage.asks(stage.alice, "/dbc session share gpu1 with @bob")
    await stage.asks(stage.alice, f"/dbc session share gpu1 with #{CHANNEL}")
    told = await listed(stage, stage.alice, "outcome='session shared'")
    assert f"session shared on gpu1 · <@{stage.alice.id}> with <@{stage.bob.id}>" in told
    assert f"session shared on gpu1 · <@{stage.alice.id}> with <#" in told


async def test_what_a_command_answered_names_people_and_not_their_ids(stage: Stage) -> None:
    await stage.asks(stage.alice, "/dbc session share gpu1 with @bob")
    await stage.asks(stage.alice, "/dbc session unshare gpu1 with @bob")
    told = await listed(stage, stage.alice, "command=session")
    assert f"<@{stage.alice.id}> no longer shares their session for gpu1" in told


async def test_requests_for_access_name_who_was_asked_who_declined_and_whom(stage: Stage) -> None:
    alice, bob, carol = stage.alice, stage.bob, stage.carol
    await stage.erases_session(carol, "gpu1")
    await stage.asks(carol, "/dbc session ask gpu1")
    await stage.passes()
    question = await alice.sees(f"<@{carol.id}> asks for access to", "@dbc")
    await alice.presses("No", question)
    await stage.quiet()
    await stage.passes(25 * 3600)
    told = await listed(stage, alice, "")
    asked_of = f"from <@{alice.id}>, <@{bob.id}>"
    assert f"requested access on gpu1 · <@{carol.id}> {asked_of}" in told
    assert f"declined access on gpu1 · <@{alice.id}> to <@{carol.id}>" in told
    assert f"access request expired on gpu1, requested by <@{carol.id}>" in told
    await reads_chinese(stage)
    told = await listed(stage, alice, "")
    assert "拒绝共享访问权限 节点 gpu1" in told


@pytest.mark.parametrize("options", ["起始=昨天 结果=拒绝", "since=2小时前", "outcome=申请"])
async def test_times_and_outcomes_are_understood_in_chinese(stage: Stage, options: str) -> None:
    question = await asked(stage)
    await denies(stage, stage.bob, question, "in use")
    assert "vm delete" in await listed(stage, stage.alice, options)


async def test_whatever_the_audit_records_has_a_word_in_chinese(stage: Stage) -> None:
    await reads_chinese(stage)
    async with stage.bot.store.write() as tx:
        for kind in AuditKind:
            tx.audit.append(AuditEntry(kind, stage.clock.now(), UserId(stage.alice.id)))
    for kind in AuditKind:
        if kind is not AuditKind.ENDED:  # the outcome is its word
            told = await listed(stage, stage.alice, f"outcome={kind}")
            assert [english_in(told), words_in(told)] == [[], []], told


async def test_an_end_is_told_in_the_language_of_its_reader(stage: Stage) -> None:
    await stage.asks(stage.alice, "/dbc vm start inference")
    await stage.asks(stage.alice, "/dbc vm restart nosuch")
    english = await listed(stage, stage.alice, "outcome=refused")
    assert "The machine is running." in english
    stage.alice.speaks("zh-CN")
    await stage.ws.idle()
    told = await listed(stage, stage.alice, "outcome=refused")
    assert "虚拟机正在运行。" in told
    assert "你没有叫“nosuch”的虚拟机。" in told
    assert english_in(told) == []


async def test_a_long_end_is_shortened_by_sentences_in_the_language_of_its_reader(
    stage: Stage,
) -> None:
    long = "The machine is running. Nothing was done. Look at the machine, then request it again. "
    entry = AuditEntry(AuditKind.ENDED, stage.clock.now(), UserId(stage.alice.id))
    more = "Try again in a minute. Nobody decided in time. It is done once."
    async with stage.bot.store.write() as tx:
        tx.audit.append(replace(entry, outcome="refused", reason=long + more))
    assert f": {long}Try again in a minute. …" in await listed(stage, stage.alice, "")
    await reads_chinese(stage)
    told = await listed(stage, stage.alice, "")
    assert "：虚拟机正在运行。未执行任何操作。先查看虚拟机，再重新申请。一分钟后再试。 …" in told
    assert english_in(told) == []


async def test_what_a_person_wrote_stays_as_they_wrote_it(stage: Stage) -> None:
    question = await asked(stage)
    await denies(stage, stage.bob, question, "The machine is running.")
    await reads_chinese(stage)
    told = await listed(stage, stage.alice, "outcome=denied")
    assert told.count("The machine is running.") == 2
    assert "虚拟机正在运行" not in told


async def test_a_row_begins_with_how_it_ended(stage: Stage) -> None:
    await stage.asks(stage.alice, "/dbc vm start inference")
    seen = await stage.asks(stage.alice, "/dbc audit list command=vm")
    first, second = seen.plain.splitlines()[:2]
    assert first == "*refused* `vm start` inference on gpu1"
    assert re.match(rf"`\d+` <!date.*>, requested by <@{stage.alice.id}>: The machine is", second)


async def test_an_end_with_few_words_of_its_own_is_told_in_chinese_as_well(stage: Stage) -> None:
    off(stage)
    await stage.asks(stage.alice, "/dbc vm start inference")
    await stage.ends(stage.alice, "inference is running on gpu1")
    assert "inference is running on gpu1." in await listed(stage, stage.alice, "outcome=done")
    await reads_chinese(stage)
    told = await listed(stage, stage.alice, "outcome=done")
    assert "inference 正在 gpu1 上运行" in told
    assert "gpu1." not in told
    assert english_in(told) == []


def test_sentences_beside_ours_keep_their_spaces_and_go_into_no_gap_of_ours() -> None:
    others = "Wait a bit. See “gpu1”. All good."
    assert plain(sentences(retold(others)), catalogue("zh")) == others
    told = plain(
        sentences(retold(f"This channel's language is now English. {others}")), catalogue("zh")
    )
    assert told == f"本频道的语言现在是英文。{others}"


def test_what_the_node_said_is_quoted_in_the_reader_s_language() -> None:
    told = retold("The image is in use. It says: “in downloading”.")
    assert plain(sentences(told), catalogue("zh")).endswith("原文：“in downloading”。")


def test_what_is_no_end_of_ours_stays_as_it_was_written() -> None:
    for text in ("it is fine.", "gpu1 is busy on Friday.", "it has no image on gpu1.", "5 s."):
        assert plain(sentences(retold(text)), catalogue("zh")) == text
