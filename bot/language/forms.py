"""What follows from the rows: forms, help, the generated reference. Nothing here is per command."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from bot.errors import BotError, Refused
from bot.language.args import (
    BREAK_GLASS,
    NODE_OPTION,
    OPTIONS,
    REASON,
    Parameter,
    option_called,
)
from bot.language.canonical import canonical
from bot.language.kinds import NO_LIMIT, Kind
from bot.language.parse import HelpWanted, NotUnderstood
from bot.language.table import Command, Group, Table
from bot.model import Effect, Submission
from bot.reply import (
    Choice,
    Form,
    FormField,
    Line,
    Note,
    Para,
    Part,
    Reply,
    Text,
    Words,
    bold,
    code,
    emoji,
    italic,
    line,
)
from bot.reply import (
    command as typed,
)
from bot.reviews import patterns

_REVIEWS = {
    Effect.READ: "Reads only.",
    Effect.CHANGE: "Changes something; runs at once.",
    Effect.DISRUPT: "Disrupts; you are asked to confirm.",
    Effect.DESTROY: "Destroys; someone else has to approve, if the site's rules say no other.",
}


@dataclass(frozen=True, slots=True)
class Standing:
    """What a person can run here: commands that are barred for them, or need others' approval."""

    has_session: bool = True
    barred: frozenset[str] = frozenset()
    reviewed: frozenset[str] = frozenset()

    def verb(self, command: Command) -> str:
        """The verb, with a mark where others have to approve."""
        return command.verb + _MARK * (command.id in self.reviewed)

    def open(self, group: Group) -> list[Command]:
        """The commands of a group that are not barred."""
        return [command for command in group.commands if command.id not in self.barred]


_MARK = "*"

# What a form's button says where the verb, with a capital letter, is no word for what it does.
_BUTTONS = {
    "boot": "Set boot device",
    "check": "Try it",
    "list": "Show",
    "logs": "Show",
    "modify": "Change",
    "orders": "Show",
    "passwd": "Set password",
    "power": "Switch power",
    "poweroff": "Power off",
    "progress": "Show",
    "shutdown": "Shut down",
    "sign": "Hand it in",
    "unshare": "Stop sharing",
    "use": "Use this node",
    "vm": "Follow",
    "image": "Follow",
}


def wants_form(command: Command, values: Mapping[str, str]) -> bool:
    """Whether a form should open: something is missing, or nothing but the target was given."""
    if command.missing(values):
        return True
    if not command.form:
        return False
    return not any(p.name in values and not p.arg.kind.is_target for p in command.parameters)


def form(
    command: Command,
    values: Mapping[str, str],
    *,
    present: Mapping[str, str] | None = None,
    note: str = "",
    errors: Mapping[str, Words] | None = None,
    needs_node: bool = False,
    reasons: Mapping[str, bool] = MappingProxyType({}),
) -> Form:
    """The form of a command, filled in with what was given.

    `present` is what the fields' things are like now, `note` a word about that. `needs_node` says
    that no default stands in for a node that is not named, `reasons` which patterns the rules may
    want a reason to match, and whether they surely do.
    """
    deciding = deciders(command)
    fields = [
        replace(
            _field(p, values.get(p.name, ""), (present or {}).get(p.name, "")),
            required=p.required and (needs_node or not p.arg.kind.has_default),
            decides=p in deciding,
        )
        for p in _in_order(command, deciding)
    ]
    is_wanted = bool(reasons) or REASON in values or REASON in (errors or {})
    if is_wanted or command.effect_of(values) >= Effect.DISRUPT:
        needed = reasons if BREAK_GLASS not in values else {}
        fields.append(_reason_field(values.get(REASON, ""), needed))
    shown = {shown.name for shown in fields}
    # What decides is remembered with the form: Slack does not say it where others are searched.
    deciding_names = {p.name for p in deciding}
    kept = {n: text for n, text in values.items() if n not in shown or n in deciding_names}
    machines = {p.name: values[p.name] for p in _machines(command) if p.name in values}
    if NODE_OPTION in kept:
        kept |= machines  # it was said of this machine: where another is chosen, that says where
    if not machines:
        kept.pop(NODE_OPTION, None)
    return Form(
        command=command.id,
        title=command.title,
        submit=_BUTTONS.get(command.verb, command.verb.capitalize()),
        fields=tuple(fields),
        intro=tuple(Note(line(told)) for told in (command.help, note) if told),
        errors=errors or {},
        kept=kept,
    )


