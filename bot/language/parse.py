"""One parser for slash commands, mentions and direct messages.

Turns a line into a command with texts by parameter name, or into a usage problem. Pure, and
total: any text at all gives one or the other. Targets are resolved later
(`bot.pipeline.targets`).
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from bot.errors import Refused
from bot.folding import fold, peel, plain
from bot.language.alias import expanded
from bot.language.args import NODE_OPTION, option_called
from bot.language.chinese import GROUPS, flag_apart
from bot.language.courtesy import without_courtesy
from bot.language.kinds import PERSON, is_disk
from bot.language.mood import NOTHINGS, PRONOUNS, Mood, mood_of
from bot.language.secret_like import masked
from bot.language.sorting import arguments, given_to, sorted_out, with_bare
from bot.language.synonyms import nearest
from bot.language.table import Command, Table
from bot.language.text import (
    is_quoted,
    laid_out,
    option_name,
    quoted,
    unwrapped,
    words,
)
from bot.language.unclear import Several, Unclear, secret_of
from bot.language.vocabulary import GROUPS as THINGS
from bot.language.vocabulary import SETTINGS, VERBS
from bot.model import Effect
from bot.reply import say


@dataclass(frozen=True, slots=True)
class Parsed:
    """A command and the texts given for its parameters, for `on` and for everyone's options.

    `spelled` has those that stood in quotes with their quotes, which may belong to a name.
    """

    command: Command
    values: dict[str, str] = field(default_factory=dict)
    spelled: dict[str, str] = field(default_factory=dict, compare=False)

    def render(self) -> str:
        """A line that parses to the same."""
        given = [f"{name}={quoted(value)}" for name, value in self.values.items()]
        return " ".join([self.command.title, *given])


@dataclass(frozen=True, slots=True)
class HelpWanted:
    """A request for help: on a command, a group, or everything (both empty)."""

    group: str = ""
    command: Command | None = None


@dataclass(frozen=True, slots=True)
class NotUnderstood:
    """No command: what was typed, where that looks like one, and what comes nearest.

    `given` is what the rest of the line says to each of these, by the command's id; `words` are
    all of the line. `is_refused`: it says not to do what would change something. `is_later`: it
    wishes something later, or on a condition. `is_partial`: it may wish a change, but more stands
    in it than was understood; `about` names what it speaks of, and `alike` are
    those changes. `several`: the machines of which it names more than one.
    """

    typed: str
    nearest: tuple[Command, ...]
    given: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    words: tuple[str, ...] = ()
    is_refused: bool = False
    is_later: bool = False
    is_partial: bool = False
    about: str = ""
    alike: tuple[Command, ...] = ()
    several: tuple[str, ...] = ()


Parse = Parsed | HelpWanted | NotUnderstood

_MOST = 400  # words of a line; a text in quotes is one
_LONGEST_VERB = 8  # characters of Chinese that are no sentence
_LONGEST = 8_000  # characters of a line

_WALLET_WITHIN = 5
_WALLETS = frozenset({"wallet", "wallets", "钱包"})
_ARTICLES = frozenset({"the", "my", "our", "a"})
_FOLLOWING = frozenset("watch watching follow following track tracking monitor 关注 跟踪".split())  # noqa: SIM905
_NO_LONGER = frozenset("stop unwatch unfollow untrack 取消关注 取消跟踪 停止".split())  # noqa: SIM905
_TIMES = frozenset({"since", "until"})
_PLEASE = frozenset("please pls plz thanks thx 谢谢 多谢".split())  # noqa: SIM905
_HELP = frozenset({"help", "?", "帮助"})
_HELPS_NOT = frozenset({"doesnt", "didnt", "not", "wont", "cant", "cannot"})


def parse(
    table: Table,
    text: str,
    slash_command: str = "/dbc",
    aliases: Mapping[str, str] = MappingProxyType({}),
) -> Parse:
    """What the line means. Raises Refused (with the field) for an argument that cannot be."""
    if len(text) > _LONGEST:
        told = say("That is too long for a command: {number} characters.", number=len(text))
        raise Refused(told)
    typed = _typed(table, text, slash_command, aliases)
    if not typed:
        return HelpWanted()
    if len(typed) > _MOST:
        told = say("That is too long for a command: {number} words.", number=len(typed))
        raise Refused(told, hint=say("Put a long text in quotes."))
    wants_help = [word for word in typed if option_name(word) == "help" or plain(word) in _HELP]
    if len(typed) > 1 and plain(typed[-2]).replace("'", "") in _HELPS_NOT:
        wants_help = []  # “restart ada doesnt help”
    as_asked = any(option_called(option_name(word) or "") for word in typed)  # `help vm --json`
    if wants_help and (typed[-1] in wants_help or (typed[0] in wants_help and not as_asked)):
        return _help(table, [word for word in typed if word not in wants_help])
    command, rest = _command(table, typed)
    if command is None:
        if len(typed) == 1 and table.group(typed[0]):
            return _help_on_group(typed[0])
        return _of_a_time(table.find(typed[0], "list"), typed[1:]) or _not_understood(table, typed)
    given = _given(command, rest, typed)
    if isinstance(given, Parsed):
        return given
    values, spelled = given
    is_bare = table.group(typed[0]) is None
    values = _without_please(command, values, spelled) if is_bare else values
    if is_bare and (_names_nothing(command, values, spelled) or _is_shared(command, typed, values)):
        return _not_understood(table, typed)
    return Parsed(command, _without_guess(command, rest, values), spelled)


def with_words(command: Command, bare: Sequence[str], values: Mapping[str, str]) -> Parsed:
    """The command with these words without a `key=`, and what else was given. Raises Refused."""
    return Parsed(command, *with_bare(command, bare, values))


def refuse_secrets(table: Table, text: str, slash_command: str, aliases: Mapping[str, str]) -> None:
    """Raise Refused for a line that gives a secret, though it is not to be carried out now."""
    typed = _typed(table, text, slash_command, aliases)
    command, rest = _command(table, typed) if typed else (None, ())
    if command is not None and secret_of(command):
        sorted_out(command, rest)


def _typed(
    table: Table, text: str, slash_command: str, aliases: Mapping[str, str]
) -> Sequence[str]:
    """The words of a line from its command on, an alias replaced."""
    typed: Sequence[str] = words(unwrapped(laid_out(text)))
    while typed and plain(typed[0]) == fold(slash_command):
        typed = typed[1:]
    typed = without_courtesy(table, typed)
    named = plain(typed[0]) == fold(slash_command).removeprefix("/") if typed else False
    if named and len(typed) > 1 and _is_command(table, typed[1]):  # `dbc vm list`
        typed = typed[1:]
    if typed and not (typed[0].isascii() and _is_command(table, typed[0])):
        typed = expanded(typed, aliases)
    return flag_apart(typed)


def _is_command(table: Table, word: str) -> bool:
    return table.group(word) is not None or table.find("", word) is not None


def _of_wallet(table: Table, typed: Sequence[str]) -> tuple[Command | None, Sequence[str]]:
    """“Watch wallet 5G…”, “stop watching the wallet 5G…”: told of its rentals, or no longer."""
    said = [plain(word) for word in typed[:_WALLET_WITHIN]]
    at = next((i for i, word in enumerate(said) if word in _WALLETS), 0)
    before = frozenset(said[:at]) - _ARTICLES
    if not before or not before <= _FOLLOWING | _NO_LONGER:
        return None, typed
    verb = "unwatch" if before & _NO_LONGER else "watch"
    return table.find("order", verb), typed[at + 1 :]


def _command(table: Table, typed: Sequence[str]) -> tuple[Command | None, Sequence[str]]:
    command, rest = _of_wallet(table, typed)
    if command is not None:
        return command, rest
    if len(typed) > 1 and (command := table.find(typed[0], typed[1])):
        is_two = "-".join(map(plain, typed[1:3])) == command.verb  # `settings quiet hours 22-7`
        return command, typed[3 if is_two else 2 :]
    if command := table.find("", typed[0]):
        return command, typed[1:]
    if table.group(typed[0]) is not None:
        return None, typed[1:]
    if len(typed) > 1 and (command := table.find(typed[1], typed[0])):  # `restart vm 7a9Q`
        return command, typed[2:]
    alone = table.alone(typed[0])
    is_noun = alone is not None and len(typed) > 1 and _is_plural(alone, typed[1])
    return alone, typed[2 if is_noun else 1 :]


def _is_plural(command: Command, word: str) -> bool:
    """Whether a word is what the command is about: `check sessions`."""
    said = plain(word)
    is_of_group = command.group in THINGS.get(said, ())[:1]
    return is_of_group and said.endswith("s") and not is_quoted(word)


def _help(table: Table, topic: Sequence[str]) -> HelpWanted | NotUnderstood:
    if not topic:
        return HelpWanted()
    command, _ = _command(table, topic)
    if command is not None:
        return HelpWanted(command=command)
    if len(topic) == 1 and table.group(topic[0]):
        return _help_on_group(topic[0])
    return _not_understood(table, topic)


def _help_on_group(name: str) -> HelpWanted:
    return HelpWanted(group=GROUPS.get(plain(name), plain(name)))


def _not_understood(table: Table, typed: Sequence[str]) -> NotUnderstood:
    return meant_by(table, typed, typed, mood_of(typed))


def meant_by(
    table: Table,
    typed: Sequence[str],
    words: Sequence[str],
    mood: Mood,
    about: Sequence[str] = (),
    named: Callable[[Command], Sequence[str]] = lambda _: (),
) -> NotUnderstood:
    """What a line may mean of which these words are left, once what it is `about` is known.

    `named` says it to a command.
    """
    found = nearest(table, words, mood, about)
    if mood is Mood.LATER and all(command.group == "settings" for command in found.commands):
        mood = Mood.REQUEST  # “digest at 9”
    given = {
        c.id: {
            **given_to(c, [*named(c), *_people(c, typed), *found.rest])[0],
            **spoken(c, typed),
        }
        for c in found.commands
    }
    is_refused = mood is Mood.REFUSAL and any(
        command.effect_of({}) is not Effect.READ for command in nearest(table, words).commands
    )
    return NotUnderstood(
        _like_a_command(table, typed),
        found.commands,
        given,
        tuple(typed),
        is_refused=is_refused,
        is_later=mood is Mood.LATER,
    )


def _people(command: Command, typed: Sequence[str]) -> list[str]:
    """The people in a line, for a command that takes one."""
    takes_people = any(p.arg.kind is PERSON for p in command.parameters)
    return [word for word in typed if word.startswith("@")] if takes_people else []


def _like_a_command(table: Table, typed: Sequence[str]) -> str:
    """What stands in the place of a command: `vm restrat`, or a single word; else people talk.

    What looks like a secret is not repeated, nor is the name of a command called unknown.
    """
    bare = [word for word in map(peel, typed) if word]
    said = " ".join(bare[:2])
    if masked(said) != said or (len(bare) > 1 and table.find(*bare[:2]) is not None):
        return ""
    if len(bare) == 1:
        return bare[0] if bare[0].isascii() or len(bare[0]) <= _LONGEST_VERB else ""
    return " ".join(bare[:2]) if bare and table.group(bare[0]) is not None else ""


def spoken(command: Command, typed: Sequence[str]) -> dict[str, str]:
    """What a sentence says of a command's arguments in words of its own: `last month`."""
    told = plain(" ".join(typed))
    found = {p.name: p.arg.spoken(told) for p in command.parameters if p.arg.spoken is not None}
    return {name: text for name, text in found.items() if text}


