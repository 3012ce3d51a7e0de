"""The words for a machine that is not found: where it could not be looked for, and where it is."""

from collections.abc import Iterable, Sequence

from bot.dbc.errors import DbcError, Unreadable
from bot.errors import BotError, Refused


def nowhere(text: str, node: str, *more: str) -> str:
    """The sentence that says that nothing is called so; `node` is empty where none was named."""
    there = f" on {node}" if node else ""
    return " ".join([f"None of your machines{there} is called “{text}”.", *more])


def on_another_node(text: str, seen: Sequence[tuple[str, str]], node: str) -> BotError:
    """What is meant, by label and node, is not on the node that was named."""
    (label, other), *more = seen
    if more:
        others = " and ".join(dict.fromkeys(where for _, where in seen))
        told = f"“{text}” fits machines on {others}, and none on {node}."
        return Refused(told, hint="Nothing was done. Say which node, and more of it.", field="vm")
    hint = f"Nothing was done. Say “on {other}”, or leave the node out."
    return Refused(f"{label} is on {other}, not on {node}.", hint=hint, field="vm")


def unlisted(problems: Iterable[tuple[str, BotError | None]]) -> list[str]:
    """Which nodes' machines could not be looked through, by label, and why."""
    told: dict[str, list[str]] = {}
    for label, problem in problems:
        if isinstance(problem, Unreadable):
            why = "sent a machine list that cannot be read"
        elif isinstance(problem, DbcError) and problem.passes:
            why = "did not answer"
        else:
            why = f"could not be asked: {problem.sentence.rstrip('.')}" if problem else ""
        told.setdefault(why, []).append(label)
    return [f"{', '.join(labels)} {why}." for why, labels in told.items()]