def sent(command: Command, submission: Submission) -> dict[str, str]:
    """The texts of a form sent in, without the node of a machine that is no longer the one."""
    values = {name: text for name, text in submission.values.items() if text.strip()}
    chosen = [p.name for p in _machines(command) if NODE_OPTION in submission.given]
    if any(values.get(name) != submission.given.get(name) for name in chosen):
        values.pop(NODE_OPTION, None)
    return values


def _machines(command: Command) -> list[Parameter]:
    return [p for p in command.parameters if p.arg.kind.is_machine]


def deciders(command: Command) -> list[Parameter]:
    """The parameters whose choice changes what other fields of the form offer or show."""
    kinds = {kind for p in command.parameters for kind in p.arg.kind.narrowed_by}
    return [p for p in command.parameters if _decides(command, p.arg.kind, kinds)]


def _decides(command: Command, kind: Kind, narrowing: Collection[Kind]) -> bool:
    return kind in narrowing or (kind.is_machine and command.present is not None)


def _in_order(command: Command, deciding: Sequence[Parameter]) -> list[Parameter]:
    """The parameters as they stand in the form: what decides comes before what it decides."""
    ordered: list[Parameter] = []
    for parameter in command.parameters:
        wanted = parameter.arg.kind.narrowed_by
        ordered += [p for p in deciding if p.arg.kind in wanted and p not in ordered]
        ordered += [parameter] if parameter not in ordered else []
    return ordered


def _reason_field(given: str, reasons: Mapping[str, bool]) -> FormField:
    option = option_called(REASON)
    assert option is not None, "it is one of everyone's options"  # noqa: S101
    initial = Choice(given, given) if given else None
    told = [f"{option.arg.hint}."] + [_explained(one, surely=sure) for one, sure in reasons.items()]
    return FormField(
        REASON,
        option.arg.label,
        "text",
        " ".join(told) if reasons else option.arg.hint,
        required=any(reasons.values()),
        initial=initial,
    )


def _explained(pattern: str, *, surely: bool) -> str:
    """What the rules want of a reason, for who types one."""
    where = "The rules require" if surely else "For some targets the rules require"
    if patterns.is_found(pattern, "x") and patterns.is_found(pattern, "1"):
        return f"{where} one."
    return f"{where} one that matches “{pattern}”."


def _field(parameter: Parameter, given: str, now: str) -> FormField:
    arg = parameter.arg
    given = "" if arg.kind.is_secret else given
    initial = given or ("" if parameter.default in {None, ()} else str(parameter.default))
    is_flag = arg.kind.is_flag  # what it does stands beside its box
    example: Text = f"For example {arg.example}" if arg.example else ""
    hint, example = ("", arg.hint) if is_flag else (arg.hint, example)
    return FormField(
        name=parameter.name,
        label=arg.label,
        kind=arg.kind.field,
        hint=hint,
        placeholder=f"now {now}" if now else example,
        initial=(
            Choice(initial, initial) if initial and not (is_flag and initial == "False") else None
        ),
        choices=tuple(Choice(c, c) for c in arg.choices),
        source=arg.kind.name if arg.kind.is_sought else "",
    )


def faults(command: Command, values: Mapping[str, str]) -> dict[str, Words]:
    """What is wrong with a form's texts, by field; empty when they can be tried."""
    found: dict[str, Words] = {}
    for parameter in command.parameters:
        text = values.get(parameter.name, "")
        if not text:
            if parameter.required and not parameter.arg.kind.has_default:
                found[parameter.name] = f"{parameter.arg.label} is needed."
            continue
        try:
            parameter.arg.read(parameter.name, text)
        except Refused as refusal:
            found[parameter.name] = refusal.sentence
    if not found and command.check is not None:
        try:
            command.check(canonical(command, values))
        except BotError as refusal:
            return fault_of(command, refusal)
    return found


def fault_of(command: Command, refusal: BotError) -> dict[str, Words]:
    """A refusal as the fault of the field that it is about; of none, by an empty name."""
    known = field_of(command, refusal.field) or option_called(refusal.field)
    said = command.spoken(refusal.words)
    told = line(said, " ", refusal.hint) if refusal.hint else said
    return {known.name if known else "": told}


