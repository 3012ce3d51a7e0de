"""Words of a line that its command does not know. Pure."""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches

from bot.errors import Refused
from bot.folding import plain
from bot.language.args import NODE_OPTION, Parameter
from bot.language.kinds import PERSON
from bot.language.secret_like import masked
from bot.language.table import Command
from bot.reply import Phrase, Text, argument, say, sentences
from bot.reply import command as to_type

_ALIKE = 0.7  # of a flag and its typo, as difflib counts


class Unclear(Refused):
    """A word that a command does not know. `fit` is what the rest of the line says to it.

    `line` are all its words, `behind` those after the command.
    """

    behind: tuple[str, ...] = ()
    line: tuple[str, ...] = ()

    def __init__(self, command: Command, word: str, sentence: Text) -> None:
        like = _flag_like(command, word)
        meant: Text = ""
        if like is not None:
            meant = say("Did you mean {names}?", names=argument(command.id, like.word))
        elif any(p.arg.kind is PERSON for p in command.parameters):
            meant = say("Type {sign} and choose from what Slack offers.", sign="@")
        super().__init__(sentence, hint=sentences((meant, _usage(command))))
        self.command = command
        self.word = word
        self.fit: Mapping[str, str] = {}
        self.like = {} if like is None else {like.name: "true"}


class Twice(Refused):
    """One parameter with two values; behind a reason the second one may be a word of it."""

    def __init__(self, name: str, called: str, first: str, second: str) -> None:
        told = say(
            "“{name}” was given twice: “{first}” and “{second}”.",
            name=called, first=first, second=second,
        )  # fmt: skip
        super().__init__(told, field=name)


class Surplus(Unclear):
    """A word too many. `bare` are all words that stand without a `key=`, `values` the others."""

    def __init__(
        self,
        command: Command,
        word: str,
        bare: Sequence[str],
        values: Mapping[str, str],
        sentence: Text = "",
    ) -> None:
        unknown = say(
            "I don't know what “{word}” means for {command}.",
            word=word, command=to_type(command.title),
        )  # fmt: skip
        super().__init__(command, word, sentence or unknown)
        if command.on_node and plain(word) == NODE_OPTION and len(bare) > 1:
            typed = to_type(f"{command.on_node} {NODE_OPTION} {bare[-1]}")
            self.hint = sentences((say("Did you mean {command}?", command=typed), self.hint))
        self.bare = tuple(bare)
        self.values = dict(values)


class Several(Unclear):
    """A value that means several things, of a command that changes one of them."""

    def __init__(self, command: Command, parameter: Parameter, word: str) -> None:
        label = parameter.arg.label
        told = say("{label} takes one name, not “{word}”.", label=label, word=word)
        super().__init__(command, word, told)
        self.hint = say("Choose one, or put “{word}” in quotes if that is its name.", word=word)
        self.like = {}


class Doubtful(Unclear):
    """A word behind a reason that may be no part of it. `values` are those with it as one."""

    def __init__(self, command: Command, word: str, values: Mapping[str, str]) -> None:
        told = say("It is not clear whether “{word}” is a part of the reason.", word=masked(word))
        super().__init__(command, word, told)
        self.hint = (say("Say it before the reason, or put the reason in quotes."),)
        self.values = dict(values)
        self.like = {}


def unknown_option(command: Command, option: str) -> Unclear:
    """`option` is without its value, which may be a secret."""
    typed = to_type(command.title)
    told = say("{command} has no option “{option}”.", command=typed, option=option)
    if secret_of(command):
        told = say("{command} has no such option.", command=typed)
    return Unclear(command, option, told)


def _flag_like(command: Command, word: str) -> Parameter | None:
    """The flag that a word is most likely meant for: `forc`, `-f`."""
    flags = {p.word: p for p in command.parameters if p.arg.kind.is_flag}
    short = plain(word).lstrip("-")
    if plain(word).startswith("-") and len(short) == 1:
        found = [name for name in flags if name.startswith(short)]
        return flags[found[0]] if len(found) == 1 else None
    close = get_close_matches(short, flags, n=1, cutoff=_ALIKE)
    return flags[close[0]] if close else None


def _usage(command: Command) -> Phrase:
    return say("Usage: {usage}", usage=to_type(command.usage))


def secret_of(command: Command) -> Parameter | None:
    """The argument of a command that is a secret; None where there is none."""
    return next((p for p in command.parameters if p.arg.kind.is_secret), None)
