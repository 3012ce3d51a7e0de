from typing import cast

import pytest

from bot.language import kinds
from bot.language.kinds import Arg, Kind
from bot.pipeline.context import Services
from bot.pipeline.search import Completion
from bot.reply import FieldKind


def test_no_two_kinds_have_one_name() -> None:
    assert len({kind.name for kind in kinds.ALL}) == len(kinds.ALL)


def test_a_kind_says_itself_what_is_the_one_text() -> None:
    class Shout(Kind):
        def canonical(self, value: object) -> str:
            return f"{value}!".upper()

    assert Arg("Word", Shout("shout")).canonical("word", "away") == "AWAY!"


def test_a_kind_that_is_sought_without_a_source_is_refused_at_start(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    odd = Kind("odd", FieldKind.SEARCH)
    monkeypatch.setattr("bot.pipeline.search.ALL", (*kinds.ALL, odd))
    with pytest.raises(ValueError, match="odd"):
        Completion(cast(Services, None))


def test_only_a_kind_of_node_has_a_default_or_nodes() -> None:
    for kind in kinds.ALL:
        assert kind.is_node or not (kind.nodes or kind.has_default)
