"""What is offered for a line that is no command: understood whole, or shown only.

What changes something is offered only where it accounts for every word of the line. Else the line
leads to what shows the thing that it speaks of, and there to what can be done in its state.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from bot.language.args import NODE_OPTION
from bot.language.bound import is_fault
from bot.language.kinds import DISK, PERSON, is_disk
from bot.language.mood import Mood
from bot.language.parse import NotUnderstood
from bot.language.row_parts import Listing
from bot.language.sorting import given_to
from bot.language.synonyms import groups_in, is_of_language
from bot.language.table import Command, Table
from bot.language.vocabulary import VERBS
from bot.language.whole import left_over
from bot.model import Effect
from bot.services.spotting import Spotted

_LOOKS_MADE = re.compile(r"(?=.*[A-Za-z])(?=.*\d).+|.*\w[._-]\w.*|vd[a-z]")  # ebUa07ia, vdb
_HOUR = r"\d{1,2}(?::\d\d)? ?(?:[ap]m)?"
_HOURS = re.compile(rf"{_HOUR}(?: ?(?:to|until|till|-|–|到|至) ?{_HOUR})?")  # 22 to 7
_MOST = 4  # commands that are offered

_OF_A_SPAN = frozenset({"to", "and", "from", "between", "until", "till", "到", "至"})


def is_made(text: str) -> bool:
    """Whether nobody says a word like this one: an id, a file, a disk."""
    return _LOOKS_MADE.fullmatch(text) is not None


def named(command: Command, found: Spotted) -> Sequence[str]:
    """The words that say to a command what the line is about."""
    if found.machine is not None:
        return [f"vm={found.machine.task}"] if command.parameter("vm") else []
    node = found.node
    takes = [
        p
        for p in command.parameters
        if node and p.arg.kind.is_node and node.kind in p.arg.kind.nodes
    ]
    return [f"{takes[0].name}={node.id}"] if takes and node else []


def wholly(table: Table, command: Command, found: Spotted, mood: Mood) -> Mapping[str, str] | None:
    """What a line says to what changes something, where it says that and nothing else."""
    thing = found.machine or found.node
    if mood is not Mood.REQUEST or found.is_unclear:
        return None
    about = named(command, found)
    are_two = found.machine and found.node and not found.on_node
    if are_two or (thing is not None and not about):
        return None
    before = (*found.before, ",") if found.is_parted and not found.before else found.before
    label = thing.label if thing else ""
    left = left_over(table, command, before, found.behind, label, is_begun=found.is_begun)
    if left is None:
        return None
    values, is_all = given_to(command, [*about, *left])
    sure = {word.partition("=")[0] for word in (*about, *left) if "=" in word}
    is_sure = all(name in sure or _is_sure(command, name, text) for name, text in values.items())
    return values if is_all and is_sure else None


def said_keys(command: Command, values: Mapping[str, str]) -> set[str]:
    """What was said beside the thing that a line is about."""
    targets = {p.name for p in command.parameters if p.arg.kind.is_target or p.arg.kind.is_node}
    return set(values) - targets - {"vm", NODE_OPTION}


def _is_sure(command: Command, name: str, text: str) -> bool:
    """Whether a word that was left is surely this value, and no word that was not understood."""
    parameter = command.parameter(name)
    kind = None if parameter is None else parameter.arg.kind
    if parameter is None or kind is None or kind.is_target or parameter.arg.means_several(text):
        return False  # spotted, or unknown
    if is_disk(text) and kind is not DISK:
        return False
    if parameter.arg.instead:  # “grow vdb 100G”: by so much, or to that
        return False
    is_named = kind.is_sought or command.verb == "name"
    if kind.is_flag or kind.is_choice or kind.is_number or kind is PERSON or is_named:
        return True
    if _HOURS.fullmatch(text):
        return True
    words = [word for word in text.split() if word not in _OF_A_SPAN]  # 10pm to 7am
    return is_made(text) and not any(map(is_of_language, words))


def with_reads_instead(
    table: Table,
    meant: NotUnderstood,
    found: Spotted,
    mood: Mood,
    given: Mapping[str, Mapping[str, str]],
) -> NotUnderstood:
    """The line with the commands that are left; where none may change anything, what reads."""
    left = [command for command in meant.nearest if command.id in given]
    dropped = [command for command in meant.nearest if command.id not in given]
    changes = any(command.effect_of({}) is not Effect.READ for command in left)
    thing, show = found.machine or found.node, table.details(Listing.MACHINES)
    is_broken = mood in {Mood.REQUEST, Mood.LATER} and is_fault(found.words)
    is_shown = dropped or mood is Mood.LATER
    if is_broken and found.machine is not None:
        is_shown = is_shown or {c.id for c in left} <= {*VERBS["why"]}
    if changes or not is_shown:
        return replace(meant, nearest=tuple(left))
    ids: Sequence[str] = ()
    if found.machine is not None:
        ids = VERBS["why"] if is_broken else (show.id,)
    elif found.node is not None:
        ids = [table.details(Listing.NODES).id]
    reads = [c for c in map(table.get, ids) if c is not None]
    reads += left
    if found.machine is None:
        reads += _of_group(table, meant.words, dropped)
    if not reads:
        lists = (table.listing(Listing.MACHINES), table.listing(Listing.NODES))
        reads = [c for c in map(table.get, lists) if c is not None]
    label = thing.label if thing is not None else ""
    nearest = tuple(dict.fromkeys(reads))[:_MOST]
    alike = tuple(dropped)
    return replace(meant, nearest=nearest, is_partial=True, about=label, alike=alike)


def _of_group(table: Table, words: Sequence[str], dropped: Sequence[Command]) -> list[Command]:
    """What reads without more said, of the group that a line names."""
    groups = groups_in(table, words) or [command.group for command in dropped]
    if not groups or groups[0] in {"vm", "node"}:
        return []
    return [
        c
        for c in table
        if c.group == groups[0] and c.effect_of({}) is Effect.READ and not c.missing({})
    ]
