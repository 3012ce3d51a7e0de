"""The operator's view of the rules: `python -m bot policy check` and `policy show`.

Reads the policy file alone: no Slack token, no database, no bot that runs.
"""

import re
from collections.abc import Sequence
from pathlib import Path

import click

from bot.commands.rows import command_table
from bot.config import PolicySettings
from bot.errors import BotError, Refused
from bot.language.args import BREAK_GLASS, REASON
from bot.language.canonical import known_arguments
from bot.language.parse import NotUnderstood, Parsed, parse
from bot.messages.cards import duration
from bot.model import Effect
from bot.plural import counted
from bot.reviews.lockouts import lockouts, no_approver
from bot.reviews.policy import Decision, DecisionKind, People, Policy, Request, Review, decide
from bot.reviews.policy_file import read_policy
from bot.reviews.reviewers import APPROVE_EXPIRES, CONFIRM_EXPIRES, FIRST_REMINDER

_ASKED = re.compile(
    r"(?P<person>[^\s:]+)(?:\s+in\s+(?P<channel>[^\s:]+))?\s*:\s*(?P<line>.+)", re.DOTALL
)
_PERSON = re.compile(r"<?@?([UW][A-Z0-9]+)(?:\|[^>]*)?>?")
_CHANNEL = re.compile(r"<?#?([CDG][A-Z0-9]+)(?:\|[^>]*)?>?")
_GROUP = re.compile(r"(S[A-Z0-9]+)")
_NODE = re.compile(r"([0-9a-f]{64})")


@click.group()
def policy() -> None:
    """Check and show the rules."""


_file = click.option("--file", type=click.Path(path_type=Path), help="Instead of POLICY_FILE.")


@policy.command()
@click.argument("question", metavar='"U1 in C2: vm delete 7a9Q"')
@click.option("--node", default="", metavar="ID", help="The node that the machine is on, by id.")
@click.option("--group", "groups", multiple=True, metavar="ID", help="A user group of the person.")
@_file
def check(question: str, node: str, groups: tuple[str, ...], file: Path | None) -> None:
    """Say what the rules decide for a line that a person types in a channel, and which rules.

    People, channels, user groups and nodes are named by their ids, as in the file.
    """
    found = _ASKED.fullmatch(question.strip())
    if found is None:
        raise click.UsageError('Ask like this: "U1 in C2: vm delete 7a9Q"')
    person = _id(_PERSON, found["person"], "a person's Slack id, like U0123ABCD")
    channel = _id(_CHANNEL, found["channel"] or "", "a channel's Slack id, like C0123ABCD")
    node = _id(_NODE, node, "a node's id, 64 hexadecimal digits")
    groups = tuple(_id(_GROUP, one, "a user group's Slack id, like S0123ABCD") for one in groups)
    rules = _read(file)
    request = _request(found["line"], person, channel, node, groups)
    decision = decide(rules, request)
    rows = _explained(decision, request)
    guarded = known_arguments(command_table())[request.command]
    if decision.kind is DecisionKind.APPROVE and (why := no_approver(decision, guarded, person)):
        rows.append(_row("Warning", f"nobody can do this: {why}"))
    click.echo("\n".join(rows))


def _id(pattern: re.Pattern[str], given: str, what: str) -> str:
    found = pattern.fullmatch(given)
    if given and found is None:
        raise click.UsageError(f"“{given}” is not {what}. Rules go by ids: names can be changed.")
    return found[1] if found else ""


@policy.command()
@_file
def show(file: Path | None) -> None:
    """Print the rules in force, the defaults included."""
    path = file or PolicySettings().policy_file
    rules = _read(file)
    click.echo(f"{path or 'No file: the defaults.'}\n")
    for effect in (Effect.CHANGE, Effect.DISRUPT, Effect.DESTROY):
        name = effect.name.lower()
        click.echo(f"Default for {name}: {_needs(getattr(rules.defaults, name))}.")
    for rule in rules.rule:
        wanted = rule.match.model_dump(exclude_defaults=True)
        when = "; ".join(f"{name} {_joined(value)}" for name, value in wanted.items())
        then = f"denied: {rule.deny}" if rule.deny else _needs(rule) + "."
        click.echo(f"\n“{rule.name}”\n  when {when or 'anything is asked'}\n  {then}")
    for sentence in lockouts(rules, known_arguments(command_table())):
        click.echo(f"\nWarning: {sentence}")


def _read(file: Path | None) -> Policy:
    try:
        commands = known_arguments(command_table())
        if file is not None:
            return read_policy(file, commands, "--file")
        return read_policy(PolicySettings().policy_file, commands)
    except BotError as error:
        raise click.ClickException(error.sentence) from None


