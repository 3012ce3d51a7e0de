"""Aliases are text: replaced once each, and never without measure."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import Refused
from bot.language.alias import expanded


@pytest.mark.parametrize(
    ("body", "given", "line"),
    [
        ("vm restart $1 force", ["x"], ["vm", "restart", "x", "force"]),
        ("vm restart $1 force", ["x", "--dry-run"], ["vm", "restart", "x", "force", "--dry-run"]),
        ("vm create name=$2 on $1", ["gpu1", "a b"], ["vm", "create", "name=a b", "on", "gpu1"]),
        ("vm list", ["on", "gpu1"], ["vm", "list", "on", "gpu1"]),
        ("vm logs $* 20", ["x", "head"], ["vm", "logs", "x", "head", "20"]),
        ('vm delete $1 reason="$1 is old"', ["x"], ["vm", "delete", "x", "reason=x is old"]),
    ],
)
def test_the_words_behind_it_take_their_places(
    body: str, given: list[str], line: list[str]
) -> None:
    assert expanded(["r", *given], {"r": body}) == line


def test_an_alias_may_stand_for_another_but_not_for_itself() -> None:
    assert expanded(["a", "x"], {"a": "b $1", "b": "vm show"}) == ["vm", "show", "x"]
    assert expanded(["a"], {"a": "a a"}) == ["a", "a"]
    assert expanded(["a"], {"a": "b", "b": "a"}) == ["a"]


def test_a_line_does_not_grow_without_measure() -> None:
    bodies = {f"a{n}": f"a{n + 1} " + "$*" * 200 for n in range(50)}
    with pytest.raises(Refused, match="too long"):
        expanded(["a0", "x"], bodies)


@given(st.lists(st.text(), min_size=1), st.dictionaries(st.text(), st.text()))
def test_any_alias_gives_a_line_or_a_sentence(typed: list[str], aliases: dict[str, str]) -> None:
    with suppress(Refused):
        assert len(expanded(typed, aliases)) <= max(100, len(typed))
