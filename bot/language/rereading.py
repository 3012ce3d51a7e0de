"""A line that does not fit its command, read the way people talk. Pure.

`vm restart train-01 force because it hangs`, `vm modify train-01 gpu 2`. What fits as it stands is
never read anew.
"""

import re
from collections import deque
from collections.abc import Sequence

from bot.folding import fold, plain
from bot.language.args import NODE_OPTION, REASON, Parameter, option_called
from bot.language.bound import not_yet
from bot.language.chinese import BEHIND_NODE, PREPOSITIONS
from bot.language.courtesy import COURTESIES
from bot.language.kinds import HOURS, INT, MOMENT
from bot.language.table import Command
from bot.language.taking import Takes
from bot.language.talk import as_talked
from bot.language.text import Word, is_decoration, is_quoted, option_name, parted
from bot.model import Effect
from bot.orders.months import NAMED

COMMA = re.compile("[,;，；、]")
_WHY = frozenset("reason because since 原因 因为 理由 由于 # -- — //".split())  # noqa: SIM905
_WHY_FIRST = re.compile("(?:reason|原因|理由|因为)[:：](.+)")
_LATE = 5  # words at the end, among which a node may stand
# Behind “on”, what is no node's name.
_NO_NAMES = BEHIND_NODE | frozenset(
    "it its the a an this that these those them my our your his her their one all any every "  # noqa: SIM905
    "some top hold purpose demand time call holiday fire boot startup login 它 他 她 这 那".split()
)
# Between a name and what it is.
_JOINTS = frozenset({"is", "to", "of", "=", ":", "为", "到", "是"})
# Behind a number that is no size.
_COUNTED = frozenset({"lines", "line", "rows", "行", "条"})
# Of a span of time, where the value is a text: `since 2 hours`.
_SPANS = {
    **dict.fromkeys(("minutes", "minute", "mins", "min", "分钟"), "m"),
    **dict.fromkeys(("hours", "hour", "小时", "个小时"), "h"),
    **dict.fromkeys(("days", "day", "天"), "d"),
    **dict.fromkeys(("weeks", "week", "周"), "w"),
}


