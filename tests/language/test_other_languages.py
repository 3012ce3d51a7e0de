"""Help, forms and the reference of commands in a language that marks all that it was asked for."""

import re
from collections.abc import Iterator
from gettext import NullTranslations
from typing import Any

import pytest

from bot.commands.rows import command_table
from bot.ids import ChannelId
from bot.language import forms
from bot.language.help import Standing, help_reply, not_understood
from bot.language.parse import HelpWanted, NotUnderstood
from bot.language.reference import reference
from bot.language.spelling import Spelling
from bot.language.table import Command
from bot.model import Place
from bot.reply import Form, Reply, with_commands, with_words
from handlers.forms import form_view
from handlers.render import message

TABLE = command_table()
NOBODY = Standing(
    has_session=False, barred=frozenset({"vm.list"}), reviewed=frozenset({"vm.reset"})
)
COMMANDS = pytest.mark.parametrize("command", list(TABLE), ids=lambda c: c.id)


class Marked(NullTranslations):
    """Every template between brackets."""

    def gettext(self, message: str) -> str:
        return f"⟦{message}⟧"

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        return f"⟦{msgid1 if n == 1 else msgid2}⟧"


MARKED = Marked()


def unmarked(text: str) -> str:
    """What no catalogue was asked for: words outside of brackets, code and what people type."""
    text = re.sub(r"`[^`\n]*`|:[a-z_]+:", "", text)
    while (inner := re.sub(r"⟦[^⟦⟧]*⟧", "", text)) != text:
        text = inner
    return " ".join(re.findall(r"[A-Za-z]{2,}", text))


def _texts(shown: Any, key: str = "") -> Iterator[str]:
    """The texts in blocks that people read, but for a choice's own word and what was typed."""
    if isinstance(shown, dict):
        for name, value in shown.items():
            if name not in {"options", "initial_option", "initial_value", "private_metadata"}:
                yield from _texts(value, name)
    elif isinstance(shown, list):
        for value in shown:
            yield from _texts(value, key)
    elif isinstance(shown, str) and key == "text":
        yield shown


def _view(form: Form) -> Any:
    return form_view(with_words(form, MARKED), Place(ChannelId("C1")), MARKED)


@COMMANDS
def test_a_form_is_in_the_readers_language(command: Command) -> None:
    form = forms.form(command, {"reason": "x"}, reasons={"^OPS": True, "^X": False})
    view, whole = _view(form), with_words(form, MARKED)
    # The view cuts a title to Slack's length, and with it the mark of a long one.
    shown = [*_texts(view["blocks"]), str(whole.title), str(whole.submit), *_texts(view["close"])]
    assert [text for text in shown if unmarked(text)] == []
    faults = forms.faults(command, {})
    told = with_words(faults, MARKED)
    assert [text for text in told.values() if unmarked(str(text))] == []


def _told(reply: Reply) -> Reply:
    return with_words(with_commands(reply, Spelling(TABLE, "/dbc").of("en")), MARKED)


@COMMANDS
def test_help_on_a_command_is_in_the_readers_language(command: Command) -> None:
    told = _told(help_reply(TABLE, HelpWanted(command=command), NOBODY))
    names = {p.word for p in command.parameters} | set(command.title.split())
    names |= {word for p in command.parameters for word in p.arg.choices}
    left = " ".join(unmarked(text) for text in _texts(message(told, MARKED).blocks))
    names |= {"reason", "break", "glass", "break_glass", "dry", "run", "filter", "json", "file"}
    assert set(left.split()) - {part for name in names for part in re.split(r"[_-]", name)} == set()


@pytest.mark.parametrize(
    "reply",
    [
        help_reply(TABLE, HelpWanted(), NOBODY),
        help_reply(TABLE, HelpWanted(group="vm"), NOBODY),
        not_understood(NotUnderstood("vm lst", (TABLE["vm.list"],))),
    ],
    ids=["all", "group", "unknown"],
)
def test_help_is_in_the_readers_language(reply: Any) -> None:
    told = _told(reply)
    verbs = {word for c in TABLE for word in c.verb.split("-")}
    names = {c.group for c in TABLE} | verbs | {"vm", "lst"}
    left = " ".join(unmarked(text) for text in _texts(message(told, MARKED).blocks))
    assert set(left.split()) - names == set()


def test_the_reference_is_made_in_any_language() -> None:
    told = reference(TABLE, "/dbc", MARKED)
    prose = re.sub(r"```\n.*?```", "", told, flags=re.DOTALL)
    left = [unmarked(line) for line in prose.split("\n\n") if not line.startswith(("##", "|"))]
    names = {word for c in TABLE for p in c.parameters for word in (p.word, *p.arg.choices)}
    names = {part for name in names for part in re.split(r"[_-]", name)} | {c.group for c in TABLE}
    assert set(" ".join(left).split()) - names == set()