def _without_guess(command: Command, rest: Sequence[str], values: dict[str, str]) -> dict[str, str]:
    """Without a size of which a line, that lacks more, does not say whether it is how much more.

    `扩容 train-01 200G`: the form asks for both.
    """
    is_told = any("=" in word or plain(word) in {"to", "到"} for word in rest)
    if is_told or not command.missing(values):
        return values
    unsure = {p.name for p in command.parameters if p.arg.instead}
    return {name: text for name, text in values.items() if name not in unsure}


def _refuse_several(
    command: Command, values: Mapping[str, str], spelled: Mapping[str, str]
) -> None:
    """Raise Several where what is to change is called “all”, without quotes."""
    if command.effect_of(values) is Effect.READ:
        return
    for parameter in command.parameters:
        text = values.get(parameter.name, "")
        if parameter.arg.means_several(text) and parameter.name not in spelled:
            several = Several(command, parameter, text)
            several.fit = {n: one for n, one in values.items() if n != parameter.name}
            raise several


def _is_shared(command: Command, typed: Sequence[str], values: Mapping[str, str]) -> bool:
    """Whether a verb without its group means others, and what it is given is not for this one."""
    others, target = VERBS.get(plain(typed[0]), ()), command.target
    machine = target.name if target is not None and target.arg.kind.is_machine else ""
    if machine and is_disk(values.get(machine, "")) and NODE_OPTION in values:
        return True  # `resize vdb on train-01`
    if not values or not others or command.id in others[:1]:
        return False
    if command.group == "metal" and command.target and command.target.name in values:
        return bool(command.missing(values))  # `boot inference`
    if command.id in others or command.check is None:
        return False
    try:
        command.check({**command.defaults, **values})
    except Refused:
        return True
    return False


