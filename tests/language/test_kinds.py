import re
from typing import cast

import pytest

from bot.commands.rows import command_table
from bot.language import kinds
from bot.language.kind import Arg, Kind
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


def test_what_has_a_number_is_offered_in_forms_and_not_typed() -> None:
    assert [kind.name for kind in kinds.ALL if kind.is_numbered and not kind.is_sought] == []


# New to the bot when they are typed, so that nobody could offer them.
_NEW = {
    "metal.add.uuid", "metal.modify.uuid",
    "order.watch.wallet", "session.request.wallet", "session.request.wallets",
}  # fmt: skip
_IDS = re.compile(r"\b(ids?|number|uuid|wallets?)\b", re.IGNORECASE)


def test_no_form_asks_for_an_id_that_could_be_offered() -> None:
    typed = {FieldKind.TEXT, FieldKind.LINES, FieldKind.NUMBER}
    asked = {
        f"{command.id}.{p.name}"
        for command in command_table()
        if command.form or command.missing({})
        for p in command.parameters
        if p.arg.kind.field in typed and not p.arg.kind.is_secret
        if _IDS.search(f"{p.arg.label} {p.arg.hint}")
    }
    assert asked == _NEW
