"""What a line that was not understood is about: the machine, the node or the order in it.

Only what exists, and is known to whoever typed the line, is filled into what is offered then.
Looks only at what is known here; asks nobody.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from bot.errors import Refused
from bot.folding import best, plain
from bot.ids import UserId
from bot.language.args import NODE_OPTION, REASON, Parameter, option_called
from bot.language.courtesy import COURTESIES
from bot.language.kinds import ORDER, PERSON
from bot.language.mood import NOTHINGS, Mood, mood_of
from bot.language.objects import PARTS, object_of, parts_in
from bot.language.parse import NotUnderstood, meant_by
from bot.language.row_parts import Listing
from bot.language.sorting import given_to
from bot.language.synonyms import is_of_language
from bot.language.table import Command, Table
from bot.language.text import Word, quoted
from bot.language.unclear import Unclear
from bot.model import Effect, Place
from bot.pipeline.context import Services
from bot.pipeline.meant import known_names
from bot.pipeline.rights import hidden_from
from bot.services.spotting import Spotted, spotted

_EITHER = (Listing.MACHINES, Listing.NODES)  # what a name alone may be
_NUMBER = re.compile(r"\d{3,15}")
_ROW = re.compile(r"[^\w·]*(\d{3,15}) ·")
_LOOKS_MADE = re.compile(r"(?=.*[A-Za-z])(?=.*\d).+|.*\w[._-]\w.*|vd[a-z]")  # ebUa07ia, vdb
# What begins a reason that is said without “because”.
_WHY = frozenset("it it's its they because since cause 因为 原因 它 卡".split())  # noqa: SIM905
# Behind the machine's name, of a whole command: no, after all.
_FORBIDS = re.compile(
    r"(?:no |please |pls )*(?:(?:don'?t|do not)(?! need| want)|别(?![的人])|不要(?!了)"
    "|(?:no|not|never|nothing|nope|不|别|不要|不了|算了)"
    "(?: (?:thanks|thank you|now|yet|please|谢谢))*$)"
)
# Behind an “it” that says of what, not why: “bring it up”.
_OF_A_VERB = frozenset(["", "up", "down", "on", "off", "back", "again", "please", "now", "too"])

# Beside a name, of a line that its command does not take as it stands.
_SAY_NOTHING = COURTESIES | frozenset(
    [
        "of",
        "the",
        "for",
        "my",
        "our",
        "a",
        "an",
        "me",
        "um",
        "uh",
        "uhm",
        "so",
        "like",
        "的",
        "把",
        "我的",
    ]
)
_WHY_BEGINS = ("卡死", "卡住", "死机", "没反应", "它", "因为")


class KnownWords:
    """What a person may mean by the words of a line."""

    def __init__(self, services: Services, actor: UserId, place: Place) -> None:
        self._services = services
        self._actor = actor
        self._place = place

    async def with_known(self, meant: NotUnderstood, mood: Mood | None = None) -> NotUnderstood:
        """The suggestions with what the line is about, and with nothing that there is not.

        `mood` is that of the line, where it is known.
        """
        found = await self._spotted(meant.words)
        number = _number_in(found)
        if rowed := _ROW.match(" ".join(meant.words)):  # a row of the list of rentals
            number, found = rowed[1], replace(found, machine=None, node=None)
        table = self._services.table
        about = _about(table, found, number)
        words, reason = _without_reason(found)
        if found.is_parted:  # “i stopped ada, start it”
            first = len(found.before)
            words = (*words[:first], ",", *words[first:])
        if about:
            mood = mood or mood_of(_unnamed(found, meant.words))
            of = object_of(found.before, found.behind, on_node=found.on_node)
            meant = meant_by(table, meant.words, words, mood, about, lambda c: _named(c, found), of)
            commands = _fitting(table, meant.nearest, about, found)
            meant = replace(meant, nearest=commands)
        elif (mood or mood_of(meant.words)) is Mood.QUESTION:
            meant = replace(meant, nearest=_of_all(table, meant.nearest))
        elif set(meant.nearest) == set(map(table.details, _EITHER)):  # a name that is unknown
            meant = replace(meant, nearest=_of_all(table, ()))
        given = {
            command.id: await self._filled(
                command, meant.given.get(command.id, {}), found, number, reason
            )
            for command in meant.nearest
        }
        return replace(meant, given=given)

    async def fit(self, unclear: Unclear) -> tuple[Mapping[str, str], str]:
        """What is understood of a line that begins as its command does; and as a line to type.

        No line where it would say too little, or nothing that is known.
        """
        command = unclear.command
        found = await self._spotted(unclear.behind)
        words, reason = _without_reason(found)
        if not (found.machine or found.node):
            return await self._filled(command, unclear.fit, found, "", reason), ""
        read, _ = given_to(command, [*_named(command, found), *words])
        fit = await self._filled(command, {**unclear.fit, **read}, found, "", reason)
        has_target = any(p.arg.kind.is_target and p.name in fit for p in command.parameters)
        is_whole = has_target and not command.missing(fit)
        if command.effect_of(fit) is not Effect.READ:  # “tonight” is not passed over
            said = [word for word in words if not _says_nothing(word)]
            is_whole = is_whole and given_to(command, [*_named(command, found), *said])[1]
        return fit, _line(command, fit, found) if is_whole else ""

    async def mood(self, unclear: Unclear) -> Mood:
        """What a line is for that begins as its command does: mostly, to have that done.

        A “not” among what is said of the machine forbids nothing: “restart ada cuda not found”.
        """
        found = await self._spotted(unclear.behind)
        begins = unclear.line[: len(unclear.line) - len(unclear.behind)]
        has_name = bool(found.machine or found.node)
        told = mood_of([*begins, *_unnamed(found, unclear.behind)])
        behind = " ".join(map(plain, found.behind))
        if has_name and (mood_of(found.before) is Mood.REFUSAL or _FORBIDS.match(behind)):
            return Mood.REFUSAL
        is_surely = told in {Mood.REPORT, Mood.LATER} or (told is Mood.REFUSAL and not has_name)
        return told if is_surely else Mood.REQUEST

    async def part(self, unclear: Unclear) -> bool:
        """Whether such a line is about a part of a thing, which its command does not touch."""
        found = await self._spotted(unclear.behind)
        begins = unclear.line[: len(unclear.line) - len(unclear.behind)]
        of = object_of((*begins, *found.before), found.behind, on_node=found.on_node)
        parts = parts_in(of) if found.machine or found.node else []
        return bool(parts) and unclear.command.id not in PARTS[parts[0]]

    async def _spotted(self, words: Sequence[str]) -> Spotted:
        services, place = self._services, self._place
        hidden = await hidden_from(services, self._actor, place, Listing.MACHINES, asking=False)()
        seen = await services.inventory.machines(self._actor, place.channel)
        no_nodes = await hidden_from(services, self._actor, place, Listing.NODES, asking=False)()
        nodes = (await services.store.known()).nodes()
        return spotted(
            words,
            [one for one in seen if one.node not in hidden],
            [one for one in nodes if one.id not in no_nodes],
            is_of_language,
        )

    async def _filled(
        self,
        command: Command,
        given: Mapping[str, str],
        found: Spotted,
        number: str,
        reason: str,
    ) -> Mapping[str, str]:
        """The arguments that are known to exist, and those that name nothing."""
        values = await self._said(command, given)
        for parameter in command.parameters:
            kind = parameter.arg.kind
            if parameter.name == "vm" and found.machine is not None:
                values[parameter.name] = found.machine.task
                if command.node_option is not None:
                    values[command.node_option.name] = found.machine.node
            elif kind.is_node and found.node is not None and found.node.kind in kind.nodes:
                is_option = parameter is command.node_option
                if found.machine is None and (found.on_node or not is_option):
                    values[parameter.name] = found.node.id
            elif kind is ORDER and number:
                values[parameter.name] = number
        if reason and REASON not in values and command.effect_of(values) is not Effect.READ:
            values[REASON] = reason
        return values

    async def _said(self, command: Command, given: Mapping[str, str]) -> dict[str, str]:
        """Of what was given that which exists, or names nothing."""
        values: dict[str, str] = {}
        for name, text in given.items():
            parameter = command.parameter(name)
            if parameter is None:
                if option_called(name) is not None and name != NODE_OPTION:
                    values[name] = text
            elif await self._exists(command, parameter, text, given):
                values[parameter.name] = text
        return values

    async def _exists(
        self, command: Command, parameter: Parameter, text: str, given: Mapping[str, str]
    ) -> bool:
        """Whether a text can be filled in as it was read."""
        kind = parameter.arg.kind
        if kind.is_target or parameter.name == "vm":
            return False  # spotted, or unknown
        if parameter.arg.spoken is not None:
            return bool(parameter.arg.spoken(plain(text)))
        if kind.is_flag or kind.is_choice or kind.is_number or kind is PERSON:
            return True
        if not kind.is_sought:  # a text: what reads would look for whatever it is
            changes = command.effect_of({}) is not Effect.READ
            return not is_of_language(text) and (changes or _is_made(text))
        try:
            known = await known_names(
                self._services, command, given, kind, self._actor, self._place
            )
        except Refused:
            return False
        return bool(best(text, known)) if known else _is_made(text)


def _unnamed(found: Spotted, typed: Sequence[str]) -> Sequence[str]:
    """The words without a name, which says nothing of what is wished: 不夜城, 哪吒."""
    thing = found.machine or found.node
    names = {thing.nickname, thing.desc, thing.label} if thing is not None else set()
    if thing is None or names & NOTHINGS:
        return typed
    asks = ["?"] if typed[-1].endswith(("?", "？")) else []
    comma = [","] if found.is_parted else []
    return [*found.before, Word.of("…", '"…"'), *comma, *found.behind, *asks]


def _is_made(text: str) -> bool:
    """Whether nobody says a word like this one: an id, a file, a disk."""
    return _LOOKS_MADE.fullmatch(text) is not None


def _says_nothing(word: str) -> bool:
    return plain(word) in _SAY_NOTHING or not any(map(str.isalnum, word))


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


def _without_reason(found: Spotted) -> tuple[tuple[str, ...], str]:
    """The words without what says why behind a machine's name: “… it hangs”."""
    behind = found.behind
    begins = [
        (plain(word) in _WHY and (plain(word) != "it" or plain(then) not in _OF_A_VERB))
        or word.startswith(_WHY_BEGINS)
        for word, then in zip(behind, (*behind[1:], ""), strict=False)
    ]
    at = begins.index(True) if True in begins else None
    if found.machine is None or at is None:
        return found.words, ""
    if all(map(_says_nothing, (*found.before, *behind[:at]))):  # the wish comes behind the reason
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


def _line(command: Command, values: Mapping[str, str], found: Spotted) -> str:
    """The command with these values, as a person types it."""
    words: list[str] = []
    options: list[str] = []
    for name, text in values.items():
        parameter = command.parameter(name)
        kind = None if parameter is None else parameter.arg.kind
        if name == NODE_OPTION and found.machine is not None:
            continue
        if text == "true":
            options.append(name if kind is not None else f"--{name.replace('_', '-')}")
        elif kind is not None and kind.is_machine and found.machine is not None:
            words.append(quoted(found.machine.label))
        elif kind is not None and kind.is_node and found.node is not None:
            options.append(f"{name}={quoted(found.node.label)}")
        else:
            options.append(f"{name}={quoted(text)}")
    return " ".join([command.title, *words, *options])


def _named(command: Command, found: Spotted) -> Sequence[str]:
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
