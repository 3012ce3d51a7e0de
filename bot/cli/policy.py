"""The operator's view of the rules: `python -m bot policy …`.

Reads the policy file alone: no Slack token, no database, no bot that runs.
"""

from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import click

from bot.cli.paths import FilePath
from bot.cli.policy_analysis import diff, who_can
from bot.cli.policy_question import NODE, asked, is_question, read
from bot.cli.policy_words import (
    approvers,
    by_table,
    decided,
    joined,
    needs,
    reason_fault,
    row,
    told_budget,
    told_tables,
)
from bot.commands.rows import command_table
from bot.config import PolicySettings
from bot.ids import NodeId
from bot.language.canonical import known_arguments
from bot.messages.cards import duration
from bot.model import Effect
from bot.plural import counted
from bot.reviews.beginning import APPROVE_EXPIRES, CONFIRM_EXPIRES, FIRST_REMINDER
from bot.reviews.lockouts import lockouts, no_approver, unapproved
from bot.reviews.policy import Decision, DecisionKind, Expectation, Policy, Request, decide

_NO_FILE = "There is no POLICY_FILE: the defaults are in force."
_KINDS = {
    DecisionKind.RUN: "runs",
    DecisionKind.CONFIRM: "confirm",
    DecisionKind.APPROVE: "approve",
    DecisionKind.DENY: "denied",
}


@click.group()
def policy() -> None:
    """Check, show, compare and test the rules."""


for command in (who_can, diff):
    policy.add_command(command)


def _is_file(given: str) -> bool:
    try:
        return given.endswith(".toml") or Path(given).exists()
    except OSError:  # a longer name than the system takes
        return False


_file = click.option("--file", type=FilePath(), help="Instead of POLICY_FILE.")


@policy.command()
@click.argument("question", metavar='"U1 in C2: vm delete 7a9Q" | FILE', default="")
@click.option("--node", default="", metavar="ID", help="The node that the machine is on, by id.")
@click.option("--group", "groups", multiple=True, metavar="ID", help="A user group of the person.")
@click.option("--over", multiple=True, metavar="NAME", help="A budget that is spent.")
@_file
def check(
    question: str,
    node: NodeId,
    groups: tuple[str, ...],
    over: tuple[str, ...],
    file: Path | None,
) -> None:
    """Say whether a FILE of rules can be used, or what the rules decide for a line.

    The line is one that a person types in a channel. People, channels, user groups and nodes are
    named by their ids, as in the file. Without an argument, the file is POLICY_FILE.
    """
    is_word = ":" not in question and len(question.split()) == 1  # no question has one alone
    if not question or (not is_question(question) and (is_word or _is_file(question))):
        _check_file(Path(question) if question else file)
        return
    rules, request = read(file), asked(question, node, groups, over)
    if (found := rules.table_of(request.command)) is not None:
        click.echo(row("Allowed", by_table(*found)))
        return
    decision = decide(rules, request)
    rows = _explained(decision, request)
    guarded = known_arguments(command_table())[request.command]
    if decision.kind is DecisionKind.APPROVE and (
        why := no_approver(decision, guarded, request.person)
    ):
        rows.append(row("Warning", f"nobody can do this: {why}"))
    click.echo("\n".join(rows))


def _check_file(file: Path | None) -> None:
    rules = read(file, "FILE")
    path = file or PolicySettings().policy_file
    if path is None:
        click.echo(_NO_FILE)
        return
    click.echo(f"{path} can be used: {counted(len(rules.rule), 'rule')}.")
    _warn(rules)
    if failed := _failures(rules):
        for sentence in chain.from_iterable(failed.values()):
            click.echo(sentence)
        raise click.ClickException(f"{len(failed)} of {counted(len(rules.test), 'test')} failed.")


def _warn(rules: Policy) -> None:
    known = known_arguments(command_table())
    for sentence in (*lockouts(rules, known), *unapproved(rules, known)):
        click.echo(f"\nWarning: {sentence}")


@policy.command()
@click.argument("file", required=False, type=FilePath())
def test(file: Path | None) -> None:
    """Ask what each [[test]] of a FILE expects, and fail (exit code 1) where it comes otherwise.

    By default the file is POLICY_FILE.
    """
    rules = read(file, "FILE")
    if not file and PolicySettings().policy_file is None:
        raise click.ClickException(_NO_FILE)
    if not rules.test:
        raise click.ClickException("The file has no [[test]]: docs/policy.md shows one.")
    failed = _failures(rules)
    for sentence in chain.from_iterable(failed.values()):
        click.echo(sentence)
    if failed:
        raise click.ClickException(f"{len(failed)} of {counted(len(rules.test), 'test')} failed.")
    click.echo(f"{counted(len(rules.test), 'test')} passed.")


