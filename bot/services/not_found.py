"""The words for a machine that is not found: where it could not be looked for, and where it is.

What comes nearest is only offered: nothing is done with it before somebody has chosen it.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence, Set
from functools import partial

from bot.dbc.errors import DbcError, Unreadable
from bot.errors import BotError, NotFound, Refused
from bot.messages import ways
from bot.model import Machine, Node, NodeKind
from bot.reply import (
    Button,
    Line,
    Phrase,
    Text,
    all_of,
    any_of,
    command,
    listed,
    say,
    sentences,
)
from bot.services.matching import could_be, is_node_called

# Makes a button for each of the machines that may be meant, given with their names.
Offers = Callable[[Sequence[tuple[Machine, Text]]], Awaitable[tuple[Button, ...]]]


async def no_offers(_machines: Sequence[tuple[Machine, Text]]) -> tuple[Button, ...]:
    """Where nobody could press one."""
    return ()


def nodes_called(text: str, nodes: Sequence[Node], hidden: Set[str]) -> tuple[Button, ...]:
    """The way to the one GPU node that is called so, where a machine was looked for."""
    found = [
        node
        for node in nodes
        if node.kind is NodeKind.GPU and node.id not in hidden and is_node_called(node, text)
    ]
    return (ways.to_node(found[0].id, found[0].label),) if len(found) == 1 else ()


def on_its_node(machine: Machine, node: str) -> Phrase:
    """A machine that may be meant, so that it is not taken for one of the same name elsewhere."""
    return say("{machine} on {node}", machine=machine.label, node=node)


def several(text: str, named: Sequence[tuple[Machine, str]], found: Sequence[Machine]) -> BotError:
    """A name fits several machines; those that are `named`, with their nodes, may be shown."""
    names = [
        say("{machine} ({id} on {node})", machine=one.label, id=one.task[:8], node=node)
        for one, node in named
    ]
    return Refused(
        could_be(text, names, found),
        hint=say("Nothing was done. Type more of the id, or add “on <node>”."),
        field="vm",
    )


def nothing_called(
    text: str,
    node: str,
    problems: Sequence[tuple[str, BotError | None]],
    near: Sequence[tuple[Machine, Text]],
) -> BotError:
    """Nothing is called so, or nobody knows; `near` are those that may be meant."""
    hint = say("See: {command}", command=command("vm list"))
    if any(isinstance(problem, Unreadable) for _, problem in problems):
        hint = say(
            "With its full id, you can still show and delete it. See: {command}",
            command=command("vm list"),
        )
    told = nowhere(text, node, *unlisted(problems))
    return NotFound(told, hint=sentences((meant([name for _, name in near]), hint)), field="vm")


def meant(names: Sequence[Text]) -> Text:
    """`Did you mean train-01 or train-02?`; nothing where nothing comes near."""
    return say("Did you mean {names}?", names=any_of(names)) if names else ""


def nowhere(text: str, node: str, *more: Text) -> Phrase:
    """The sentence that says that nothing is called so; `node` is empty where none was named."""
    told = say("None of your machines is called “{text}”.", text=text)
    if node:
        told = say("None of your machines on {node} is called “{text}”.", node=node, text=text)
    for sentence in more:
        told = say("{told} {more}", told=told, more=sentence)
    return told


def on_another_node(text: str, seen: Sequence[tuple[str, str]], node: str) -> BotError:
    """What is meant, by label and node, is not on the node that was named."""
    (label, other), *more = seen
    if more:
        told = say(
            "“{text}” fits machines on {others}, and none on {node}.",
            text=text,
            others=all_of(dict.fromkeys(where for _, where in seen)),
            node=node,
        )
        return Refused(
            told, hint=say("Nothing was done. Say which node, and more of it."), field="vm"
        )
    hint = say("Nothing was done. Say “on {node}”, or leave the node out.", node=other)
    return Refused(
        say("{machine} is on {other}, not on {node}.", machine=label, other=other, node=node),
        hint=hint,
        field="vm",
    )


def unlisted(problems: Iterable[tuple[str, BotError | None]]) -> list[Phrase]:
    """Which nodes' machines could not be looked through, by label, and why."""
    told: dict[Phrase, list[str]] = {}
    for label, problem in problems:
        if isinstance(problem, Unreadable):
            why = say("{nodes} sent a machine list that cannot be read.")
        elif isinstance(problem, DbcError) and problem.passes:
            why = say("{nodes} did not answer.")
        elif problem is not None:
            why = say("{nodes} could not be asked: {problem}", problem=problem.words)
        else:
            why = say("I did not ask {nodes}.")
        told.setdefault(why, []).append(label)
    return [why.filled(partial(_nodes, labels)) for why, labels in told.items()]


def _nodes(labels: Sequence[str], _name: str) -> Line:
    return listed(labels)
