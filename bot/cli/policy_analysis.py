"""`python -m bot policy who-can` and `policy diff`: what the rules come to, over everybody.

Every case that the rules can tell apart is decided; cases that end alike are told together.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import click

from bot.cli.failures import told
from bot.cli.paths import FilePath
from bot.cli.policy_question import channel_of, node_of, read, request_of
from bot.cli.policy_words import by_table, held, in_full
from bot.commands.rows import command_table
from bot.errors import BotError
from bot.ids import ChannelId, NodeId, UserId
from bot.language.canonical import known_arguments
from bot.reviews.differences import Difference, differences, other_settings
from bot.reviews.lockouts import lockouts
from bot.reviews.outcomes import Outcome
from bot.reviews.policy import Decision, DecisionKind, Policy, Request, decide
from bot.reviews.policy_values import People
from bot.reviews.worlds import ANY_NODE, ANYBODY, ANYWHERE, Given, requests_about

_HELD_UP = (DecisionKind.CONFIRM, DecisionKind.APPROVE)
_ENTITLED = (
    "Beside the rules, whoever requests or approves needs a session for the node, of their own or "
    "shared with\nthem; where the rules name approvers, those need none."
)


@click.command("who-can")
@click.argument("line", metavar='"vm delete train-01"')
@click.option("--node", default="", metavar="ID", help="Only on this node.")
@click.option("--in", "channel", default="", metavar="ID", help="Only in this channel.")
@click.option("--file", type=FilePath(), help="Instead of POLICY_FILE.")
def who_can(line: str, node: NodeId, channel: ChannelId, file: Path | None) -> None:
    """Say who may request a line, who may approve it, who may break the glass, by which rules."""
    rules = read(file)
    request = request_of(
        line, UserId(""), ChannelId(channel_of(channel)), NodeId(node_of(node)), ()
    )
    effect = request.effect.name.lower()
    click.echo(f"{request.command.replace('.', ' ')}, which is to {effect}")
    if (found := rules.table_of(request.command)) is not None:
        click.echo(f"\n  {by_table(*found)}")
        return
    places = _places(rules, request)
    tables: dict[tuple[str, ...], list[str]] = {}
    for (on, there), cases in places.items():
        told = _told_place(on, there, {one for one, _ in places}, {one for _, one in places})
        tables.setdefault(tuple(_table(cases, rules)), []).append(told)
    for table, named in tables.items():
        click.echo("\n" + "\n".join(named))
        click.echo("\n".join(table))
    if request.node or known_arguments(command_table())[request.command].has_node:
        click.echo(f"\n{_ENTITLED}")


@dataclass(frozen=True, slots=True)
class _Case:
    """A kind of requester, and what the rules say of them."""

    request: Request
    decision: Decision


def _places(rules: Policy, asked: Request) -> Mapping[tuple[str, str], list[_Case]]:
    guarded = known_arguments(command_table())[asked.command]
    given = Given(
        arguments=asked.arguments,
        is_whole_line=True,
        task=asked.task,
        node=asked.node,
        channel=asked.channel,
    )
    found: dict[tuple[str, str], list[_Case]] = {}
    try:
        about = requests_about((rules,), asked.command, guarded, given)
        for request, (can_count,) in about:
            if request.effect is asked.effect:
                case = _Case(request, decide(can_count, request))
                found.setdefault((request.node, request.channel), []).append(case)
    except BotError as error:
        raise click.ClickException(told(error)) from None
    return found


def _told_place(node: str, channel: str, nodes: set[str], channels: set[str]) -> str:
    """Where it is, as far as that is told apart from elsewhere."""
    where = ""
    if node and nodes != {ANY_NODE}:
        where = "On any other node" if node == ANY_NODE else f"On node {node}"
    if channels == {ANYWHERE}:
        return where or "Everywhere"
    there = "in any other channel" if channel == ANYWHERE else f"in {channel}"
    return f"{where}, {there}" if where else there.capitalize()


def _table(cases: list[_Case], rules: Policy) -> Iterator[str]:
    """Who may request what, then who may break the glass."""
    ends: dict[tuple[Outcome, tuple[str, ...]], list[_Case]] = {}
    for case in cases:
        end = Outcome.of(case.decision)
        ends.setdefault((end.without_glass(), case.decision.rules), []).append(case)
    for (_, by), some in ends.items():
        yield f"  {_all_of(some, is_everybody=len(ends) == 1)}"
        yield f"    {in_full(some[0].decision)}"
        yield f"    by {_listed(by)}"
    if any(case.decision.kind in _HELD_UP or case.decision.reasons for case in cases):
        glass = [case for case in cases if Outcome.of(case.decision).break_glass]
        yield "  Break the glass"
        yield f"    {_all_of(glass, is_everybody=False) if glass else 'nobody'}"
        speaking = {rule.name for rule in rules.rules if rule.break_glass is not None}
        named = dict.fromkeys(n for case in glass for n in case.decision.rules if n in speaking)
        if named:
            yield f"    by {_listed(named)}"


def _all_of(cases: list[_Case], *, is_everybody: bool) -> str:
    if is_everybody:
        return "Everybody"
    return ", or ".join(dict.fromkeys(_who(case.request) for case in _plainest(cases)))


def _listed(rules: Iterable[str]) -> str:
    return "; ".join(rules)


def _plainest(cases: list[_Case]) -> list[_Case]:
    """Those without whom another one in fewer user groups is told already."""
    return [
        case
        for case in cases
        if not any(
            other.request.person in {case.request.person, ANYBODY}
            and other.request.groups <= case.request.groups
            and other.request.over <= case.request.over
            and other.request != case.request
            for other in cases
        )
    ]


def _who(request: Request) -> str:
    if request.over:
        spent = " and ".join(f"“{one}”" for one in sorted(request.over))
        return f"{_who(replace(request, over=frozenset()))} once {spent} is spent"
    groups = " and ".join(sorted(request.groups))
    if request.person == ANYBODY:
        return f"Members of {groups}" if groups else "Anybody else"
    return f"{request.person} as a member of {groups}" if groups else request.person


@click.command()
@click.argument("old", type=FilePath())
@click.argument("new", type=FilePath())
def diff(old: Path, new: Path) -> None:
    """Say what NEW rules decide otherwise than OLD ones, with an example for each difference.

    Every case that either file can tell apart is decided by both. Exit code 1 where they differ.
    """
    before, after = read(old, "OLD"), read(new, "NEW")
    known = known_arguments(command_table())
    try:
        found = differences(before, after, known)
    except BotError as error:
        raise click.ClickException(told(error)) from None
    rows = [_told_difference(one) for one in found]
    rows += [_told_setting(*one) for one in other_settings(before, after)]
    stuck = lockouts(before, known)
    warnings = [f"Warning: {one}" for one in lockouts(after, known) if one not in stuck]
    click.echo("\n\n".join([*rows, *warnings]) or "No request is decided otherwise.")
    if rows:
        raise click.exceptions.Exit(1)


def _told_difference(one: Difference) -> str:
    commands = ", ".join(command.replace(".", " ") for command in one.commands)
    rows = [
        f"{one.change.capitalize()}: {commands}",
        f"  example  {_example(one.example)}",
        f"  before   {in_full(one.before)}{_glass(one.before)}  [{_listed(one.before.rules)}]",
        f"  after    {in_full(one.after)}{_glass(one.after)}  [{_listed(one.after.rules)}]",
    ]
    if one.because:
        rows.append(f"  because  changed: {_listed(one.because)}")
    return "\n".join(rows)


def _glass(decision: Decision) -> str:
    return "; may break the glass" if Outcome.of(decision).break_glass else ""


def _example(asked: Request) -> str:
    said = {**asked.arguments, **({"machine": asked.task} if asked.task else {})}
    words = [asked.command.replace(".", " "), *(f"{name}={text}" for name, text in said.items())]
    place = _told_place(asked.node, asked.channel, set(), set())
    who = _who(asked)
    whom = who[0].lower() + who[1:] if asked.person == ANYBODY else who
    return f"“{' '.join(words)}” by {whom}, {place[0].lower()}{place[1:]}"


def _told_setting(name: str, before: object, after: object) -> str:
    return f"Changes: [{name}]\n  before   {_value(before)}\n  after    {_value(after)}"


def _value(value: object) -> str:
    return held(value) if isinstance(value, People | timedelta) else str(value or "nothing")
