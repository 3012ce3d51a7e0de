"""A site's patterns: found in time, whatever they are, or refused when the file is read."""

import asyncio
from pathlib import Path

import pytest

from bot.errors import Refused
from bot.reviews.policy import Decision, DecisionKind
from bot.reviews.policy_file import FaultyPolicy, read_policy
from tests.scenarios.site import NAME, rules, site, told
from tests.scenarios.stage import CHANNEL

# Each takes a backtracking engine seconds to hours for what does not match.
EXPLOSIVE = (
    (r"^([A-Z0-9]+-?)+$", "A" * 29 + "!"),
    (r"^(a+)+$", "a" * 40 + "!"),
    (r"^(a|aa)+$", "a" * 60 + "!"),
    (r"(x+x+)+y", "x" * 3000),
    (r"^(\w+\s?)*$", "word " * 500 + "!"),
)


@pytest.mark.parametrize(("pattern", "reason"), EXPLOSIVE)
def test_no_reason_takes_long_to_be_refused(pattern: str, reason: str) -> None:
    with pytest.raises(Refused):
        Decision(DecisionKind.RUN, reasons=(pattern,)).check_reason(reason)


@pytest.mark.parametrize(
    ("pattern", "reason", "fits"),
    [
        (r"^OPS-\d+$", "OPS-17", True),
        (r"^OPS-\d+$", "OPS-１７", False),
        (r"^OPS-\d+$", "OPS-١٧", False),
        ("工单", "工单 17", True),
        (".", "a\ud800", True),
    ],
)
def test_digits_are_those_of_the_keyboard(pattern: str, reason: str, fits: bool) -> None:
    decision = Decision(DecisionKind.RUN, reasons=(pattern,))
    if fits:
        decision.check_reason(reason)
        return
    with pytest.raises(Refused):
        decision.check_reason(reason)


@pytest.mark.parametrize("pattern", ["(?=OPS)", r"(a)\\1", "(", "a{9999}", r"\\Z"])
def test_a_pattern_that_cannot_be_used_is_refused_with_its_line(
    tmp_path: Path, pattern: str
) -> None:
    path = tmp_path / "policy.toml"
    path.write_text(
        f'[[rule]]\nname = "a"\nmatch = {{ effect = "destroy" }}\nreason = "{pattern}"\n'
    )
    with pytest.raises(FaultyPolicy) as caught:
        read_policy(path)
    assert "line 4: `reason` is no regular expression that can be used" in caught.value.sentence


async def test_others_are_answered_while_a_reason_is_matched(tmp_path: Path) -> None:
    async with site(tmp_path) as stage:
        rules(
            stage,
            '[[rule]]\nname = "ticket"\nmatch = { effect = "destroy" }\n'
            'reason = "^([A-Z0-9]+-?)+$"\n',
        )
        reason = "A" * 29 + "!"
        async with asyncio.timeout(8):  # a backtracking engine takes longer by far
            await stage.asks(stage.alice, f'/dbc vm delete {NAME} reason="{reason}"')
            assert told(stage.alice, "The reason must match")
            await stage.bob.types("/dbc whoami", CHANNEL)
            await stage.quiet()
        assert stage.changes() == []