def field_of(command: Command, field: str) -> Parameter | None:
    """The parameter that a refusal's field means; None where it means none."""
    return command.parameter(field.removeprefix("new_")) if field else None


def help_reply(table: Table, wanted: HelpWanted, slash_command: str, standing: Standing) -> Reply:
    """Help on a command, on a group, or on everything."""
    if wanted.command is not None:
        return _command_help(wanted.command, slash_command)
    group = table.group(wanted.group) if wanted.group else None
    if group is not None:
        return _group_help(group, slash_command, standing)
    return _all_help(table, slash_command, standing)


def _command_help(command: Command, slash_command: str) -> Reply:
    parts: list[Part] = [
        Para(line(code(f"{slash_command} {command.usage}"), "\n", command.help)),
    ]
    explained = [p for p in command.parameters if p.arg.hint or p.arg.kind.is_number]
    if explained:
        parts.append(Para(_joined([_explain(p) for p in explained])))
    parts.append(Note(line("Example: ", code(f"{slash_command} {command.example}"))))
    parts.append(Note(line(_review_note(command), " Also: ", _everyones(command))))
    return Reply(f"{command.title}: {command.help}", tuple(parts), private=True)


def _review_note(command: Command) -> str:
    """What comes of it; by the words that decide it, where some do."""
    plain = command.effect_of({})
    by_effect: dict[Effect, list[str]] = {}
    is_always_said = False
    for p in command.parameters:
        effects = {text: command.effect_of({p.name: text}) for text in p.arg.choices or ("true",)}
        if set(effects.values()) == {plain}:
            continue
        is_always_said = is_always_said or (p.required and bool(p.arg.choices))
        for text, effect in effects.items():
            by_effect.setdefault(effect, []).append(text if p.arg.choices else p.word)
    told = [] if is_always_said else [_REVIEWS[plain]]
    for effect, words in sorted(by_effect.items()):
        told.append(f"With {', '.join(words)}: {_REVIEWS[effect].lower()}")
    return " ".join(told)


def _explain(parameter: Parameter) -> Line:
    arg = parameter.arg
    bounds = f" ({arg.least} to {arg.most})" if arg.kind.is_number and arg.most < NO_LIMIT else ""
    return line("• ", bold(parameter.word), f": {arg.hint or arg.label}{bounds}")


def _everyones(command: Command) -> str:
    """The options that the command shares with all of its kind."""
    changes = command.worst_effect is not Effect.READ
    return " · ".join(option.usage for option in OPTIONS if option.fits(changes=changes))


def _group_help(group: Group, slash_command: str, standing: Standing) -> Reply:
    rows = []
    for command in standing.open(group):
        marked = " (needs approval)" * (command.id in standing.reviewed)
        rows.append(line(code(f"{slash_command} {command.usage}"), f"\n{command.help}{marked}"))
    head = line(bold(group.name), f": {group.help}")
    return Reply(
        f"{group.name}: {group.help}",
        (Para(head), Para(_joined(rows)), *_reservations([group], standing)),
        private=True,
    )


def _reservations(groups: Sequence[Group], standing: Standing) -> list[Part]:
    """What stands in the way of some of these commands."""
    notes: list[Part] = []
    closed = [f"“{name}”" for group in groups for name in _needing_session(group)]
    if closed and not standing.has_session:
        need = "needs" if len(closed) == 1 else "need"
        what = f"{', '.join(closed)} {need} a session for a node, and you have none here: "
        notes.append(Note(line(emoji("warning"), " ", what, typed("session add"))))
    hidden = sum(len(group.commands) - len(standing.open(group)) for group in groups)
    if hidden:
        count = "1 command is" if hidden == 1 else f"{hidden} commands are"
        notes.append(Note(line(f"{count} not for you here, by the site's rules.")))
    return notes


def _needing_session(group: Group) -> list[str]:
    if group.needs_session:
        return [group.name]
    return [command.title for command in group.commands if command.needs_session]