def _given(
    command: Command, rest: Sequence[str], typed: Sequence[str]
) -> Parsed | tuple[dict[str, str], dict[str, str]]:
    """What a command is given, and how that is spelled; all of it where only a time is said."""
    try:
        values, spelled = arguments(command, rest)
        _refuse_several(command, values, spelled)
    except Unclear as unclear:
        if read := _of_a_time(command, rest):
            return read
        unclear.behind = tuple(rest)
        unclear.line = tuple(typed)
        raise
    return values, spelled


def _of_a_time(command: Command | None, rest: Sequence[str]) -> Parsed | None:
    """What reads since when, where nothing else is said: `audit yesterday`, `audit since 9am`."""
    if command is None or command.parameter("since") is None or not rest:
        return None
    values = spoken(command, rest)
    since, told = values.get("since", ""), plain(" ".join(rest))
    is_all = re.fullmatch(rf"(?:(?:for|of|from|since|after|at) )?{re.escape(since)}", told)
    return Parsed(command, values) if since and is_all and values.keys() <= _TIMES else None


def _without_please(
    command: Command, values: dict[str, str], spelled: Mapping[str, str]
) -> dict[str, str]:
    """Without a “please” where a name could stand: `logs please`."""
    polite = {
        p.name
        for p in command.parameters
        if p.arg.kind.is_target
        and p.name not in spelled
        and plain(values.get(p.name, "")) in _PLEASE
    }
    return {name: text for name, text in values.items() if name not in polite}


def _names_nothing(command: Command, values: Mapping[str, str], spelled: Mapping[str, str]) -> bool:
    """Whether what is to change has no name, without quotes: `restart it`, `reset language`."""
    named = [p.name for p in command.parameters if p.arg.kind.is_target and p.name in values]
    changes = command.effect_of(values) is not Effect.READ
    nothing = NOTHINGS | PRONOUNS | SETTINGS
    return changes and any(name not in spelled and plain(values[name]) in nothing for name in named)
