"""Every row is sound, and what derives from the table is current."""

import ast
import json
import re
from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path

import pytest

from bot.commands.rows import command_table
from bot.language import forms
from bot.language.args import Vm
from bot.language.parse import Parsed, parse
from bot.language.reference import reference
from bot.language.row_parts import Follow, Listing
from bot.language.table import Command, Group, Table
from bot.model import Deed, Effect, Goal, TakesGpus
from bot.reply import say
from handlers.manifest import manifest

ROOT = Path(__file__).parents[2]
TABLE = command_table()
SCENARIOS = tuple((ROOT / "tests" / "scenarios").glob("test_*.py"))


async def _row(ctx: object, vm: Vm) -> None:
    """A row for the table's own checks."""


@pytest.mark.parametrize("command", list(TABLE), ids=lambda c: c.id)
def test_a_rows_example_is_a_line_that_means_it(command: Command) -> None:
    found = parse(TABLE, command.example)
    if command.id == "help":
        return
    assert isinstance(found, Parsed)
    assert found.command is command


@pytest.mark.parametrize("command", list(TABLE), ids=lambda c: c.id)
def test_a_rows_form_has_a_field_for_every_argument(command: Command) -> None:
    form = forms.form(command, {})
    names = [p.name for p in command.parameters if not p.arg.pressed]
    shown = [field.name for field in form.fields if field.name != "reason"]
    assert sorted(shown) == sorted(names)
    kinds = {p.name: p.arg.kind for p in command.parameters}
    for position, name in enumerate(shown):  # what narrows a field stands above it
        assert not {kinds[n] for n in shown[position:]} & set(kinds[name].narrowed_by)


@pytest.mark.parametrize("command", list(TABLE), ids=lambda c: c.id)
def test_no_label_stands_twice_in_a_form_or_for_two_facts(command: Command) -> None:
    for labels in (
        [str(one.arg.label) for one in command.parameters],
        [str(one.label) for one in command.facts.values()],
    ):
        assert sorted(labels) == sorted(set(labels))


@pytest.mark.parametrize(("made", "chosen"), [("create", "show"), ("create", "delete")])
def test_the_name_of_a_new_snapshot_is_not_labelled_as_one_that_is_chosen(
    made: str, chosen: str
) -> None:
    labels = [
        {str(one.arg.label) for one in TABLE[f"snapshot.{verb}"].parameters if one.name != "vm"}
        for verb in (made, chosen)
    ]
    assert not labels[0] & labels[1]


def test_a_row_says_what_its_forms_button_does_where_the_verb_does_not() -> None:
    row = Command("x", _row, example="g x 1", button="Wake")
    assert forms.form(row, {}).submit == "Wake"


def test_every_field_of_a_row_is_explained_where_a_new_command_is() -> None:
    page = (ROOT / "docs" / "new-command.md").read_text(encoding="utf-8")
    given = [one.name for one in fields(Command) if one.init and one.name != "group"]
    assert [name for name in given if f"`{name}`" not in page] == []


@pytest.fixture(scope="module")
def typed() -> list[list[str]]:
    """The texts in each file of scenarios."""
    return [
        [
            node.value
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.Constant) and isinstance(node.value, str)
        ]
        for path in SCENARIOS
    ]


@pytest.mark.parametrize("command", list(TABLE), ids=lambda c: c.id)
def test_a_row_has_a_scenario_in_which_it_is_typed(
    command: Command, typed: list[list[str]]
) -> None:
    whole = re.compile(rf"(^|/dbc |@dbc |\s){re.escape(command.title)}($|\s)")
    # Scenarios of several verbs name the verb alone: `f"/dbc vm {verb} inference"`.
    group = re.compile(rf"(^|\s){re.escape(command.group)}( $|$)")
    assert any(
        any(whole.search(text) for text in texts)
        or (command.verb in texts and any(group.search(text) for text in texts))
        for texts in typed
    )


def test_two_rows_of_one_name_are_refused() -> None:
    row = Command("x", _row, example="g x 1")
    with pytest.raises(ValueError, match="two commands"):
        Table((Group("g", "G", (row, row)),))


def test_a_row_that_destroys_must_say_what_is_lost() -> None:
    row = Command("x", _row, Effect.DESTROY, "g x 1", asks="Do x to")
    with pytest.raises(ValueError, match="what is lost"):
        Table((Group("g", "G", (row,)),))


