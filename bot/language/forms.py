"""Forms as they follow from the rows. Nothing here is per command."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from bot.errors import BotError, Faults, Refused, certain
from bot.folding import fold
from bot.language.args import BREAK_GLASS, NODE_OPTION, REASON, Parameter, option_called
from bot.language.canonical import canonical, options_of
from bot.language.chinese import NONE
from bot.language.kind import Kind
from bot.language.row_parts import said
from bot.language.table import Command
from bot.messages.access_cards import ASK
from bot.messages.ways import OPEN_FORM
from bot.model import Effect, Submission
from bot.reply import (
    Button,
    Choice,
    FieldKind,
    Form,
    FormField,
    Note,
    Text,
    Words,
    as_phrase,
    line,
    say,
)
from bot.reviews import patterns

# What a form's button does, where a verb says that in any group; else the row does (`button`).
_BUTTONS: Mapping[str, Text] = {
    "add": say("Add"),
    "ask": say("Ask"),
    "channel-digest-hour": say("Save"),
    "channel-language": say("Save"),
    "channel-notifications": say("Save"),
    "channel-quiet-hours": say("Save"),
    "check": say("Check"),
    "cost": say("Show"),
    "create": say("Create"),
    "delete": say("Delete"),
    "digest-hour": say("Save"),
    "doctor": say("Show"),
    "download": say("Download"),
    "export": say("Export"),
    "freeze": say("Freeze"),
    "help": say("Show"),
    "language": say("Save"),
    "list": say("Show"),
    "logs": say("Show"),
    "modify": say("Change"),
    "name": say("Set nickname"),
    "notifications": say("Save"),
    "poweroff": say("Power off"),
    "progress": say("Show"),
    "quiet-hours": say("Save"),
    "remove": say("Remove"),
    "request": say("Request"),
    "rescue": say("Show"),
    "reset": say("Reset"),
    "restart": say("Restart"),
    "servers": say("Show"),
    "share": say("Share"),
    "show": say("Show"),
    "shutdown": say("Shut down"),
    "start": say("Start"),
    "stop": say("Stop"),
    "unfreeze": say("Lift the freeze"),
    "unwatch": say("Stop watching"),
    "upload": say("Upload"),
    "watch": say("Watch the wallet"),
    "whoami": say("Show"),
}
# Kept by a form that shows what a machine is like: which one. No parameter is called so.
_SHOWN = "machine shown"
_RUN, _RUN_A_COMMAND = say("Run"), say("Run a command")


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
    note: Text = "",
    errors: Mapping[str, Words] | None = None,
    needs_node: bool = False,
    reasons: Mapping[str, bool] = MappingProxyType({}),
    shown: str = "",
) -> Form:
    """The form of a command, filled in with what was given.

    `present` is what the fields' things are like now, `note` a word about that, `shown` the id of
    the machine that is so: it is the one that is meant, whatever is called so later. `needs_node`
    says that no default stands in for a node that is not named, `reasons` which patterns the rules
    may want a reason to match, and whether they surely do.
    """
    fields = _fields(command, values, present or {}, needs_node=needs_node)
    is_wanted = bool(reasons) or REASON in values or REASON in (errors or {})
    if is_wanted or command.effect_of(values) >= Effect.DISRUPT:
        needed = reasons if BREAK_GLASS not in values else {}
        fields.append(_reason_field(values.get(REASON, ""), needed))
    return Form(
        command=command.id,
        title=said(command.does, {}) or _RUN_A_COMMAND,
        submit=command.button or _BUTTONS.get(command.verb, _RUN),
        fields=tuple(fields),
        intro=tuple(Note(line(told)) for told in (command.help, note) if told),
        errors=errors or {},
        kept=_kept(command, values, {one.name for one in fields}, shown),
    )


def _fields(
    command: Command, values: Mapping[str, str], present: Mapping[str, str], *, needs_node: bool
) -> list[FormField]:
    deciding = deciders(command)
    return [
        replace(
            _field(p, values.get(p.name, ""), present.get(p.name, "")),
            required=p.required
            and not command.has_instead(p.name)
            and (needs_node or not p.arg.kind.has_default),
            decides=p in deciding,
        )
        for p in _in_order(command, deciding)
        if not p.arg.pressed
    ]


def _kept(
    command: Command, values: Mapping[str, str], asked: Collection[str], shown: str
) -> dict[str, str]:
    """What is remembered with a form beside what its fields hold, which are `asked`."""
    # What decides, too: Slack does not say it where others are searched.
    deciding = {p.name for p in deciders(command)}
    unasked = {*asked, _SHOWN, *(p.name for p in command.parameters if p.arg.pressed)}
    kept = {n: text for n, text in values.items() if n not in unasked or n in deciding}
    machines = {p.name: values[p.name] for p in _machines(command) if p.name in values}
    if NODE_OPTION in kept:
        kept |= machines  # it was said of this machine: where another is chosen, that says where
    if not machines:
        kept.pop(NODE_OPTION, None)
    return {**kept, **machines, _SHOWN: shown} if shown else kept


def sent(command: Command, submission: Submission) -> dict[str, str]:
    """The texts of a form sent in, without the node of a machine that is no longer the one.

    Where the name of a machine is as it was, the one is meant that the form has shown.
    """
    values = {name: text for name, text in submission.values.items() if text.strip()}
    if shown := values.pop(_SHOWN, ""):
        for name in (p.name for p in _machines(command)):
            if name in values and values[name] == submission.given.get(name):
                return {**values, name: shown}
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
    option = certain(option_called(REASON), "it is one of everyone's options")
    initial = Choice(given, given) if given else None
    told = [_explained(one, surely=sure) for one, sure in reasons.items()]
    hint = option.arg.hint
    for one in told:
        hint = say("{hint}. {more}", hint=hint, more=one)
    return FormField(
        REASON,
        option.arg.label,
        FieldKind.TEXT,
        hint,
        required=any(reasons.values()),
        initial=initial,
    )


def _explained(pattern: str, *, surely: bool) -> Text:
    """What the rules want of a reason, for who types one."""
    if patterns.is_found(pattern, "x") and patterns.is_found(pattern, "1"):
        if surely:
            return say("The rules require one.")
        return say("For some targets, the rules require one.")
    if surely:
        return say("The rules require one that matches “{pattern}”.", pattern=pattern)
    return say("For some targets, the rules require one that matches “{pattern}”.", pattern=pattern)


def _field(parameter: Parameter, given: str, now: str) -> FormField:
    arg = parameter.arg
    given = "" if arg.kind.is_secret else given
    initial = given or ("" if parameter.default in {None, ()} else str(parameter.default))
    is_flag = arg.kind.is_flag  # what it does stands beside its box
    shown = "" if arg.choices or arg.kind.is_menu else arg.example
    example: Text = say("For example {example}", example=shown) if shown else ""
    hint, example = ("", arg.hint) if is_flag else (arg.hint, example)
    return FormField(
        name=parameter.name,
        label=arg.label,
        kind=arg.kind.field,
        hint=hint,
        placeholder=_present(now) if now else example,
        initial=(
            Choice(initial, initial) if initial and not (is_flag and initial == "False") else None
        ),
        choices=tuple(map(Choice, arg.labels or arg.choices, arg.choices)),
        source=arg.kind.name if arg.kind.is_sought else "",
        rare=arg.rare and not given,
    )


def faults(command: Command, values: Mapping[str, str]) -> dict[str, Words]:
    """What is wrong with a form's texts, by field; empty when they can be tried."""
    found: dict[str, Words] = {
        p.name: say("{label} is required.", label=p.arg.label) for p in command.missing(values)
    }
    for parameter in command.parameters:
        text = values.get(parameter.name, "")
        if not text:
            continue
        try:
            parameter.arg.read(parameter.name, text)
        except Refused as refusal:
            found[parameter.name] = refusal.words
    for option in options_of(command):
        if not values.get(option.name):
            continue
        try:
            option.arg.read(option.name, values[option.name])
        except Refused as refusal:
            found[option.name] = refusal.words
    sound = {name: text for name, text in values.items() if name not in found}
    together = _faults_together(command, sound)
    if any(values[name] for name in values.keys() - sound.keys()):
        together.pop("", None)  # “nothing to change”, as far as it can be read
    return {**together, **found}