# For how long: `for 2 hours`, `2h`, `一天`.
_NUMBERS = {"a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "一": 1, "两": 2, "三": 3}
_HOURS_OF = {"h": 1, "个小时": 1, "小时": 1, "d": 24, "天": 24, "w": 168, "个星期": 168, "周": 168}
_FOR_SO_LONG = re.compile(
    r"(?:(?<=\s)|^)(?:for |持续 ?|用 ?)?(?P<number>\d{1,6}|an?|one|two|three|four|[一两三]) ?"
    r"(?P<unit>h(?:(?:ou)?rs?)?|days?|weeks?|个?小时|天|周|个星期)(?=\s|$)",
    re.IGNORECASE,
)
_WHICH_MONTH = {"last": "last", "previous": "last", "past": "last", "this": "this"}
_MONTHS = {"month": "", "上个月": "last", "上月": "last", "这个月": "this", "本月": "this"}
_YEAR = re.compile(r"20\d\d")
_BEFORE_MONTH = frozenset({"for", "in", "of", "the", "的"})


def is_own(command: Command, word: str) -> bool:
    """Whether a word is one of the language here: a flag, `on`, `key=value`, an option."""
    head, equals, _ = parted(word)
    option = option_name(head)
    if option is not None or equals:
        return bool(command.parameter(option or head) or option_called(option or head))
    return flag_called(command, word) is not None or plain(word) == NODE_OPTION


def flag_called(command: Command, word: str) -> Parameter | None:
    """The flag that a word is, whatever stands around it: `force.`, `*force*`."""
    found = command.parameter(plain(word))
    return found if found is not None and found.arg.kind.is_flag else None


def read_anew(command: Command, typed: Sequence[str]) -> tuple[list[str], str]:
    """The words with a reason in one, and with `key=value` for what is named without a sign.

    Beside them the word of the reason that may be meant as more than that; mostly there is none.
    """
    if any(p.arg.kind.is_secret or p.arg.kind.takes is not Takes.WORD for p in command.parameters):
        return list(typed), ""
    words, doubtful = _with_reason(command, _with_place(typed))
    words = _with_names(command, _with_month(command, _with_hours(command, words)))
    return as_talked(command, words), doubtful


def _with_place(typed: Sequence[str]) -> list[str]:
    """`gpu1 上的 inference` as `on gpu1 inference`."""
    words = list(typed)
    for at, word in enumerate(words[1:-1], start=1):
        if plain(word) == "上的":
            return [*words[: at - 1], NODE_OPTION, words[at - 1], *words[at + 1 :]]
    return words


def _with_reason(command: Command, words: list[str]) -> tuple[list[str], str]:
    """What stands behind `reason` up to the end, or to an option for everyone, as one word."""
    if command.worst_effect is Effect.READ:
        return words, ""
    for start, word in enumerate(words):
        begun = _begun(word) if start else None
        if begun is None:
            continue
        end = len(words)
        while end > start + 1 and _is_harmless(command, words[end - 1]):
            end -= 1
        behind = words[start + 1 : end]
        text = " ".join([begun, *behind]).strip()
        said = [Word.of(f"{REASON}={text}", f'{REASON}="{text}"')] if text else []
        return [*words[:start], *said, *words[end:]], _doubtful(command, behind)
    return words, ""


def _is_harmless(command: Command, word: str) -> bool:
    """Whether a word is a flag that any command takes, and that makes nothing worse: `--json`."""
    option = option_name(word)
    found = None if option is None or command.parameter(option) else option_called(option)
    return found is not None and found.arg.kind.is_flag


def _doubtful(command: Command, said: Sequence[str]) -> str:
    """The word behind `reason` that may be none of it: read as text, it would be lost.

    Options and `key=value` wherever they stand; at the end also a bare flag, and a node.
    """
    bare = [word for word in said if not is_decoration(word)]
    if early := not_yet(" ".join(map(plain, bare))):
        return early
    while bare and plain(bare[-1]) in COURTESIES:
        bare.pop()
    if bare and not is_quoted(bare[-1]):
        bare = [*bare[:-1], *filter(None, map(str.strip, COMMA.split(bare[-1])))]
    for word in bare:
        if is_quoted(word):  # “reason "x=y"”
            continue
        head, equals, _ = parted(word)
        if option_name(head) is not None or (equals and head.isidentifier()):
            return word
        if not word.isascii() and _is_flag_for_everyone(word):
            return word
    if bare and (flag_called(command, bare[-1]) or _is_flag_for_everyone(bare[-1])):
        return bare[-1]
    if len(bare) > 1 and _is_flag_for_everyone("-".join(bare[-2:])):  # dry run
        return " ".join(bare[-2:])
    late = bare[-_LATE:]
    return next(filter(None, map(_on_a_node, late, late[1:])), "")


def _on_a_node(before: str, word: str) -> str:
    """Both words, where they may say on which node: `on gpu1`, but not `on it`."""
    is_node = PREPOSITIONS.get(fold(before), fold(before)) == NODE_OPTION
    return f"{before} {word}" if is_node and plain(word) not in _NO_NAMES else ""


def _is_flag_for_everyone(word: str) -> bool:
    found = option_called(plain(word))
    return found is not None and found.arg.kind.is_flag


def _begun(word: str) -> str | None:
    """What a word that begins a reason says of it already; None where it begins none."""
    if is_quoted(word):
        return None
    if glued := _WHY_FIRST.fullmatch(word):
        return glued[1]
    key, equals, begun = parted(word)
    named = option_called(key) if equals else None
    if named is not None and named.name == REASON:
        return begun
    return "" if plain(word) in _WHY or fold(word) in _WHY else None


def _with_names(command: Command, words: list[str]) -> list[str]:
    read: list[str] = []
    queue = deque(words)
    counts = any(p.arg.kind is INT for p in command.parameters)
    while queue:
        word = queue.popleft()
        if counts and read and plain(word) in _COUNTED and _is_number(read[-1]):
            continue
        named = None if is_quoted(word) or parted(word)[1] else command.parameter(plain(word))
        has_joint = named is not None and len(queue) > 1 and _is_joint(named, queue[0])
        value = queue[has_joint] if queue else ""
        if named is None or not _is_value(command, named, value):
            read.append(word)
            continue
        if has_joint:
            queue.popleft()
        queue.popleft()
        read.append(f"{named.name}={value}{_unit(named, value, queue)}")
    return read


def _with_hours(command: Command, words: list[str]) -> list[str]:
    """What says for how long as `hours=`: `for 2 hours`, `2 days`, `for an hour`, `两天`."""
    named = next((p for p in command.parameters if p.arg.kind is HOURS), None)
    text = " ".join(words)
    found = list(_FOR_SO_LONG.finditer(text)) if named is not None else []
    if named is None or len(found) != 1 or any(map(is_quoted, words)):
        return words
    number, unit = found[0]["number"].lower(), found[0]["unit"].lower()
    many = int(number) if number.isdecimal() else _NUMBERS[number]
    hours = many * next(h for start, h in _HOURS_OF.items() if unit.startswith(start))
    before, behind = text[: found[0].start()].split(), text[found[0].end() :].split()
    return [*before, f"{named.name}={hours}", *behind]


def _with_month(command: Command, words: list[str]) -> list[str]:
    """`last month` as one word, where a month is asked for."""
    if command.parameter("month") is None:
        return words
    read: list[str] = []
    for word in words:
        said = plain(word)
        if NAMED.fullmatch(said):
            read.append(f"month={said}")
        elif _YEAR.fullmatch(said) and read and NAMED.fullmatch(read[-1].removeprefix("month=")):
            read[-1] += f" {said}"
        elif said in _MONTHS and said != "month":
            read.append(f"month={_MONTHS[said]}")
        elif said == "month" and read and plain(read[-1]) in _WHICH_MONTH:
            read[-1] = f"month={_WHICH_MONTH[plain(read[-1])]}"
        elif said not in _BEFORE_MONTH:
            read.append(word)
    return _with_node(command, read)


def _with_node(command: Command, words: list[str]) -> list[str]:
    """The word beside a month as a node, where it is nothing else: `cost gpu1 december`."""
    words = [f"month={w}" if plain(w) in _WHICH_MONTH and at else w for at, w in enumerate(words)]
    places = [at for at, word in enumerate(words) if "=" not in word and not is_own(command, word)]
    choices = [p.arg for p in command.parameters if p.arg.kind.is_choice]
    places = [at for at in places if not any(one.accepts(words[at]) for one in choices)]
    is_said = any(word.startswith("month=") for word in words)
    if is_said and len(places) == 1 and command.node_option is not None:
        words[places[0]] = f"{NODE_OPTION}={words[places[0]]}"
    return words


def _is_number(word: str) -> bool:
    return word.rpartition("=")[2].isdecimal()


def _is_joint(named: Parameter, word: str) -> bool:
    """Whether a word only leads to what is named; “by 8” is how much more, but “sort by name”."""
    return plain(word) in _JOINTS or (named.arg.kind.is_choice and plain(word) == "by")


def _is_value(command: Command, named: Parameter, value: str) -> bool:
    """Whether a word may be what the one before it names; `gpu +2` is no number of GPUs."""
    if not value or named.arg.kind.is_flag or is_own(command, value):
        return False
    return value[0].isalnum() or not named.arg.kind.is_number


def _unit(named: Parameter, value: str, queue: deque[str]) -> str:
    """The unit of a span of time, taken from what follows."""
    if named.arg.kind is not MOMENT or not value.isdecimal() or not queue:
        return ""
    if unit := _SPANS.get(plain(queue[0]), ""):
        queue.popleft()
    return unit
