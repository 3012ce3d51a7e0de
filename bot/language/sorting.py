"""Which word behind a command belongs to which of its arguments. Pure."""

from collections.abc import Mapping, Sequence
from contextlib import suppress

from bot.errors import Refused, raise_all
from bot.folding import fold, plain
from bot.language import forms
from bot.language.args import NODE_OPTION, Parameter, option_called
from bot.language.canonical import canonical, options_of
from bot.language.cells import begins_with_title
from bot.language.chinese import BEFORE_PEOPLE, BEHIND_NODE, PREPOSITIONS
from bot.language.courtesy import COURTESIES, without_courtesy_behind
from bot.language.joined_words import apart, takes_node, takes_text, with_units
from bot.language.kinds import PERSON
from bot.language.placeholders import without_placeholders
from bot.language.rereading import flag_called, read_anew
from bot.language.table import Command
from bot.language.taking import Takes
from bot.language.text import (
    Word,
    is_decoration,
    is_quoted,
    option_name,
    parted,
    quoted,
)
from bot.language.unclear import Doubtful, Surplus, Twice, Unclear, secret_of, unknown_option
from bot.model import Effect
from bot.reply import Phrase, line, say
from bot.reply import command as to_type

# `session share gpu1 with @bob`: words that read well and say nothing.
WITH = frozenset({"with", "to", *BEFORE_PEOPLE})
_BEFORE_PEOPLE = WITH | {"from"}  # `session unshare gpu1 from @bob`

_TOWARDS = frozenset({"from", "to"})  # before an image server

_OFFERED = 40  # words of a line of which something may be understood though not all of it is
_FEW = 8  # of these may be too many

_TYPED = say("Treat the one you just typed as known to others and change it.")
_IF_TYPED = say("If you just typed one, treat it as known to others and change it.")

_CHANGES = say("{command} changes something, so it takes no {option}.")
_READS = say("{command} only reads, so it takes no {option}.")

# Between two names, or before one that is not meant: it is not clear which of them is.
_PARTING = frozenset({"or", "and", "not", "but", "except", "或", "和", "不"})


def given_to(command: Command, rest: Sequence[str]) -> tuple[Mapping[str, str], bool]:
    """What the rest of a line that was meant otherwise says to a command; whether all of it."""
    try:
        return arguments(command, rest)[0], True
    except Unclear as unclear:
        return {} if plain(unclear.word) in _PARTING else unclear.fit, False
    except Refused:
        return {}, False


def arguments(command: Command, rest: Sequence[str]) -> tuple[dict[str, str], dict[str, str]]:
    """The texts by parameter, and those of them that stood in quotes with their quotes."""
    try:
        return _without_courtesy(command, rest) or _understood(command, rest)
    except Unclear as unclear:
        unclear.fit = _fitting(command, rest, unclear) if len(rest) <= _OFFERED else {}
        raise


def with_bare(
    command: Command, bare: Sequence[str], values: Mapping[str, str]
) -> tuple[dict[str, str], dict[str, str]]:
    """The same of words without a `key=`, and what else was given. Raises Refused."""
    found = dict(values)
    _positional(command, bare, found)
    return _as_values(command, found)


def _without_courtesy(
    command: Command, rest: Sequence[str]
) -> tuple[dict[str, str], dict[str, str]] | None:
    """The same without the courtesies at the end; None where that says too little: “name x ok”."""
    bare = without_courtesy_behind(rest)
    if bare == list(rest):
        return None
    with suppress(Refused):
        found = _understood(command, bare)
        return None if command.missing(found[0]) else found
    return None


def _understood(command: Command, rest: Sequence[str]) -> tuple[dict[str, str], dict[str, str]]:
    """The same, of words as they stand, or else as people talk."""
    try:
        return _as_values(command, sorted_out(command, without_placeholders(command, rest)))
    except (Unclear, Twice) as unclear:
        anew, doubtful = read_anew(command, rest)
        if anew == list(rest):
            raise
        try:
            found = _as_values(command, sorted_out(command, anew))
        except (Unclear, Twice):
            raise unclear from None
        if doubtful:
            raise Doubtful(command, doubtful, found[0]) from None
        return found