def test_a_row_that_changes_something_must_say_what_its_card_asks() -> None:
    with pytest.raises(ValueError, match="what is asked"):
        Table((Group("g", "G", (Command("x", _row, Effect.CHANGE, "g x 1"),)),))


def test_a_row_whose_title_slack_would_cut_is_refused() -> None:
    row = Command("x", _row, example="g x 1", does=say("Twenty-four letters here"))
    Table((Group("g", "G", (row,)),))
    with pytest.raises(ValueError, match="at most 24 characters"):
        Table((Group("g", "G", (replace(row, does=say("Twenty-four letters here!")),)),))


def test_a_row_that_lists_what_another_one_lists_is_refused() -> None:
    rows = [Command(verb, _row, example=f"g {verb} 1", lists=Listing.NODES) for verb in "xy"]
    with pytest.raises(ValueError, match="another list of nodes"):
        Table((Group("g", "G", tuple(rows)),))


def test_a_row_that_is_settled_by_reading_says_what_shows_it() -> None:
    unanswered = Follow(Goal.CHANGED, "{label} is changing", "{label} has changed")
    row = Command("x", _row, Effect.CHANGE, "g x 1", asks="Do x to", unanswered=unanswered)
    with pytest.raises(ValueError, match="is its trace"):
        Table((Group("g", "G", (row,)),))


def test_a_row_whose_end_a_machine_shows_says_what_dbc_calls_it() -> None:
    follow = Follow(Goal.CLOSED, "{label} is being paused", "{label} is paused")
    row = Command("pause", _row, Effect.CHANGE, "g pause 1", asks="Pause {target}", follow=follow)
    with pytest.raises(ValueError, match="what DBC calls it"):
        Table((Group("g", "G", (row,)),))


def test_a_row_after_which_a_machine_may_run_says_when_it_takes_gpus() -> None:
    follow = Follow(Goal.RUNNING, "{label} is waking", "{label} is awake")
    row = Command(
        "wake", _row, Effect.CHANGE, "g wake 1", asks="Wake {target}", follow=follow,
        deed=Deed(verb="start"),
    )  # fmt: skip
    with pytest.raises(ValueError, match="when it takes GPUs"):
        Table((Group("g", "G", (row,)),))
    Table((Group("g", "G", (replace(row, takes_gpus=TakesGpus.ALWAYS),)),))


def test_a_row_after_which_a_machine_is_gone_says_that_it_removes_it() -> None:
    follow = Follow(Goal.GONE, "{label} is going", "{label} is gone")
    row = Command(
        "drop", _row, Effect.DESTROY, "g drop 1", asks="Drop {target}", loses="All.",
        follow=follow, deed=Deed(verb="delete"),
    )  # fmt: skip
    with pytest.raises(ValueError, match="removes something"):
        Table((Group("g", "G", (row,)),))
    dropping = Table((Group("g", "G", (replace(row, removes=True),)),))
    assert dropping.deletions == {"g.drop"}


@pytest.mark.parametrize("what", Listing)
def test_there_is_a_list_of_whatever_rules_may_hide(what: Listing) -> None:
    assert TABLE[TABLE.listing(what)].effect_of({}) is Effect.READ


@pytest.mark.parametrize("command", list(TABLE), ids=lambda c: c.id)
def test_a_row_that_deletes_says_that_it_is_gone_afterwards(command: Command) -> None:
    is_removal = command.verb in {"delete", "remove"} and command.worst_effect is Effect.DESTROY
    assert command.removes is is_removal


def test_no_code_compares_a_commands_id_with_a_literal() -> None:
    """What sets a command apart stands in its row: `deed`, `lists`, `begins` and the like."""
    ids = {command.id for command in TABLE if command.group}
    found = [
        f"{path.relative_to(ROOT)}: {part.value}"
        for path in (ROOT / "bot").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        for compared in _compared(node)
        for part in ast.walk(compared)
        if isinstance(part, ast.Constant) and part.value in ids
    ]
    assert found == []


def _compared(node: ast.AST) -> Sequence[ast.AST]:
    match node:
        case ast.Compare() | ast.Set() | ast.MatchValue():
            return [node]
        case ast.Dict():
            return [key for key in node.keys if key is not None]
        case _:
            return []


def test_the_generated_files_are_current() -> None:
    commands = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    assert commands == reference(TABLE, "/dbc")
    kept = json.loads((ROOT / "manifest.json").read_text(encoding="utf-8"))
    assert kept == manifest("/dbc", socket_mode=True)
