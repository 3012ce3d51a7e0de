"""What a line that is no command may mean, by what it speaks of. Pure."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from bot.folding import plain
from bot.language.courtesy import COURTESIES
from bot.language.kinds import ORDER
from bot.language.mood import NOTHINGS, Mood, mood_of
from bot.language.parse import NotUnderstood, meant_by
from bot.language.row_parts import Listing
from bot.language.table import Command, Table
from bot.language.text import Word
from bot.language.vocabulary import VERBS
from bot.model import Effect
from bot.pipeline.understood import named
from bot.services.spotting import Spotted

_EITHER = (Listing.MACHINES, Listing.NODES)  # what a name alone may be
_NUMBER = re.compile(r"\d{3,15}")
_ROW = re.compile(r"[^\w·]*(\d{3,15}) ·")
# What begins a reason that is said without “because”.
_WHY = frozenset("it it's its they because since cause 因为 原因 它 卡".split())  # noqa: SIM905
# Behind an “it” that says of what, not why: “bring it up”.
_OF_A_VERB = frozenset(["", "up", "down", "on", "off", "back", "again", "please", "now", "too"])

# Beside a name, of a line that its command does not take as it stands.
_SAY_NOTHING = COURTESIES | frozenset(
    "of the for my our a an me um uh uhm so like one box vm machine called "  # noqa: SIM905
    "机器 虚拟机 的 把 我的 那台 这台".split()
)
_WHY_BEGINS = ("卡死", "卡住", "死机", "没反应", "它", "因为")


@dataclass(frozen=True, slots=True)
class Heard:
    """A line, what may be meant by it, and what it speaks of."""

    table: Table
    meant: NotUnderstood
    found: Spotted
    mood: Mood
    number: str = ""
    reason: str = ""


def heard_of(table: Table, meant: NotUnderstood, found: Spotted, mood: Mood | None = None) -> Heard:
    """What a line may mean, once it is known what it speaks of. `mood`: where that is known."""
    number = _number_in(found)
    if rowed := _ROW.match(" ".join(meant.words)):  # a row of the list of rentals
        number, found = rowed[1], replace(found, machine=None, node=None)
    about = _about(table, found, number)
    words, reason = without_reason(found)
    if found.is_parted:  # “i stopped ada, start it”
        first = len(found.before)
        words = (*words[:first], ",", *words[first:])
    mood = mood or mood_of(unnamed(found, meant.words) if about else meant.words)
    if mood is Mood.LATER and not (meant.is_later or about):
        mood = Mood.REQUEST  # “digest at 9”
    if about:
        meant = meant_by(table, meant.words, words, mood, about, lambda c: named(c, found))
        meant = replace(meant, nearest=_fitting(table, meant.nearest, about, found))
    elif mood is Mood.QUESTION:
        meant = replace(meant, nearest=_of_all(table, meant.nearest))
    elif set(meant.nearest) == set(map(table.details, _EITHER)):  # a name that is unknown
        meant = replace(meant, nearest=_of_all(table, ()))
    return Heard(table, meant, found, mood, number, reason)


def says_nothing(word: str) -> bool:
    """Whether a word is said beside a name of a line that its command does not take."""
    return plain(word) in _SAY_NOTHING or not any(map(str.isalnum, word))


def unnamed(found: Spotted, typed: Sequence[str]) -> Sequence[str]:
    """The words without a name, which says nothing of what is wished: 不夜城, 哪吒."""
    thing = found.machine or found.node
    names = {thing.nickname, thing.desc, thing.label} if thing is not None else set()
    if thing is None or names & NOTHINGS:
        return typed
    asks = ["?"] if typed[-1].endswith(("?", "？")) else []
    comma = [","] if found.is_parted else []
    return [*found.before, Word.of("…", '"…"'), *comma, *found.behind, *asks]


def _number_in(found: Spotted) -> str:
    """The number of an order that a line may be about, where it is about nothing else."""
    if found.machine or found.node or found.is_unclear:
        return ""
    bare = [plain(word).removeprefix("#") for word in found.words]
    numbers = [word for word in bare if _NUMBER.fullmatch(word)]
    return numbers[0] if len(numbers) == 1 else ""


def _about(table: Table, found: Spotted, number: str) -> tuple[str, ...]:
    """The command that shows what a line is about."""
    if found.machine is not None:
        return (table.details(Listing.MACHINES).id,)
    if found.node is not None:
        return (table.details(Listing.NODES).id,)
    return (table.details(Listing.ORDERS).id,) if number else ()


def without_reason(found: Spotted) -> tuple[tuple[str, ...], str]:
    """The words without what says why behind a machine's name: “… it hangs”."""
    behind = found.behind
    begins = [
        (
            (plain(word) in _WHY and (plain(word) != "it" or plain(then) not in _OF_A_VERB))
            and plain(before) not in VERBS
        )  # “name it prod”
        or word.startswith(_WHY_BEGINS)
        for before, word, then in zip(("", *behind), behind, (*behind[1:], ""), strict=False)
    ]
    at = begins.index(True) if True in begins else None
    if found.machine is None or at is None:
        return found.words, ""
    if all(map(says_nothing, (*found.before, *behind[:at]))):  # the wish comes behind the reason
        return found.words, ""
    why = list(behind[at:])
    while why and plain(why[-1]) in COURTESIES:
        why.pop()
    if why and plain(why[0]) in {"because", "since", "cause", "因为", "原因"}:
        why.pop(0)
    is_told = len(why) > 1 or (len(why) == 1 and why[0].startswith(_WHY_BEGINS))
    return (*found.before, *behind[:at]), " ".join(why) if is_told else ""


def _of_all(table: Table, commands: Sequence[Command]) -> tuple[Command, ...]:
    """Those that need not be told of what, since a question is about nothing that is known."""
    found = tuple(c for c in commands if not any(p.required for p in c.parameters))
    lists = (table.get(table.listing(what)) for what in _EITHER)
    return found or tuple(one for one in lists if one is not None)


def _fitting(
    table: Table, commands: Sequence[Command], about: Collection[str], found: Spotted
) -> tuple[Command, ...]:
    """Those of the commands that take what the line is about; else all, and what shows it."""

    def takes(command: Command) -> bool:
        if command.id in about:
            return True
        if command.effect_of({}) is Effect.READ and len(command.missing({})) > 1:
            return False  # it takes more than was said
        if found.machine is not None:
            return command.parameter("vm") is not None
        if found.node is not None:
            return any(
                p.arg.kind.is_node
                and found.node.kind in p.arg.kind.nodes
                and (found.on_node or p is not command.node_option)
                for p in command.parameters
            )
        return any(p.arg.kind is ORDER for p in command.parameters)

    fitting = [command for command in commands if takes(command)]
    if all(command.id in about for command in fitting):  # `cost of ada`
        fitting = [c for c in commands if c in fitting or _is_beside(c) or _is_own(c)]
    shown = tuple(c for c in map(table.get, about) if c is not None and c not in commands)
    return tuple(fitting) or (*shown, *commands)


def _is_beside(command: Command) -> bool:
    """Whether it reads, and tells of a thing among others, without being the list of such."""
    is_whole = not any(p.required for p in command.parameters) and command.lists is None
    return command.effect_of({}) is Effect.READ and is_whole


def _is_own(command: Command) -> bool:
    """Whether it is about whoever types it, and about no machine or node: their notifications."""
    return command.is_personal and command.target is None
