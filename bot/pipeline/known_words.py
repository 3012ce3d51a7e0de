"""What a line that was not understood is about: the machine, the node or the order in it.

Only what exists, and is known to whoever typed the line, is filled into what is offered then.
Looks only at what is known here; asks nobody.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from bot.errors import Refused
from bot.folding import best, plain
from bot.ids import UserId
from bot.language.args import NODE_OPTION, REASON, Parameter, option_called
from bot.language.bound import is_in_vain
from bot.language.kinds import ORDER, PERSON
from bot.language.mood import Mood, mood_of
from bot.language.parse import NotUnderstood, spoken
from bot.language.row_parts import Listing
from bot.language.sorting import given_to
from bot.language.synonyms import is_about_others, is_of_language
from bot.language.table import Command
from bot.language.text import quoted
from bot.language.unclear import Surplus, Unclear
from bot.language.vocabulary import PARTS, parts_in
from bot.model import Effect, Machine, Node, Place
from bot.pipeline.context import Services
from bot.pipeline.heard import Heard, heard_of, says_nothing, unnamed, without_reason
from bot.pipeline.meant import known_names
from bot.pipeline.rights import hidden_from
from bot.pipeline.understood import is_made, named, said_keys, wholly, with_reads_instead
from bot.services.spotting import Spotted, spotted

# Behind the machine's name, of a whole command: no, after all.
_FORBIDS = re.compile(
    r"(?:no |please |pls )*(?:(?:don'?t|do not)(?! need| want)|别(?![的人])|不要(?!了)"
    "|(?:no|not|never|nothing|nope|不|别|不要|不了|算了)"
    "(?: (?:thanks|thank you|now|yet|please|谢谢))*$)"
)


_JOINING = frozenset("and & both also plus or 和 跟 与 还有 以及 同时 都 两台 或".split())  # noqa: SIM905


class KnownWords:
    """What a person may mean by the words of a line."""

    def __init__(self, services: Services, actor: UserId, place: Place) -> None:
        self._services = services
        self._actor = actor
        self._place = place

    async def with_known(
        self, meant: NotUnderstood, mood: Mood | None = None
    ) -> tuple[NotUnderstood, Spotted]:
        """The suggestions with what the line is about, and the machines of which it speaks.

        `mood` is that of the line, where it is known.
        """
        found = await self._spotted(meant.words)
        heard = heard_of(self._services.table, meant, found, mood)
        gated = await self._gated(heard)
        several = tuple(dict.fromkeys(one.label for one in heard.found.several))
        return replace(gated, several=several if len(several) > 1 else ()), heard.found

    async def _gated(self, heard: Heard) -> NotUnderstood:
        """What changes something only where that accounts for the whole line; else what reads."""
        given: dict[str, Mapping[str, str]] = {}
        for command in heard.meant.nearest:
            is_read = command.effect_of({}) is Effect.READ
            said = (
                heard.meant.given.get(command.id, {})
                if is_read
                else wholly(self._services.table, command, heard.found, heard.mood)
            )
            if said is None:
                continue
            filled = await self._filled(command, said, heard.found, heard.number, heard.reason)
            if is_read or said_keys(command, said) <= filled.keys():
                given[command.id] = filled
        meant = with_reads_instead(
            self._services.table, heard.meant, heard.found, heard.mood, given
        )
        for command in meant.nearest:
            if command.id not in given:
                given[command.id] = await self._filled(command, {}, heard.found, heard.number, "")
        return replace(meant, given=given)

    async def fit(self, unclear: Unclear) -> tuple[Mapping[str, str], str]:
        """What is understood of a line that begins as its command does; and as a line to type.

        No line where it would say too little, or nothing that is known.
        """
        command = unclear.command
        found = await self._spotted(unclear.behind)
        words, reason = without_reason(found)
        if found.node is not None and found.machine is None and command.node_option is not None:
            found = replace(found, on_node=True)  # `image delete ubuntu.qcow2 gpu1`
        told = spoken(command, unclear.behind) if command.worst_effect is Effect.READ else {}
        if not (found.machine or found.node):
            return await self._filled(command, {**told, **unclear.fit}, found, "", reason), ""
        read, _ = given_to(command, [*named(command, found), *words])
        fit = await self._filled(command, {**told, **unclear.fit, **read}, found, "", reason)
        has_target = any(p.arg.kind.is_target and p.name in fit for p in command.parameters)
        is_whole = has_target and not command.missing(fit)
        if command.effect_of(fit) is not Effect.READ:  # “tonight” is not passed over
            said = [word for word in words if not says_nothing(word)]
            is_whole = is_whole and given_to(command, [*named(command, found), *said])[1]
        return fit, _line(command, fit, found) if is_whole else ""

    async def rented(self, unclear: Unclear) -> Node | None:
        """The node that is named where the number of an order is asked for."""
        if not any(p.arg.kind is ORDER for p in unclear.command.parameters):
            return None
        found = await self._spotted(unclear.behind)
        return found.node if found.machine is None else None

    async def mood(self, unclear: Unclear) -> Mood:
        """What a line is for that begins as its command does: mostly, to have that done.

        A “not” among what is said of the machine forbids nothing: “restart ada cuda not found”.
        """
        found = await self._spotted(unclear.behind)
        begins = unclear.line[: len(unclear.line) - len(unclear.behind)]
        has_name = bool(found.machine or found.node)
        told = mood_of([*begins, *unnamed(found, unclear.behind)])
        behind = " ".join(map(plain, found.behind))
        if has_name and (mood_of(found.before) is Mood.REFUSAL or _FORBIDS.match(behind)):
            return Mood.REFUSAL
        is_surely = told is Mood.LATER or (told is Mood.REFUSAL and not has_name)
        return told if is_surely else Mood.REQUEST

    async def several(self, unclear: Unclear) -> tuple[Sequence[Machine], bool]:
        """The machines that a command names, and whether it says nothing else that it lacks."""
        found = await self._spotted(unclear.behind)
        is_joined = all(plain(word) in _JOINING or says_nothing(word) for word in found.beside)
        return found.several, is_joined

    async def names_machine(self, words: Sequence[str]) -> bool:
        """Whether words name a machine, or may name one."""
        found = await self._spotted(words)
        return bool(found.machine or found.several or found.is_unclear)

    async def other(self, unclear: Unclear) -> bool:
        """Whether such a line is about what its command is not: a part of a thing, another kind."""
        found = await self._spotted(unclear.behind)
        parts = parts_in(list(map(plain, found.words))) if found.machine or found.node else []
        if parts or (is_in_vain(found.words) and not without_reason(found)[1]):
            return not parts or unclear.command.id not in PARTS[parts[0]]
        command, table = unclear.command, self._services.table
        is_metal = command.group == "metal" and found.machine is not None
        is_bare = isinstance(unclear, Surplus) and table.group(unclear.line[0]) is None
        return is_bare and (is_metal or is_about_others(table, command, found.words))

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
                is_said = found.on_node or not is_option or parameter.name in given
                if found.machine is None and is_said:
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
        if kind.is_target or parameter.name == "vm" or parameter.arg.means_several(text):
            return False  # spotted, or unknown
        if parameter.arg.spoken is not None:
            return bool(parameter.arg.spoken(plain(text)))
        if kind.is_flag or kind.is_choice or kind.is_number or kind is PERSON:
            return True
        if not kind.is_sought:  # a text: what reads would look for whatever it is
            changes = command.effect_of({}) is not Effect.READ
            is_value = text.isdecimal() or not is_of_language(text)  # “digest at 9”
            return is_value and (changes or is_made(text))
        try:
            known = await known_names(
                self._services, command, given, kind, self._actor, self._place
            )
        except Refused:
            return False
        return bool(best(text, known)) if known else is_made(text)


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