def _fitting(command: Command, rest: Sequence[str], unclear: Unclear) -> Mapping[str, str]:
    """What can be understood of words of which a few do not fit.

    Behind such a word a flag may mean its contrary: “no force”.
    """
    like: Mapping[str, str] = unclear.like
    for _ in range(_FEW):
        if isinstance(unclear, Doubtful):
            return unclear.values
        at = next((i for i, word in enumerate(rest) if parted(word)[0] == unclear.word), None)
        if at is None:
            return {}
        flagless = (word for word in rest[at + 1 :] if not _is_flag(command, word))
        rest = [*rest[:at], *(word for word in flagless if parted(word)[0] != unclear.word)]
        try:
            return {**_understood(command, rest)[0], **like}
        except Unclear as more:
            unclear, like = more, {}
        except Refused:
            return {}
    return {}


def _is_flag(command: Command, word: str) -> bool:
    """Whether a word is a flag of the command itself: `force`, `--force`, `force=true`."""
    head = parted(word)[0]
    return flag_called(command, option_name(head) or head) is not None


def _as_values(command: Command, values: dict[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    node = command.parameter(NODE_OPTION)
    if node is not None and NODE_OPTION in values:
        _set(command, values, node.name, values.pop(NODE_OPTION))
    spelled = {
        name: word.spelled
        for name, word in values.items()
        if isinstance(word, Word) and word.spelled != word
    }
    try:
        values = canonical(command, values)
    except Refused as refusal:
        raise_all(forms.with_others(command, values, refusal))
    _check_options(command, values)
    return values, spelled


def sorted_out(command: Command, rest: Sequence[str]) -> dict[str, str]:
    """Which word belongs to what."""
    values: dict[str, str] = {}
    bare: list[str] = []
    queue = with_units(command, list(apart(command, rest)))
    takes_people = any(p.arg.kind is PERSON for p in command.parameters)
    while queue:
        if _takes_whole_line(command, bare, queue, values):
            break
        word = queue.pop(0)
        if (
            queue
            and fold(word) in _BEFORE_PEOPLE
            and (queue[0][:1] in {"@", "#"} or (takes_people and queue[0].isalpha()))
        ):
            continue
        if queue and queue[0].startswith("/") and _is_before_directory(command, word):
            _set(command, values, "directory", queue.pop(0))
        elif queue and _is_before_node(command, word):
            _set(command, values, NODE_OPTION, queue.pop(0))
            if queue and fold(queue[0]) in BEHIND_NODE:  # 在 gpu1 上
                queue.pop(0)
        elif queue and (named := _named_next(command, word)):
            _set(command, values, named.name, queue.pop(0))
        elif not _named(command, word, queue, values):
            bare.append(_up_to_line(command, word, queue))
    _positional(command, bare, values)
    return values


def _preposition(word: str) -> str:
    return PREPOSITIONS.get(fold(word), fold(word))


def _is_before_node(command: Command, word: str) -> bool:
    """Whether the word after this one is a node: `on gpu1`; `to gpu1`, where no server goes so."""
    said = _preposition(word)
    if said in _TOWARDS:
        return command.node_option is not None and command.parameter(said) is None
    return said == NODE_OPTION and takes_node(command) and not _is_choice(command, word)


def _is_before_directory(command: Command, word: str) -> bool:
    """Whether the path after this word is a directory: `disk add train-01 100 on /data2`."""
    return _preposition(word) in {NODE_OPTION, "in", "to"} and bool(command.parameter("directory"))


def _named_next(command: Command, word: str) -> Parameter | None:
    """The parameter that the word after this one is for: `from hub`, `to hub`, `by 50`."""
    said = _preposition(word)
    found = command.parameter(said)
    is_by = found is not None and said == "by" and found.arg.kind.is_choice  # `cost by person`
    return found if found is not None and (is_by or said in found.arg.kind.after) else None


def _is_choice(command: Command, word: str) -> bool:
    """Whether the word is one of a parameter's own: `metal power on slot-1`."""
    return any(p.arg.kind.is_choice and p.arg.accepts(word) for p in command.parameters)


def _check_options(command: Command, values: Mapping[str, str]) -> None:
    """Refuse options that say nothing for this command."""
    changes = command.effect_of(values) is not Effect.READ
    for option in options_of(command):
        if option.name in values and not option.fits(changes=changes):
            told = _CHANGES if changes else _READS
            given = {"command": line(to_type(command.title)), "option": line(option.usage)}
            raise Refused(told.filled(given.__getitem__))


def _up_to_line(command: Command, word: str, queue: list[str]) -> str:
    """A word; of `r=vm`, where a line follows, the `r`: the rest begins the line."""
    name, equals, first = parted(word)
    if (
        not equals
        or not name
        or all(p.arg.kind.takes is not Takes.LINE for p in command.parameters)
    ):
        return word
    if first:
        queue.insert(0, first)
    return name


def _takes_whole_line(
    command: Command, bare: Sequence[str], queue: Sequence[str], values: dict[str, str]
) -> bool:
    """Where an argument is a line of its own, what is left belongs to it, options and all."""
    for position, parameter in enumerate(command.parameters):
        if parameter.arg.kind.takes is not Takes.LINE or parameter.name in values:
            continue
        before = command.parameters[:position]
        filled = len(bare) + sum(p.name in values for p in before) >= len(before)
        if filled and parted(queue[0])[:2] != (parameter.name, "="):
            _set(command, values, parameter.name, " ".join(quoted(word) for word in queue))
            return True
    return False


def _named(command: Command, word: str, queue: list[str], values: dict[str, str]) -> bool:
    """Take `key=value`, `--key value` and flags; say whether the word was one of them."""
    head, equals, value = parted(word)
    option = option_name(head)
    key = option or head
    parameter = command.parameter(key) or (None if equals else flag_called(command, key))
    name, is_flag = fold(key), False
    if parameter is not None:
        if equals or option is not None:
            _refuse_secret(parameter)
        name, is_flag = parameter.name, parameter.arg.kind.is_flag
    elif not equals and option is None and not _is_flag_in_chinese(command, word):
        return False
    elif everyones := option_called(key):
        name, is_flag = everyones.name, everyones.arg.kind.is_flag
    elif name != NODE_OPTION or not takes_node(command):
        if (option is not None or key.isidentifier()) and not takes_text(command):
            raise unknown_option(command, head)
        return False
    if not equals and not is_flag and (option is None or not queue):
        return False
    _set(command, values, name, value if equals else "true" if is_flag else queue.pop(0))
    return True


def _is_flag_in_chinese(command: Command, word: str) -> bool:
    """Whether a word is an option that is written without dashes: 试运行."""
    if word.isascii() or takes_text(command) or begins_with_title(word):
        return False
    found = option_called(word)
    return found is not None and found.arg.kind.is_flag


def _set(command: Command, values: dict[str, str], name: str, value: str) -> None:
    if plain(values.setdefault(name, value)) != plain(value):
        parameter = command.parameter(name)
        raise Twice(name, parameter.word if parameter else name, values[name], value)


def _positional(command: Command, bare: Sequence[str], values: dict[str, str]) -> None:
    named, given = dict(values), bare
    # What stands between names in a list, or before one; alone, it may be one.
    bare = [word for word in bare if not is_decoration(word)] or bare
    free = _in_order(command, bare, values)
    for position, word in enumerate(bare):
        parameter = next((p for p in free if p.arg.accepts(word)), None)
        if parameter is None and plain(word) in COURTESIES and not is_quoted(word):
            continue
        if parameter is None:
            if secret := secret_of(command):
                # Most likely what the word is: not to be repeated, nor called one that leaked.
                _refuse_secret(secret, hint=_IF_TYPED)
            key, equals, _ = parted(word)
            known = f"{key}=…" if equals else word  # what follows may be a secret
            raise Surplus(command, known, given, named)
        free.remove(parameter)
        if parameter.arg.kind.takes is Takes.REST:
            if parameter.arg.narrow and len(bare) > position + 1:
                several = " ".join(bare[position:])
                told = say(
                    "{label} is one word, not “{several}”.",
                    label=parameter.arg.label, several=several,
                )  # fmt: skip
                raise Surplus(command, several, given, named, told)
            _set(command, values, parameter.name, " ".join(bare[position:]))
            return
        _set(command, values, parameter.name, word)


def _in_order(command: Command, bare: Sequence[str], values: Mapping[str, str]) -> list[Parameter]:
    """The parameters that bare words may fill, in the order in which they do.

    A line that begins with a choice (`vm logs head 20`) has left out the name that stands before
    it: what can only be a choice or a number is that.
    """
    free = [p for p in command.parameters if p.name not in values and not p.arg.kind.is_flag]
    choices = [p for p in free if p.arg.kind.is_choice]
    begins, *others = [any(p.arg.accepts(word) for p in choices) for word in bare] or [False]
    if begins and not any(others):
        return sorted(free, key=lambda p: p.arg.kind.strictness)
    return free


def _refuse_secret(parameter: Parameter, hint: Phrase = _TYPED) -> None:
    if parameter.arg.kind.is_secret:
        raise Refused(
            say(
                "{label} can be given only in the form, never typed: what is typed stays readable "
                "in Slack.",
                label=parameter.arg.label,
            ),
            hint=hint,
            field=parameter.name,
        )