def _all_help(table: Table, slash_command: str, standing: Standing) -> Reply:
    parts: list[Part] = [Para(line(bold("Run your GPU machines from here."), " What there is:"))]
    for group in table.groups:
        verbs = " · ".join(standing.verb(command) for command in standing.open(group))
        parts.append(Para(line(bold(group.name or "more"), f": {group.help}\n", italic(verbs))))
    parts.extend(_reservations(table.groups, standing))
    if standing.reviewed:
        parts.append(Note(line(f"{_MARK} needs somebody else's approval.")))
    parts.append(
        Note(
            line(
                code(f"{slash_command} vm help"), " explains a group, ",
                code(f"{slash_command} vm restart help"), " one command. ",
                "In a thread, mention me instead of typing the slash command.",
            )
        )
    )  # fmt: skip
    return Reply("What I can do", tuple(parts), private=True)


def not_understood(typed: NotUnderstood, slash_command: str) -> Reply:
    """What was typed is no command: the nearest ones and how to use them."""
    parts: list[Part] = [Para(line(f"There is no command “{typed.typed}”."))]
    if typed.nearest:
        rows = [line(code(f"{slash_command} {c.usage}"), f"\n{c.help}") for c in typed.nearest]
        parts.append(Para(line("Did you mean\n", _joined(rows))))
    parts.append(Note(line("All commands: ", code(f"{slash_command} help"))))
    return Reply(f"There is no command “{typed.typed}”.", tuple(parts), private=True)


def _joined(lines: Sequence[Line]) -> Line:
    joined: list[Line | str] = []
    for position, one in enumerate(lines):
        joined.extend(["\n", one] if position else [one])
    return line(*joined)


_JSON = (
    "With `--json`, one thing is an object, and a list is an array of objects. Keys are in",
    "snake_case and stay as they are from version to version; new ones may come. Numbers are",
    "numbers, `…_gib` are GiB, `…_at` moments in UTC (ISO 8601). `…_node_time` is what a node's",
    "own clock said, which tells no time zone. What is not known is `null`. Where a node does not",
    "answer, what was last seen of it has the `problem`; if there is nothing, an object with the",
    "`problem` alone stands for it.",
)


def reference(table: Table, slash_command: str) -> str:
    """docs/commands.md: every command with its usage, arguments, effect and an example."""
    lines = [
        "# Commands",
        "",
        "Generated from the command table by `make docs`; do not edit.",
        "",
        f"The same line works after `{slash_command}`, after a mention of the bot, and in a direct",
        "message to it. A missing argument opens a form.",
        "",
        "A name is taken as it is called; where nothing is called exactly so, case, width, kinds",
        "of dashes and quotes, Chinese punctuation, invisible marks and what stands around it",
        "(`*bold*`, backticks, a full stop) do not matter. Several hits are listed, and nothing",
        "runs. A row that the bot has shown names its thing when it is pasted behind a command. A",
        "verb that only one group has needs no group: `restart train-01`. Other words",
        "(`reboot`, `rm`, `ssh`, in Chinese too) are answered with buttons for what they may mean.",
        "",
        "Every command that changes something also takes:",
        "",
        *(f"* `{o.usage}`: {o.arg.hint}." for o in OPTIONS if o.changes),
        "",
        "Every command that only reads also takes:",
        "",
        *(f"* `{o.usage}`: {o.arg.hint}." for o in OPTIONS if not o.changes),
        "",
        *_JSON,
    ]
    for group in table.groups:
        lines += ["", f"## {group.name or 'General'}", "", str(group.help), ""]
        for command in group.commands:
            lines += _reference_of(command, slash_command)
    return "\n".join(lines).rstrip() + "\n"


def _reference_of(command: Command, slash_command: str) -> list[str]:
    lines = [f"### `{command.title}`", "", command.help, "", "```"]
    lines += [f"{slash_command} {command.usage}", "```", ""]
    if command.parameters:
        lines += ["| Argument | Meaning | |", "| --- | --- | --- |"]
        for p in command.parameters:
            need = "needed" if p.required and not p.arg.kind.has_default else "optional"
            bounds = (
                f" {p.arg.least} to {p.arg.most}."
                if p.arg.kind.is_number and p.arg.most < NO_LIMIT
                else ""
            )
            choices = f" One of {', '.join(p.arg.choices)}." if p.arg.choices else ""
            meaning = f"{p.arg.hint or p.arg.label}".rstrip(".") + f".{bounds}{choices}"
            lines.append(f"| `{p.word}` | {meaning} | {need} |")
        lines.append("")
    lines += [f"Example: `{slash_command} {command.example}`", "", _review_note(command), ""]
    return lines
