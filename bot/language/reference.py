"""The generated reference of all commands (docs/commands.md), in any language that has words."""

import textwrap
from collections.abc import Callable, Iterable
from dataclasses import replace
from gettext import NullTranslations

from bot.language.args import OPTIONS, Option, Parameter
from bot.language.bounds import NO_LIMIT
from bot.language.chinese import GROUPS
from bot.language.help import review_note
from bot.language.kind import Arg
from bot.language.spelling import Spelling
from bot.language.table import Command, Table
from bot.reply import ENGLISH, Language, Line, Span, Text, Words, listed, plain, say, with_commands

_WIDTH = 100
_ABOUT = (
    say("Generated from the command table by `make docs`; do not edit."),
    say(
        "The same line works after `{slash}`, after a mention of the bot, and in a direct message "
        "to it. A missing argument opens a form."
    ),
    say(
        "A name is taken as it is spelled; where nothing is spelled exactly so, case, width, kinds "
        "of dashes and quotes, Chinese punctuation, invisible marks and what stands around it "
        "(`*bold*`, backticks, a full stop) do not matter. Several hits are listed, and nothing "
        "runs. A row that the bot has shown names its thing when it is pasted behind a command. A "
        "verb that only one group has needs no group: `restart train-01`. Other words (`reboot`, "
        "`rm`, `ssh`, in Chinese too) are answered with buttons for what they may mean."
    ),
    say(
        "In the thread of a card, a mention or a direct message that names no machine means the "
        "card's: `restart it`, `logs`. What destroys still asks."
    ),
)
_CHANGING = say("Every command that changes something also takes:")
_READING = say("Every command that only reads also takes:")
_JSON = say(
    "With `--json`, one thing is an object, and a list is an array of objects. Keys are in "
    "snake_case and stay as they are from version to version; new ones may come. Numbers are "
    "numbers, `…_gib` are GiB, `…_at` moments in UTC (ISO 8601). `…_node_time` is what a node's "
    "own clock said, which tells no time zone. Unknown values are `null`. Where a node does not "
    "answer, what was last seen of it has the `problem`; if there is nothing, an object with the "
    "`problem` alone stands for it."
)


def reference(
    table: Table, slash_command: str, words: NullTranslations = ENGLISH, language: Language = "en"
) -> str:
    """docs/commands.md: every command with its usage, arguments, effect and an example."""
    return _Reference(Spelling(table, slash_command).of(language), slash_command, words).of(table)


class _Reference:
    def __init__(
        self, spelled: Callable[[Span], Span], slash_command: str, words: NullTranslations
    ) -> None:
        self._spelled = spelled
        self._slash = slash_command
        self._language = words

    def of(self, table: Table) -> str:
        lines = ["# " + self._told(say("Commands")), ""]
        for about in _ABOUT:
            lines += [*self._paragraph(about.filled(lambda _: self._slash)), ""]
        lines += [self._told(_CHANGING), "", *self._options(o for o in OPTIONS if o.changes), ""]
        lines += [self._told(_READING), "", *self._options(o for o in OPTIONS if not o.changes), ""]
        lines += self._paragraph(_JSON)
        for group in table.groups:
            name = group.name or self._told(say("General"))
            lines += ["", f"## {name}", "", self._told(group.help), ""]
            for command in group.commands:
                lines += self._command(command)
        return "\n".join(lines).rstrip() + "\n"

    def _told(self, words: Words) -> str:
        return plain(with_commands(words, self._typed), self._language)

    def _typed(self, span: Span) -> Span:
        found = self._spelled(span)
        return replace(found, text=f"`{found.text}`") if found.style == "code" else found

    def _paragraph(self, words: Text) -> list[str]:
        return textwrap.wrap(
            self._told(words), _WIDTH, break_long_words=False, break_on_hyphens=False
        )

    def _options(self, options: Iterable[Option]) -> list[str]:
        told = [say("`{usage}`: {hint}.", usage=o.usage, hint=o.arg.hint) for o in options]
        return [f"* {self._told(one)}" for one in told]

    def _command(self, command: Command) -> list[str]:
        lines = [f"### `{command.title}`", "", self._told(command.help), "", "```"]
        lines += [f"{self._slash} {command.usage}", "```", ""]
        if self._language is not ENGLISH:
            lines += self._in_chinese(command)
        if command.parameters:
            argument, meaning = self._told(say("Argument")), self._told(say("Meaning"))
            lines += [f"| {argument} | {meaning} | |", "| --- | --- | --- |"]
            lines += [self._parameter(p) for p in command.parameters]
            lines.append("")
        typed = f"`{self._slash} {command.example}`"
        example = say("Example: {command}", command=typed)
        return [*lines, self._told(example), "", self._told(review_note(command)), ""]

    def _in_chinese(self, command: Command) -> list[str]:
        """The command's words in Chinese, of which each group's first ones are enough to know."""
        verbs = command.in_chinese
        group = next((word for word, name in GROUPS.items() if name == command.group), "")
        typed = [f"`{self._slash} {f'{group} {verb}'.strip()}`" for verb in verbs]
        return [self._told(say("In Chinese: {commands}", commands=listed(typed))), ""] * bool(typed)

    def _parameter(self, parameter: Parameter) -> str:
        arg = parameter.arg
        is_needed = parameter.required and not arg.kind.has_default
        need = self._told(say("required") if is_needed else say("optional"))
        meaning = say("{meaning}.", meaning=self._told(arg.hint or arg.label).rstrip(".。"))
        if arg.kind.is_number and arg.most < NO_LIMIT:
            meaning = say(
                "{meaning} {least} to {most}.", meaning=meaning, least=arg.least, most=arg.most
            )
        if arg.choices:
            meaning = say("{meaning} One of {choices}.", meaning=meaning, choices=_choices(arg))
        return f"| `{parameter.word}` | {self._told(meaning)} | {need} |"


def _choices(arg: Arg) -> Line:
    """What may be typed, each with what forms call it where that is another word."""
    labels = arg.labels or arg.choices
    return listed(
        choice
        if str(label).casefold() == choice
        else say("{word} ({label})", word=choice, label=label)
        for choice, label in zip(arg.choices, labels, strict=True)
    )