def _request(line: str, person: str, channel: str, node: str, groups: Sequence[str]) -> Request:
    try:
        parsed = parse(command_table(), line)
    except BotError as error:
        raise click.ClickException(error.sentence) from None
    if isinstance(parsed, NotUnderstood):
        nearest = " or ".join(f"“{near.title}”" for near in parsed.nearest)
        hint = f" Perhaps you mean {nearest}." if nearest else ""
        raise click.ClickException(f"“{parsed.typed}” is no command.{hint}")
    if not isinstance(parsed, Parsed):
        raise click.ClickException(f"“{line}” asks for help, which no rule is about.")
    command, values = parsed.command, parsed.values
    named = [p.name for p in command.parameters if p.arg.kind.is_node]
    typed = next((values[name] for name in ("on", *named) if values.get(name)), "")
    task = next((values.get(p.name, "") for p in command.parameters if p.arg.kind.is_machine), "")
    return Request(
        person=person,
        channel=channel,
        command=command.id,
        effect=command.effect_of(values),
        arguments=values,
        node=node or typed,
        groups=frozenset(groups),
        task=task,
    )


def _explained(decision: Decision, request: Request) -> list[str]:
    rows = [
        _row("Command", f"{request.command}, which is to {request.effect.name.lower()}"),
        _row("Decision", _decided(decision)),
        _row("Because of", ", ".join(decision.rules)),
    ]
    if request.node:
        by_name = "" if _NODE.fullmatch(request.node) else ", a name: give its id with --node"
        rows.insert(1, _row("Node", request.node + by_name))
    if decision.kind is DecisionKind.DENY:
        return rows
    rows += [_row("Reason", f"must match {pattern}") for pattern in decision.reasons]
    if fault := _reason_fault(decision, request):
        rows[1 + bool(request.node)] = _row("Decision", f"refused: {fault}")
    if decision.kind is DecisionKind.RUN:
        return rows
    usual = APPROVE_EXPIRES if decision.kind is DecisionKind.APPROVE else CONFIRM_EXPIRES
    rows.append(_row("Expires", f"after {duration(decision.expires or usual)}"))
    if decision.kind is DecisionKind.APPROVE:
        rows.append(_row("Reminds", f"after {duration(decision.remind or FIRST_REMINDER)}"))
        rows += [_row("By", one) for one in _approvers(decision)]
        rows.append(_row("Ended by", _count(decision.denials, "denial")))
        if decision.type_name:
            rows.append(_row("Also", "an approver types the machine's description or id"))
        may = "may" if decision.break_glass else "may not"
        rows.append(_row("Break glass", f"{request.person} {may}"))
    return rows


def _reason_fault(decision: Decision, request: Request) -> str:
    """Why the line as it stands is refused, where it gives no reason or another one."""
    if decision.break_glass and request.arguments.get(BREAK_GLASS):
        return ""
    try:
        decision.check_reason(request.arguments.get(REASON, ""))
    except Refused as refusal:
        return f"{refusal.sentence} With it: {_decided(decision)}"
    return ""


def _row(name: str, text: str) -> str:
    return f"{name:<12}{text}"


def _decided(decision: Decision) -> str:
    return {
        DecisionKind.RUN: "runs at once",
        DecisionKind.CONFIRM: "the requester confirms",
        DecisionKind.APPROVE: f"needs {_count(decision.approvals, 'approval')}",
        DecisionKind.DENY: f"denied: {decision.why}",
    }[decision.kind]


def _approvers(decision: Decision) -> list[str]:
    own = "the requester counts" if decision.self_approval else "not the requester"
    if not decision.approvers:
        return [f"people entitled to the node; {own}"]
    return [f"{_people(some)}; {own}" for some in decision.approvers]


def _people(some: People) -> str:
    named = [*some.persons, *(f"members of {group}" for group in some.groups)]
    return ", ".join(named) or "nobody"


def _needs(review: Review) -> str:
    needs = [_count(review.approvals, "approval")] if review.approvals else []
    if review.confirm and not review.approvals:
        needs.append("the requester confirms")
    if review.approvers is not None:
        needs.append(f"approved by {_people(review.approvers)}")
    if review.denials is not None:
        needs.append(f"ended by {_count(review.denials, 'denial')}")
    if review.self_approval is not None:
        needs.append("the requester " + ("counts" if review.self_approval else "does not count"))
    if review.reason:
        needs.append(f"a reason that matches {review.reason}")
    if review.expires:
        needs.append(f"within {duration(review.expires)}")
    if review.remind:
        needs.append(f"reminded after {duration(review.remind)}")
    if review.type_name:
        needs.append("the machine's description or id typed")
    if review.break_glass is not None:
        needs.append(f"glass broken by {_people(review.break_glass)}")
    return ", ".join(needs) or "nothing"


def _count(number: int, what: str) -> str:
    return counted(number, what)


def _joined(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name}={given}" for name, given in value.items())
    if isinstance(value, list | tuple):
        return " or ".join(map(str, value))
    return str(value)
