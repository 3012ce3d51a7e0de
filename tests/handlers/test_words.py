"""Phrases of the catalogue: put into a language when they are shown, whole when they are kept."""

from gettext import NullTranslations

from bot.commands.rows import command_table
from bot.errors import Refused, from_error
from bot.ids import UserId
from bot.language.spelling import Spelling
from bot.reply import (
    ENGLISH,
    Actions,
    Button,
    Fields,
    Heading,
    Para,
    Phrase,
    Reply,
    Row,
    Rows,
    bold,
    command,
    dump,
    line,
    load,
    mention,
    mentioned,
    plain,
    say,
    say_number,
    with_commands,
    with_words,
)
from handlers import render


class Spanish(NullTranslations):
    """A language with another order of words and other plurals."""

    def gettext(self, message: str) -> str:
        """The Spanish for a template."""
        return {
            "{user} restarts {machine}.": "{machine}: {user} la reinicia.",
            "Restart": "Reiniciar",
            "State": "Estado",
            "Machines": "Máquinas",
            "It runs on {node}.": "Está en {node}.",
        }.get(message, message)

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:  # noqa: ARG002 - gettext's
        """The Spanish for a template that depends on a number."""
        return "{number} máquina" if n == 1 else "{number} máquinas"


SPANISH = Spanish()
TOLD = say("{user} restarts {machine}.", user=mention(UserId("U1")), machine=bold("a *b*"))


def test_what_is_filled_in_moves_with_the_language() -> None:
    assert plain(TOLD) == "@U1 restarts a *b*."
    assert plain(TOLD, SPANISH) == "a *b*: @U1 la reinicia."


def test_what_people_wrote_is_never_taken_for_a_template() -> None:
    assert plain(say("It runs on {node}.", node="{user} %s {0}")) == "It runs on {user} %s {0}."
    shown = render.message(Reply.of(say("It runs on {node}.", node="<!channel>")))
    assert shown.blocks[0]["text"]["text"] == "It runs on &lt;!channel&gt;."


def test_numbers_take_their_form_in_every_language() -> None:
    assert [plain(say_number("{number} machine", "{number} machines", n)) for n in (0, 1, 2)] == [
        "0 machines", "1 machine", "2 machines",
    ]  # fmt: skip
    few = say_number("{number} machine", "{number} machines", 3)
    assert plain(line(say("It runs on {node}.", node=few)), SPANISH) == "Está en 3 máquinas."


def test_a_reply_is_put_into_a_language_wherever_its_words_stand() -> None:
    reply = Reply(
        line("→ ", TOLD),
        (
            Heading(say("Machines")),
            Para(line(TOLD, " ", command("vm list"))),
            Fields(((say("State"), line(say("It runs on {node}.", node="g"))), ("Id", ("x",)))),
            Rows((Row(line(TOLD), {"machine": "a"}),)),
            Actions((Button(say("Restart"), "vm.restart", "id"),)),
        ),
    )
    assert load(dump(reply)) == reply
    assert mentioned(reply) == {"U1"}
    told = with_words(with_commands(reply, Spelling(command_table(), "/gpu").of("en")), SPANISH)
    assert not _phrases(told)
    text = str(told)
    for word in ("Reiniciar", "Estado", "Máquinas", "la reinicia", "/gpu vm list", "Está en g."):
        assert word in text
    assert with_words(told, ENGLISH) is told  # nothing left to do


def test_a_failure_is_kept_in_english_and_shown_in_the_language() -> None:
    error = Refused(say("It runs on {node}.", node="gpu1"), hint=say("State"))
    assert str(error) == error.sentence == "It runs on gpu1."
    assert "Está en gpu1." in str(with_words(from_error(error), SPANISH))


def _phrases(value: object) -> bool:
    return Phrase.__name__ + "(" in repr(value)
