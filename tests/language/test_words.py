"""One word for one thing: in usage lines, argument lists, examples and forms."""

import re

import pytest

from bot.commands.rows import command_table
from bot.language import forms
from bot.language.args import NODE_OPTION, Parameter
from bot.language.parse import Parsed, parse
from bot.language.reference import reference
from bot.language.table import Command
from bot.language.text import option_name, words

TABLE = command_table()
ROWS = pytest.mark.parametrize("command", list(TABLE), ids=lambda c: c.id)
ARGUMENTS = pytest.mark.parametrize(
    ("command", "parameter"),
    [pytest.param(c, p, id=f"{c.id}-{p.name}") for c in TABLE for p in c.parameters],
)


@ROWS
def test_an_example_can_be_carried_out_or_opens_a_form(command: Command) -> None:
    if command.id == "help":
        return
    found = parse(TABLE, command.example)
    assert isinstance(found, Parsed)
    assert forms.wants_form(command, found.values) or forms.faults(command, found.values) == {}


@ROWS
def test_an_example_has_no_word_that_the_usage_does_not_show(command: Command) -> None:
    shown = set(re.findall(r"[\w]+", command.usage))
    example = words(command.example.removeprefix(command.title))
    keys = {word.partition("=")[0] for word in example if re.match(r"\w+=\S", word)}
    flags = {p.word for p in command.parameters if p.arg.kind.is_flag}
    assert keys <= shown
    assert {word for word in example if (option_name(word) or word) in flags} <= shown
    assert (NODE_OPTION in example) <= (NODE_OPTION in shown)
    assert ("with" in example) <= ("with" in shown)


@ARGUMENTS
def test_an_argument_is_called_the_same_everywhere(command: Command, parameter: Parameter) -> None:
    if not parameter.arg.kind.is_secret and not parameter.arg.kind.is_choice:
        assert parameter.word in re.findall(r"[\w]+", command.usage)
    assert command.parameter(parameter.word) is parameter
    assert f"| `{parameter.word}` |" in reference(TABLE, "/dbc")
    if parameter.arg.kind.is_secret:  # never typed
        return
    label = re.findall(r"[a-z0-9]+", str(parameter.arg.label).lower())
    for part in parameter.word.split("_"):
        assert any(word.startswith(part) for word in label), parameter.arg.label


@ARGUMENTS
def test_a_choice_is_shown_by_its_words(command: Command, parameter: Parameter) -> None:
    if parameter.arg.kind.is_choice:
        assert "|".join(parameter.arg.choices) in command.usage
