"""A rule more, or a stricter one, lets nothing run that would not have run: whenever it comes.

Each generated case is played twice through Slack, on a machine each: once by the rules as they
are, once with a rule more from some moment on. What runs then has to have run without it.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from sandbox.dbc.demo import demo_renter
from sandbox.slack import Person, SeenMessage
from tests.scenarios.site import approves, denies, now, rules, site
from tests.scenarios.stage import CHANNEL, Stage, is_card
from tests.scenarios.test_rules_at_the_run import joins

BASE = '[[rule]]\nname = "base"\nmatch = { command = "vm.delete" }\n'
MORE = '[[rule]]\nname = "more"\nmatch = { command = "vm.delete" }\n'
ANYBODY = 'approvers = { persons = ["U0ALICE", "U0BOB", "U0CAROL", "U0DAVE"] }\n'
ASKS = "ask"


@dataclass(frozen=True)
class Case:
    """Rules, one rule more, what people do (who, what, minutes later), and before which of it.

    `at_once`: the rules are replaced right after the click before, not once all of it is done.
    """

    base: str
    more: str
    clicks: Sequence[tuple[str, str, int]]
    moment: int
    at_once: bool
    glass: bool


_BASES = st.builds(
    lambda needs, who, more: f"{BASE}{needs}\n{who}{more}",
    st.sampled_from(["approvals = 1", "approvals = 2", "confirm = true"]),
    st.sampled_from(["", ANYBODY]),
    st.sampled_from(
        ["", "denials = 2\n", "self_approval = true\n", 'reason = "OPS"\n', 'expires = "2h"\n',
         "type_name = true\n", 'break_glass = { persons = ["U0ALICE"] }\n']
    ),
)  # fmt: skip
_MORE = st.sampled_from(
    ["approvals = 2", "approvals = 3", 'expires = "5min"', "denials = 1", 'reason = "OPS"',
     'reason = "TICKET"', "type_name = true", "self_approval = false", 'deny = "Frozen."',
     'approvals = 1\napprovers = { persons = ["U0CAROL", "U0DAVE"] }', "break_glass = {}"]
)  # fmt: skip
_CLICKS = st.lists(
    st.tuples(
        st.sampled_from(["alice", "bob", "carol", "dave"]),
        st.sampled_from(["Approve", "Approve", "Approve", "Deny"]),
        st.sampled_from([0, 0, 0, 6]),
    ),
    min_size=1,
    max_size=3,
)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    base, more, clicks = draw(_BASES), draw(_MORE), draw(_CLICKS)
    if "confirm" in base:  # by default others approve
        base = base.replace(BASE, f"[defaults]\ndestroy = {{}}\n{BASE}").replace(ANYBODY, "")
    if "approvers" in more and ANYBODY not in base:
        more = "approvals = 3"  # the first approvers that are named are no fewer than before
    if (
        "self_approval = false" in more
    ):  # whoever may not decide does not deny either: they withdraw
        clicks = [(who, "Approve" if who == "alice" else what, at) for who, what, at in clicks]
    moment = draw(st.integers(0, len(clicks) + 1))
    return Case(base, f"{MORE}{more}\n", clicks, moment, draw(st.booleans()), draw(st.booleans()))


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    async with site(tmp_path) as one:
        joins(one, "dave")
        await one.gives_session(one.ws.member("dave"), "gpu1")
        yield one


_TWO = f"{BASE}approvals = 2\n"
_ONE = f"{BASE}approvals = 1\n"
_VOTES = (("bob", "Approve", 0), ("carol", "Approve", 0))


@pytest.mark.slow
@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(cases())
@example(Case(_ONE, f"{MORE}type_name = true\n", _VOTES[:1], 2, at_once=True, glass=False))
@example(Case(_TWO, f'{MORE}deny = "Frozen."\n', _VOTES, 3, at_once=True, glass=False))
@example(Case(_ONE, f"{MORE}approvals = 2\n", _VOTES[:1], 1, at_once=False, glass=False))
@example(
    Case(
        f'{BASE}confirm = true\nbreak_glass = {{ persons = ["U0ALICE"] }}\n'.join(
            ["[defaults]\ndestroy = {}\n", ""]
        ),
        f"{MORE}approvals = 1\n",
        (),
        0,
        at_once=False,
        glass=True,
    )
)
async def test_a_rule_more_never_lets_anything_run(stage: Stage, case: Case) -> None:
    without = await _plays(stage, case, is_tightened=False)
    after = await _plays(stage, case, is_tightened=True)
    assert without or not after


async def _plays(stage: Stage, case: Case, *, is_tightened: bool) -> bool:
    """Whether the machine of this run is deleted in the end."""
    number = len(stage.world.node("gpu1").tasks) + len(stage.changes())
    name = f"m{number}x{'b' if is_tightened else 'a'}"
    task = stage.node("gpu1").running_task(
        demo_renter(), desc=name, gpus=[], cpu_cores=1, memory=2**30
    )
    reloads = case.moment if is_tightened else -1
    rules(stage, case.base)
    steps = [("alice", ASKS, 0), *case.clicks]
    for position, (who, what, minutes) in enumerate(steps):
        await stage.passes(60 * minutes + 2)
        if reloads == position:
            rules(stage, case.base + case.more)
        hurried = case.at_once and reloads == position + 1
        if hurried:
            reloads = -1
        await _does(stage, stage.ws.member(who), what, name, case, hurried=hurried)
    if reloads == len(steps):
        rules(stage, case.base + case.more)
    for _ in range(3):
        await stage.passes(6)
        await stage.quiet()
    if (card := _card(stage, name)) is not None and "Withdraw" in card.buttons:
        await stage.alice.presses("Withdraw", card)
        await stage.quiet()
    return any(call.task_id == task.task_id for call in stage.world.changing_calls())


async def _does(
    stage: Stage, person: Person, what: str, name: str, case: Case, *, hurried: bool
) -> None:
    """One step; `hurried`, the rules are replaced before anything has come of it."""
    if what == ASKS:
        options = 'reason="OPS-1"' + (' break_glass="flood"' if case.glass else "")
        await person.types(f"/dbc vm delete {name} {options}", channel=CHANNEL)
    else:
        card = _card(stage, name)
        button = "Confirm" if card is not None and "Confirm" in card.buttons else what
        if card is None or button not in card.buttons:
            return
        stage.shown_to_all(card)
        if hurried:
            await person.presses(button, card)
        elif button == "Deny":
            await denies(stage, person, card, "not today")
        else:
            await approves_or_confirms(stage, person, button, card)
    if hurried:
        rules(stage, case.base + case.more)
    await stage.quiet()
    await _types(stage, person, name)


async def approves_or_confirms(
    stage: Stage, person: Person, button: str, card: SeenMessage
) -> None:
    if button == "Approve":
        await approves(stage, person, card)
    else:
        await person.presses(button, card)
        await stage.quiet()


async def _types(stage: Stage, person: Person, name: str) -> None:
    """Type what the form asks for that a click has opened, if any."""
    if person.modal is None:
        return
    is_approval = "Its description or id" in str(person.modal.blocks)
    await person.submits(
        {"Its description or id": name} if is_approval else {"Why not?": "not today"}
    )
    await stage.quiet()


def _card(stage: Stage, name: str) -> SeenMessage | None:
    found = [m for m in stage.alice.messages(CHANNEL) if name in m.plain and is_card(m.plain)]
    return now(stage, found[-1]) if found else None