def _failures(rules: Policy) -> dict[int, list[str]]:
    """What comes otherwise than expected, by the numbers of the tests."""
    found: dict[int, list[str]] = {}
    for number, one in enumerate(rules.test, start=1):
        if wrong := list(_wrong(rules, one)):
            found[number] = [f"Test {number}, “{one.ask}”: {sentence}" for sentence in wrong]
    return found


def _wrong(rules: Policy, one: Expectation) -> Iterator[str]:
    try:
        request = asked(one.ask, one.node, one.groups, one.over)
    except click.ClickException as error:
        yield error.message
        return
    decision = decide(rules, request)
    by = ", ".join(decision.rules)
    for sentence in _unexpected(one, decision, request):
        yield f"{sentence} It {_comes(decision)} ({by})."


def _comes(decision: Decision) -> str:
    if decision.kind is DecisionKind.CONFIRM:
        return "needs the requester's confirmation"
    told = decided(decision)
    return f"is {told}" if decision.kind is DecisionKind.DENY else told


def _unexpected(one: Expectation, decision: Decision, request: Request) -> Iterator[str]:
    kind, fault = _KINDS[decision.kind], ""
    if decision.kind is not DecisionKind.DENY and (fault := reason_fault(decision, request)):
        kind = "reason"
    if kind != one.expect:
        # What it is with a reason is said behind it.
        why = fault.partition(" With it: ")[0]
        yield f"expected “{one.expect}”, found “{kind}”. {why}".rstrip()
    if one.approvals is not None and one.approvals != decision.approvals:
        yield f"expected {counted(one.approvals, 'approval')}, found {decision.approvals}."
    if one.break_glass is not None and one.break_glass != decision.break_glass:
        may = "may" if decision.break_glass else "may not"
        yield f"{request.person} {may} break the glass, which was not expected."
    for name in one.by:
        if name not in decision.rules:
            yield f"the rule “{name}” was expected to count, and does not."


@policy.command()
@_file
def show(file: Path | None) -> None:
    """Print the rules in force, the defaults included."""
    path = file or PolicySettings().policy_file
    rules = read(file)
    click.echo(f"{path or _NO_FILE}\n")
    for effect in (Effect.CHANGE, Effect.DISRUPT, Effect.DESTROY):
        name = effect.name.lower()
        click.echo(f"Default for {name}: {needs(getattr(rules.defaults, name))}.")
    for rule in rules.rule:
        wanted = rule.match.model_dump(exclude_defaults=True)
        when = "; ".join(f"{name} {joined(value)}" for name, value in wanted.items())
        then = f"denied: {rule.deny}" if rule.deny else needs(rule) + "."
        click.echo(f"\n“{rule.name}”\n  when {when or 'anything is asked'}\n  {then}")
    for budget in rules.budget:
        click.echo(f"\n{told_budget(budget)}")
    for table in told_tables(rules):
        click.echo(f"\n{table}")
    if rules.test:
        them = "it" if len(rules.test) == 1 else "them"
        tests = counted(len(rules.test), "test")
        click.echo(f"\n{tests}: python -m bot policy test runs {them}.")
    _warn(rules)


def _explained(decision: Decision, request: Request) -> list[str]:
    rows = [
        row("Command", f"{request.command}, which is to {request.effect.name.lower()}"),
        row("Decision", decided(decision)),
        row("Because of", ", ".join(decision.rules)),
    ]
    if request.node:
        by_name = "" if NODE.fullmatch(request.node) else ", a name: give its id with --node"
        rows.insert(1, row("Node", request.node + by_name))
    if decision.kind is DecisionKind.DENY:
        return rows
    rows += [row("Reason", f"must match {pattern}") for pattern in decision.reasons]
    if fault := reason_fault(decision, request):
        rows[1 + bool(request.node)] = row("Decision", f"refused: {fault}")
    if decision.kind is DecisionKind.RUN:
        return rows
    usual = APPROVE_EXPIRES if decision.kind is DecisionKind.APPROVE else CONFIRM_EXPIRES
    rows.append(row("Expires", f"after {duration(decision.expires or usual)}"))
    if decision.kind is DecisionKind.APPROVE:
        rows.append(row("Reminds", f"after {duration(decision.remind or FIRST_REMINDER)}"))
        rows += [row("By", one) for one in approvers(decision)]
        rows.append(row("Ended by", counted(decision.denials, "denial")))
        if decision.type_name:
            rows.append(row("Also", "an approver types the machine's description or id"))
        may = "may" if decision.break_glass else "may not"
        rows.append(row("Break glass", f"{request.person} {may}"))
    return rows
