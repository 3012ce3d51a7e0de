"""The words for a machine that is not found: where it could not be looked for, and where it is."""

from collections.abc import Iterable, Sequence
from functools import partial

from bot.dbc.errors import DbcError, Unreadable
from bot.errors import BotError, Refused
from bot.reply import Line, Phrase, Text, all_of, listed, say


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
            why = say("{nodes} was not asked.")
        told.setdefault(why, []).append(label)
    return [why.filled(partial(_nodes, labels)) for why, labels in told.items()]


def _nodes(labels: Sequence[str], _name: str) -> Line:
    return listed(labels)
