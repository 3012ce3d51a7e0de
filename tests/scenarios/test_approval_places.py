"""Where questions stand: channel, thread, direct message, copies, Home, lists; all say the same."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sandbox.slack import SeenMessage
from tests.scenarios.site import (
    DELETE,
    NAME,
    approves,
    asked,
    denies,
    is_http,
    now,
    rules,
    site,
    told,
)
from tests.scenarios.stage import CHANNEL, Stage
from tests.scenarios.test_approval_rules import rule


@pytest.fixture
async def stage_of_two(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Stage]:
    """Alice and Bob are entitled to gpu1, Carol is not."""
    async with site(tmp_path, http=is_http(request), entitled="alice bob") as one:
        yield one


def number(message: SeenMessage) -> str:
    """The number in the first row of a list."""
    return message.plain.split("`")[1]


@pytest.mark.parametrize("http", [False, True], ids=["socket", "http"])
async def test_asked_in_a_thread_it_is_answered_there(tmp_path: Path, *, http: bool) -> None:
    async with site(tmp_path, http=http) as stage:
        root = await stage.asks(stage.carol, "inference hangs again", CHANNEL)
        await stage.alice.types(f"@dbc vm delete {NAME}", CHANNEL, root)
        question = await stage.alice.sees(f"Delete .{NAME}", CHANNEL, thread_ts=root.ts)
        await stage.quiet()
        for _ in range(3):
            await stage.passes(4 * 60)
        reminder = await stage.bob.sees("still waits", CHANNEL, thread_ts=root.ts)
        assert stage.bob.id in reminder.pings
        await approves(stage, stage.bob, question)
        end = await stage.ends(stage.alice, f"{NAME} is deleted")
        assert end.thread_ts == root.ts
        assert now(stage, question).buttons == []


async def test_a_click_on_a_card_with_replies_is_answered_beside_the_card(
    stage_of_two: Stage,
) -> None:
    stage = stage_of_two
    question = await asked(stage)
    for _ in range(3):
        await stage.passes(4 * 60)
    await stage.bob.sees("still waits", CHANNEL, thread_ts=question.ts)
    await stage.carol.presses("Approve", question)
    await stage.quiet()
    answer = await stage.carol.sees("You may not decide on this", CHANNEL)
    assert answer.ephemeral
    assert answer.thread_ts is None


async def test_asked_in_a_direct_message_others_decide_in_theirs(tmp_path: Path) -> None:
    async with site(tmp_path) as stage:
        await stage.alice.types(f"vm delete {NAME}", "@dbc")
        await stage.quiet()
        question = await stage.alice.sees(f"Delete .{NAME}", "@dbc")
        copy = await stage.bob.sees(f"Delete .{NAME}", "@dbc")
        assert not [m for m in stage.bob.messages(CHANNEL) if "Delete" in m.plain]
        for _ in range(3):
            await stage.passes(4 * 60)
        await stage.bob.sees("still waits", "@dbc", thread_ts=copy.ts)
        await approves(stage, stage.bob, copy)
        end = await stage.ends(stage.alice, f"{NAME} is deleted")
        assert end.channel == question.channel
        assert now(stage, copy).plain == now(stage, question).plain
        assert stage.changes() == ["tasks.delete"]


@pytest.mark.parametrize("end", ["denied", "cancelled", "expired", "void"])
async def test_after_every_end_all_copies_show_it(tmp_path: Path, end: str) -> None:
    async with site(tmp_path) as stage:
        question = await asked(stage)
        copies = [await p.sees(f"Delete .{NAME}", "@dbc") for p in (stage.bob, stage.carol)]
        match end:
            case "denied":
                await denies(stage, stage.bob, copies[0], "no")
            case "cancelled":
                await stage.alice.presses("Withdraw", question)
                await stage.quiet()
            case "expired":
                await stage.passes(61 * 60)
            case "void":
                rules(
                    stage,
                    '[[rule]]\nname = "no"\nmatch = { command = "vm.delete" }\ndeny = "No."\n',
                )
                await stage.passes(5)
        seen = [now(stage, one) for one in (question, *copies)]
        assert all(m.buttons == [] for m in seen)
        assert len({m.plain for m in seen}) == 1
        assert stage.changes() == []
        await stage.passes(3600)
        assert not told(stage.bob, "still waits")


async def test_what_waits_is_listed_for_each_in_their_way(tmp_path: Path) -> None:
    async with site(tmp_path, entitled="alice bob") as stage:
        await stage.asks(stage.alice, "/dbc approval list")
        await stage.alice.sees("No pending approvals", CHANNEL)
        await asked(stage)
        mine = await stage.asks(stage.alice, "/dbc approval list")
        assert "Yours" in mine.plain
        assert "For you to decide" not in mine.plain
        theirs = await stage.asks(stage.bob, "/dbc approval list")
        assert "For you to decide" in theirs.plain
        assert theirs.ephemeral
        assert number(mine) == number(theirs)
        others = await stage.asks(stage.carol, "/dbc approval list")
        assert "No pending approvals" in others.plain


async def test_one_is_shown_with_buttons_that_work(tmp_path: Path) -> None:
    async with site(tmp_path, entitled="alice bob") as stage:
        question = await asked(stage)
        listed = await stage.asks(stage.bob, "/dbc approval list")
        shown = await stage.asks(stage.bob, f"/dbc approval show {number(listed)[:5]}")
        assert shown.ephemeral
        assert "Present state" in shown.plain
        assert shown.buttons == ["Approve", "Deny", "Show"]
        await stage.carol.types(f"approval show {number(listed)}", "@dbc")
        await stage.carol.sees("You can see only what", "@dbc")
        await stage.bob.presses("Approve", shown)
        await stage.ends(stage.alice, f"{NAME} is deleted")
        again = await stage.asks(stage.alice, f"/dbc approval show {number(listed)}")
        assert again.buttons == []
        assert f"1 of 1 approval: <@{stage.bob.id}>" in again.plain
        assert now(stage, question).buttons == []


@pytest.mark.parametrize(
    ("terms", "button", "form", "came_of_it", "left"),
    [
        ("approvals = 1", "Approve", {}, "It runs once I have checked", []),
        ("approvals = 1", "Deny", {"Why not?": "in use"}, "Nothing was done.", []),
        (
            "approvals = 1\ntype_name = true", "Approve", {"Its description or id": NAME},
            "It runs once I have checked", [],
        ),
        (
            "approvals = 2", "Approve", {}, "counts. More are needed.",
            ["Approve", "Deny", "Withdraw vote", "Withdraw", "Show"],
        ),
    ],
)  # fmt: skip
async def test_one_that_was_opened_directly_says_what_came_of_the_click(
    tmp_path: Path, terms: str, button: str, form: dict[str, str], came_of_it: str, left: list[str]
) -> None:
    async with site(tmp_path, rule('command = "vm.delete"', terms)) as stage:
        await asked(stage)
        listed = await stage.asks(stage.bob, "/dbc approval list")
        await stage.bob.types(f"approval show {number(listed)}", channel="@dbc")
        await stage.quiet()
        opened = stage.bob.last("@dbc")
        assert opened.buttons[:2] == ["Approve", "Deny"]
        await stage.bob.presses(button, opened)
        if form:
            await stage.bob.submits(form)
        await stage.quiet()
        [answer] = told(stage.bob, came_of_it)
        assert answer.ts != opened.ts
        replaced = now(stage, opened)
        assert NAME in replaced.plain
        if left:
            assert replaced.buttons == left
            await stage.bob.presses("Withdraw vote", replaced)
            await stage.quiet()
            assert told(stage.bob, "You withdrew your vote")
            assert "Withdraw vote" not in now(stage, opened).buttons
        else:
            assert "Approve" not in replaced.buttons


async def test_one_is_taken_back_by_its_number_and_only_by_who_asked(tmp_path: Path) -> None:
    async with site(tmp_path) as stage:
        question = await asked(stage)
        one = number(await stage.asks(stage.alice, "/dbc approval list"))
        await stage.asks(stage.bob, f"/dbc approval cancel {one}")
        refused = told(stage.bob, "Only the requester can withdraw this")
        assert refused[0].plain.startswith(":no_entry_sign: “Withdraw a request” was refused")
        await stage.asks(stage.alice, "/dbc approval cancel nosuch")
        assert told(stage.alice, "No approval has the number “nosuch”")
        await stage.asks(stage.alice, f"/dbc approval cancel {one}")
        assert told(stage.alice, "You withdrew your request. Nothing was done.")
        assert " withdrew “" in now(stage, question).plain
        assert now(stage, question).buttons == []
        await stage.asks(stage.alice, f"/dbc approval cancel {one}")
        assert told(stage.alice, "Too late: this was withdrawn")


@pytest.mark.parametrize("words", ["approval withdraw", "审批 撤回"])
async def test_a_request_is_withdrawn_by_the_word_on_its_button(tmp_path: Path, words: str) -> None:
    async with site(tmp_path) as stage:
        question = await asked(stage)
        one = number(await stage.asks(stage.alice, "/dbc approval list"))
        await stage.asks(stage.alice, f"/dbc {words} {one}")
        assert told(stage.alice, "You withdrew your request. Nothing was done.")
        assert now(stage, question).buttons == []
        assert stage.changes() == []


async def test_home_shows_what_waits_for_me_and_its_buttons_work(stage_of_two: Stage) -> None:
    stage = stage_of_two
    question = await asked(stage)
    await stage.alice.opens_home()
    own = await stage.alice.sees_home("Your requests, waiting for others")
    assert "Withdraw" in own.buttons
    assert "Approve" not in own.buttons
    await stage.bob.opens_home()
    home = await stage.bob.sees_home("Waiting for you")
    assert "Nothing brings them back" in home.plain
    await stage.bob.presses("Approve", on_home=True)
    await stage.quiet()
    await stage.ends(stage.alice, f"{NAME} is deleted")
    assert "Waiting for you" not in (await stage.bob.sees_home("Your machines")).plain
    await stage.alice.opens_home()
    await stage.quiet()
    assert "waiting for others" not in (await stage.alice.sees_home("Your machines")).plain
    assert now(stage, question).buttons == []


async def test_what_came_too_late_is_said_above_the_home_it_was_pressed_in(
    stage_of_two: Stage,
) -> None:
    stage = stage_of_two
    question = await asked(stage)
    await stage.bob.opens_home()
    await stage.bob.sees_home("Waiting for you")
    await stage.alice.presses("Withdraw", question)
    await stage.quiet()
    before = len(stage.bob.messages("@dbc"))
    await stage.bob.presses("Approve", on_home=True)
    await stage.quiet()
    assert "withdrew this" in (await stage.bob.sees_modal("Only you see this")).plain
    assert len(stage.bob.messages("@dbc")) == before
    assert stage.changes() == []


async def test_a_denial_from_home_asks_why(stage_of_two: Stage) -> None:
    stage = stage_of_two
    question = await asked(stage)
    await stage.bob.opens_home()
    await stage.bob.sees_home("Waiting for you")
    await stage.bob.presses("Deny", on_home=True)
    await stage.bob.sees_modal("Deny")
    await stage.bob.submits({"Why not?": "needed"})
    await stage.quiet()
    assert "needed" in now(stage, question).plain


async def test_taking_back_needs_nobodys_leave(tmp_path: Path) -> None:
    async with site(tmp_path) as stage:
        question = await asked(stage)
        rules(stage, '[[rule]]\nname = "all"\nmatch = {}\ndeny = "Frozen."\n')
        one = number(await stage.asks(stage.alice, "/dbc approval list"))
        await stage.asks(stage.alice, f"/dbc approval cancel {one}")
        assert " withdrew “" in now(stage, question).plain


async def test_a_copy_that_cannot_be_posted_goes_to_nobody_else(tmp_path: Path) -> None:
    async with site(tmp_path) as stage:
        stage.ws.faults.ratelimit("chat.postMessage", times=3, retry_after=10)
        await stage.alice.types(DELETE, channel=CHANNEL)
        await stage.quiet()
        stage.bob.member.deleted = True
        for _ in range(3):
            await stage.passes(20)
        assert len(told(stage.carol, "Delete inference")) == 2
        assert [m.plain for m in stage.alice.messages("@dbc")] == []
