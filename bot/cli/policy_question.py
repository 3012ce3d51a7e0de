"""What is asked of the rules on the command line: "U1 in C2: vm delete 7a9Q", and which rules."""

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import click

from bot.commands.rows import command_table
from bot.config import PolicySettings
from bot.errors import BotError
from bot.ids import ChannelId, NodeId, TaskId, UserId
from bot.language.canonical import known_arguments
from bot.language.parse import NotUnderstood, Parsed, parse
from bot.reviews.policy import Policy, Request
from bot.reviews.policy_file import read_policy

_ASKED = re.compile(
    r"(?P<person>[^\s:]+)(?:\s+in\s+(?P<channel>[^\s:]+))?\s*:\s*(?P<line>.+)", re.DOTALL
)
_PERSON = re.compile(r"<?@?([UW][A-Z0-9]+)(?:\|[^>]*)?>?")
_CHANNEL = re.compile(r"<?#?([CDG][A-Z0-9]+)(?:\|[^>]*)?>?")
_GROUP = re.compile(r"(S[A-Z0-9]+)")
NODE = re.compile(r"([0-9a-f]{64})")


def is_question(given: str) -> bool:
    """Whether it begins as a question does, with a person's id."""
    found = _ASKED.fullmatch(given.strip())
    return found is not None and _PERSON.fullmatch(found["person"]) is not None


def asked(question: str, node: NodeId, groups: Sequence[str], over: Sequence[str] = ()) -> Request:
    """What a whole question asks for. Raises click's errors for what is none."""
    found = _ASKED.fullmatch(question.strip())
    if found is None:
        raise click.UsageError('Ask like this: "U1 in C2: vm delete 7a9Q"')
    person = _id(_PERSON, found["person"], "a person's Slack id, like U0123ABCD")
    channel = channel_of(found["channel"] or "")
    named = [_id(_GROUP, one, "a user group's Slack id, like S0123ABCD") for one in groups]
    request = request_of(
        found["line"], UserId(person), ChannelId(channel), NodeId(node_of(node)), named
    )
    return replace(request, over=frozenset(over))


def channel_of(given: str) -> str:
    """A channel's id. Raises UsageError for anything else."""
    return _id(_CHANNEL, given, "a channel's Slack id, like C0123ABCD")


def node_of(given: str) -> str:
    """A node's id. Raises UsageError for anything else."""
    return _id(NODE, given, "a node's id, 64 hexadecimal digits")


def _id(pattern: re.Pattern[str], given: str, what: str) -> str:
    found = pattern.fullmatch(given)
    if given and found is None:
        raise click.UsageError(f"“{given}” is not {what}. Rules go by ids: names can be changed.")
    return found[1] if found else ""


def request_of(
    line: str, person: UserId, channel: ChannelId, node: NodeId, groups: Sequence[str]
) -> Request:
    """What a line asks for. Raises click's errors for what is none."""
    try:
        parsed = parse(command_table(), line)
    except BotError as error:
        raise click.ClickException(error.sentence) from None
    if isinstance(parsed, NotUnderstood):
        nearest = " or ".join(f"“{near.title}”" for near in parsed.nearest)
        hint = f" Perhaps you mean {nearest}." if nearest else ""
        raise click.ClickException(f"“{parsed.typed or line}” is no command.{hint}")
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
        node=NodeId(node or typed),
        groups=frozenset(groups),
        task=TaskId(task),
    )


def read(file: Path | None, setting: str = "--file") -> Policy:
    """The rules of a file, by default of POLICY_FILE. Raises ClickException with all faults."""
    try:
        commands = known_arguments(command_table())
        if file is not None:
            return read_policy(file, commands, setting)
        return read_policy(PolicySettings().policy_file, commands)
    except BotError as error:
        raise click.ClickException(error.sentence) from None