def _faults_together(command: Command, sound: Mapping[str, str]) -> dict[str, Words]:
    """What the command's own check has against texts that are sound by themselves.

    What is missing, or faulty by itself, hides nothing that is wrong with the others.
    """
    lent = {p.name: p.arg.example for p in command.missing(sound)}
    if command.check is None or not all(lent.values()):
        return {}
    try:
        command.check(canonical(command, {**lent, **sound}))
    except BotError as refusal:
        told = fault_of(command, refusal)
        return {name: one for name, one in told.items() if name not in lent}
    return {}


def _present(now: str) -> Text:
    return say("none at present") if fold(now) in NONE else say("now {value}", value=now)


def with_others(
    command: Command, values: Mapping[str, str], refusal: BotError
) -> Sequence[BotError]:
    """A refusal of a line's texts, one by one, with all else that is wrong with them."""
    each = list(refusal.refusals) if isinstance(refusal, Faults) else [refusal]
    known = {one.field for one in each}
    more = faults(command, values)
    others = [Refused(as_phrase(told), field=name) for name, told in more.items()]
    return [*each, *(one for one in others if one.field not in known)]


def fault_of(command: Command, refusal: BotError) -> dict[str, Words]:
    """A refusal as the faults of the fields that it is about; of none, by an empty name."""
    if isinstance(refusal, Faults):
        each = [fault_of(command, one) for one in refusal.refusals]
        return {name: told for one in reversed(each) for name, told in one.items()}
    known = field_of(command, refusal.field) or option_called(refusal.field)
    said = command.spoken(refusal.words)
    told = line(said, " ", refusal.hint) if refusal.hint else said
    return {known.name if known else "": told}


def offers_of(command: Command, refusal: BotError) -> dict[str, tuple[Button, ...]]:
    """What can be done about a refusal without leaving the form, by the field it is about."""
    if isinstance(refusal, Faults):
        each = [offers_of(command, one) for one in refusal.refusals]
        return {name: offers for one in each for name, offers in one.items()}
    # A button without a node opens a form that asks for it, which may be this very one.
    offers = tuple(one for one in refusal.offers if one.value and one.action in {ASK, OPEN_FORM})
    return dict.fromkeys(fault_of(command, refusal), offers) if offers else {}


def field_of(command: Command, field: str) -> Parameter | None:
    """The parameter that a refusal's field means; None where it means none."""
    return command.parameter(field.removeprefix("new_")) if field else None
