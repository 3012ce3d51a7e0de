"""Help as it follows from the rows: on everything, on a group, on a command."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.language.args import BREAK_GLASS, OPTIONS, Parameter
from bot.language.bounds import NO_LIMIT
from bot.language.parse import HelpWanted, NotUnderstood
from bot.language.table import Command, Group, Table
from bot.model import Effect
from bot.reply import (
    Line,
    Note,
    Para,
    Part,
    Phrase,
    Reply,
    Span,
    Text,
    all_of,
    argument,
    bold,
    emoji,
    line,
    listed,
    say,
    say_number,
    sentences,
    verb,
    with_mentions,
)
from bot.reply import (
    command as typed,
)
from bot.reply import (
    group as group_called,
)

_REVIEWS = {
    Effect.READ: say("Reads only."),
    Effect.CHANGE: say("Changes something; runs at once."),
    Effect.DISRUPT: say("Disruptive: you are asked to confirm."),
    Effect.DESTROY: say("Destructive: by default someone else must approve."),
}
# The same of a command that is given certain words.
_WITH = {
    Effect.READ: say("With {words}, it only reads."),
    Effect.CHANGE: say("With {words}, it changes something and runs at once."),
    Effect.DISRUPT: say("With {words}, it is disruptive: you are asked to confirm."),
    Effect.DESTROY: say("With {words}, it is destructive: by default someone else must approve."),
}
_MARK = "*"
_FEW = 2  # commands of which the usage is told though their names are unknown


@dataclass(frozen=True, slots=True)
class Standing:
    """What a person can run here: commands that are barred for them, or need others' approval.

    `unnamed`: those that are for people whom the rules name, and they do not name this one.
    `breaks_glass`: whether they name them for any change that waits for approval.
    """

    has_session: bool = True
    barred: frozenset[str] = frozenset()
    reviewed: frozenset[str] = frozenset()
    unnamed: frozenset[str] = frozenset()
    breaks_glass: bool = True

    def verb(self, command: Command) -> Span:
        """The verb, with a mark where others have to approve."""
        return verb(command.id, _MARK * (command.id in self.reviewed))

    def open(self, group: Group) -> list[Command]:
        """The commands of a group that they may run."""
        closed = self.barred | self.unnamed
        return [command for command in group.commands if command.id not in closed]


def help_reply(table: Table, wanted: HelpWanted, standing: Standing) -> Reply:
    """Help on a command, on a group, or on everything."""
    if wanted.command is not None:
        return _command_help(wanted.command, standing)
    group = table.group(wanted.group) if wanted.group else None
    if group is not None:
        return _group_help(group, standing)
    return _all_help(table, standing)


def _command_help(command: Command, standing: Standing) -> Reply:
    parts: list[Part] = [Para(line(typed(command.usage), "\n", command.help))]
    explained = [p for p in command.parameters if p.arg.hint or p.arg.kind.is_number]
    if explained:
        parts.append(Para(_below_each_other([_explain(command, p) for p in explained])))
    example = say("Example: {command}", command=typed(command.example))
    parts.append(Note(line(example)))
    also = say("Also: {options}", options=_everyones(command, standing))
    parts.append(Note(line(review_note(command), " ", also)))
    if command.id in standing.unnamed:
        parts.append(Note(line(say("This is for those alone whom the rules name."))))
    summary = say("{command}: {help}", command=typed(command.title), help=command.help)
    return Reply(summary, tuple(parts), private=True)


def review_note(command: Command) -> Line:
    """What comes of it; by the words that decide it, where some do."""
    plain = command.effect_of({})
    by_effect: dict[Effect, list[Span]] = {}
    is_always_said = False
    for p in command.parameters:
        effects = {text: command.effect_of({p.name: text}) for text in p.arg.choices or ("true",)}
        if set(effects.values()) == {plain}:
            continue
        is_always_said = is_always_said or (p.required and bool(p.arg.choices))
        for text, effect in effects.items():
            by_effect.setdefault(effect, []).append(
                argument(command.id, text if p.arg.choices else p.word)
            )
    told: list[Phrase] = [] if is_always_said else [_REVIEWS[plain]]
    for effect, words in sorted(by_effect.items()):
        told.append(
            _WITH[effect].filled({"words": listed(line(word) for word in words)}.__getitem__)
        )
    return line(*(piece for one in told for piece in (" ", one)))[1:]


def _explain(command: Command, parameter: Parameter) -> Line:
    arg = parameter.arg
    meant: Text = arg.hint or arg.label
    if arg.kind.is_number and arg.most < NO_LIMIT:
        meant = say("{meant} ({least} to {most})", meant=meant, least=arg.least, most=arg.most)
    return line(say("• {word}: {meant}", word=argument(command.id, parameter.word), meant=meant))


def _everyones(command: Command, standing: Standing) -> Line:
    """The options that the command shares with all of its kind."""
    changes = command.worst_effect is not Effect.READ
    fitting = [one for one in OPTIONS if one.fits(changes=changes)]
    if not standing.breaks_glass:
        fitting = [one for one in fitting if one.name != BREAK_GLASS]
    own = [argument(command.id, one.usage) for one in fitting]
    return line(*(piece for one in own for piece in (" · ", one)))[1:]


def _group_help(group: Group, standing: Standing) -> Reply:
    rows = []
    for command in standing.open(group):
        told = command.help
        if command.id in standing.reviewed:
            told = say("{help} (needs approval)", help=told)
        rows.append(line(typed(command.usage), "\n", told))
    head = say("{group}: {help}", group=group_called(group.name), help=group.help)
    return Reply(
        line(head),
        (Para(line(head)), Para(_below_each_other(rows)), *_reservations([group], standing)),
        private=True,
    )


def _reservations(groups: Sequence[Group], standing: Standing) -> list[Part]:
    """What stands in the way of some of these commands."""
    notes: list[Part] = []
    closed = [name for group in groups for name in _needing_session(group)]
    if closed and not standing.has_session:
        told = say_number(
            "{names} needs a session for a node. You have none here; add one: {command}, or ask a "
            "colleague for access: {ask}",
            "{names} need a session for a node. You have none here; add one: {command}, or ask a "
            "colleague for access: {ask}",
            len(closed),
            names=listed(map(line, closed)),
            command=typed("session add"),
            ask=typed("session ask"),
        )
        notes.append(Note(line(emoji("warning"), " ", told)))
    hidden = sum(command.id in standing.barred for group in groups for command in group.commands)
    if hidden:
        told = say_number(
            "The site's rules deny you {number} more command here.",
            "The site's rules deny you {number} more commands here.",
            hidden,
        )
        notes.append(Note(line(told)))
    return notes


def _needing_session(group: Group) -> list[Span]:
    if group.needs_session:
        return [group_called(group.name)]
    return [typed(command.title) for command in group.commands if command.needs_session]


def _all_help(table: Table, standing: Standing) -> Reply:
    head = say("{what} Commands:", what=bold(say("Manage your GPU machines.")))
    parts: list[Part] = [Para(line(head))]
    for group in table.groups:
        verbs = [piece for c in standing.open(group) for piece in (" · ", standing.verb(c))]
        name = group_called(group.name) if group.name else bold(say("more"))
        told = say("{group}: {help}", group=name, help=group.help)
        parts.append(Para(line(told, "\n", *verbs[1:])))
    parts.extend(_reservations(table.groups, standing))
    if standing.reviewed:
        parts.append(Note(line(say("{mark} needs someone else's approval.", mark=_MARK))))
    more = say(
        "{group} explains a group, {command} a command. In a thread, mention me instead of typing "
        "the slash command.",
        group=typed("vm help"),
        command=typed("vm restart help"),
    )
    parts.append(Note(line(more)))
    return Reply(say("Commands"), tuple(parts), private=True)


def not_understood(meant: NotUnderstood) -> Reply:
    """What was typed is no command: the nearest ones and how to use them."""
    unknown = _unknown(meant)
    parts: list[Part] = [Para(unknown)]
    if shown := _to_type(meant):
        rows = [line(typed(c.usage), "\n", c.help) for c in shown]
        parts.append(Para(_below_each_other([line(say("Did you mean")), *rows])))
    parts.append(Note(line(say("All commands: {command}", command=typed("help")))))
    return Reply(unknown, tuple(parts), private=True)


def _to_type(meant: NotUnderstood) -> Sequence[Command]:
    """The commands whose usage is told: also of “restrat nosuch”, with a name that nobody knows."""
    if meant.is_refused or meant.is_later or meant.about or meant.several:
        return ()
    if meant.is_partial:
        return meant.alike if meant.typed or len(meant.alike) <= _FEW else ()
    return meant.nearest


def _unknown(meant: NotUnderstood) -> Line:
    """Why nothing was done; only what looks like a command is repeated, without its commas."""
    if meant.several:
        names = all_of(line(bold(one)) for one in meant.several)
        told = say("Your line names {names}. Type what you want with one of them.", names=names)
        not_to = say("It also says what not to do.")
        return sentences((told, not_to)) if meant.is_refused else line(told)
    if meant.is_refused:
        return line(say("Nothing was done: your line says not to."))
    if meant.is_later:
        return line(say("I do nothing later or on a condition: what you choose is done now."))
    if meant.is_partial and meant.about:
        asks = say("I did not understand all of this. What do you want with {name}?")
        return line(asks.filled({"name": bold(meant.about)}.__getitem__))
    if meant.typed:
        return with_mentions(say("There is no command “{typed}”.", typed=meant.typed))
    return line(say("I did not understand that as a command."))


def _below_each_other(lines: Sequence[Line]) -> Line:
    return line(*(piece for one in lines for piece in ("\n", one)))[1:]
