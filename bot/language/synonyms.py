"""Which commands people mean by other words, in English and Chinese. Pure.

What comes nearest is only offered, never run. Whatever disrupts or destroys more comes later.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher, get_close_matches

from bot.folding import plain
from bot.language.chinese import WITH_FLAG
from bot.language.clauses import PASSING, clauses, in_one, is_past
from bot.language.mood import Mood
from bot.language.table import Command, Table
from bot.language.text import is_quoted
from bot.language.traditional import simplified
from bot.language.vocabulary import BESIDE, GROUPS, PARTS, SETTINGS, STATES, VERBS, parts_in
from bot.model import Effect

MOST = 4  # commands that are offered
_MANY = 5  # words of a line that goes on before it comes to what it wants
_ALIKE = 0.7  # of a word and its typo, as difflib counts
# For what takes something away it has to be nearer: `recover`, `remote`, `delegate` and `step` are
# words of their own, `deletee` and `shutdow` are slips.
_NEARER = 0.87
_TITLES_ALIKE = 0.6
_TITLE_IS = 0.85  # where nothing else can be meant


_CHINESE = re.compile(r"[\u4e00-\u9fff]+")
_PIECES = re.compile(r"[\u4e00-\u9fff]+|[^\u4e00-\u9fff]+")
# What asks which one, not about one: nothing is to change.
_WHICH = re.compile("(?:what|which|what.?s)$|哪|什么|几台")
_NOT = re.compile("[不别没勿]|是否")
_WHO = frozenset("who whos whose whom 谁 谁删的 谁删了 谁动了 谁改的 谁干的 谁做的".split())  # noqa: SIM905
# Of two words, with a name between them or not: “turn ada back on”.
APART = {
    **dict.fromkeys(
        ("on", "up"),
        ("start", frozenset(["turn", "switch", "power", "bring", "boot", "fire", "put"])),
    ),
    **dict.fromkeys(
        ("off", "down"),
        ("shutdown", frozenset(["turn", "switch", "power", "shut", "take", "bring"])),
    ),
}
_DEEDS = frozenset({"snapshot", "快照"})  # groups that are verbs, too
_IS = frozenset("is are was were be been its it's seems looks went gone keeps still".split())  # noqa: SIM905
_ASKING = frozenset(
    "what whats which how do does did is are was will would it there that we you they i".split()  # noqa: SIM905
)
_NEGATIONS = frozenset(
    "not cant cannot wont doesnt didnt isnt couldnt wouldnt never unable fails failed".split()  # noqa: SIM905
)
# Spelled like verbs, and none.
_COMMON = frozenset(
    "same like make want need hate love come came give keep tell know think sure fine only dont "  # noqa: SIM905
    "once over part last least state fresh rest repeat result resolve".split()
)
_FORCE = frozenset({"强制", "force", "forced", "forcibly"})
_NEW = frozenset({"new", "another", "新"})
_JOINTS = re.compile(r"[\s._/-]+")
_SHOWN_ALONE = frozenset({"vm", "node", "approval", "order"})
_NAMED, _NUMBERED = ("vm.show", "node.show"), ("order.show", "vm.show")
_LOOKING = frozenset(
    "查看 查询 看 看看 看下 看一下 显示 show get see view display print".split()  # noqa: SIM905
)
_KNOWN = sorted(
    (w for w in {*GROUPS, *VERBS, *_FORCE, *BESIDE} if _CHINESE.match(w)),
    key=len,
    reverse=True,
)


_SAID = frozenset(
    {*GROUPS, *VERBS, *_FORCE, *BESIDE, *STATES, *_IS, *_WHO, *_LOOKING}
    | set("dont not no never nothing nope cant wont on off at in by be do did does done has have "  # noqa: SIM905
          "had and or but because since when where which why how who there here this that these "
          "those they them then than too very much many more most some any one two was were it "
          "it's its he she his her last next night day today yesterday month week hour "
          "line lines traceback exception module".split())
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Nearest:
    """What comes nearest to a line, and the words of it that are left for arguments."""

    commands: tuple[Command, ...]
    rest: tuple[str, ...]


def nearest(
    table: Table,
    typed: Sequence[str],
    mood: Mood = Mood.REQUEST,
    about: Sequence[str] = (),
) -> Nearest:
    """The commands that are most likely meant by a line that is none, the mildest first.

    Of a question, and of what says not to do something, only those that read. `about`: commands
    that show what the line is about, where that is known, and stands no more among its words.
    """
    if not about and not any(_apart(typed)):  # a greeting, thanks
        return Nearest(tuple(_by_meaning(table, "", "help")), ())
    parts, shown = _wishes(table, typed), _by_ids(table, about)
    wished = Mood.REQUEST if mood is Mood.LATER else mood
    if wished is Mood.REQUEST:
        found, rest = _asked_for(table, typed, parts, shown, has_name=bool(about))
        of = typed if about else _behind_verb(table, typed)
        wish = " ".join(parts[0] if parts else of)
        found = _of_a_part(table, found, [word for word in of if word in wish])
    else:
        found, rest = _looks(table, typed, wished, about)
    if not rest and not about:  # what can show all there is comes before what shows one
        found = sorted(found, key=_shows_one)
    found = list(dict.fromkeys(found))
    mildest_first = sorted(found[:MOST], key=lambda command: command.effect_of({}))
    return Nearest(tuple(mildest_first), tuple(rest))


def _asked_for(
    table: Table,
    typed: Sequence[str],
    parts: Sequence[Sequence[str]],
    shown: Sequence[Command],
    *,
    has_name: bool,
) -> tuple[list[Command], Sequence[str]]:
    """What a line wishes, of whose parts these wish something."""
    wish = parts[0] if parts else _told(in_one(typed))
    found, rest = _meant_by(table, wish, has_name=has_name)
    if found and any(map(_WHICH.match, map(_meant, wish))):
        return _answers(table, wish, found, rest, shown)
    return found or list(shown), rest


def _behind_verb(table: Table, typed: Sequence[str]) -> Sequence[str]:
    """What is switched on or off, of a line about nothing that is known: “turn off quiet hours”."""
    words = list(_apart(_told(typed)))
    of = words[1:] if words and _is_known(table, _meant(words[0])) else []
    parts = [word for word in of if _meant(word) in PARTS]
    return [w for w in parts if _meant(w) in SETTINGS or not _group(table, _meant(w))]


def _of_a_part(table: Table, found: list[Command], of: Sequence[str]) -> list[Command]:
    """What is wished of a part of a thing, not of the thing itself: of its ports, its log."""
    parts = parts_in(list(map(_meant, of)))
    is_other = any(command.group != "settings" for command in found)
    if is_other and parts and PARTS[parts[0]][0].startswith("settings"):  # “send me a digest”
        return _by_ids(table, PARTS[parts[0]])
    changes = {c.id: c.group for c in found if c.effect_of({}) is not Effect.READ}
    is_new = VERBS["new"][0] in changes and "vm" in groups_in(table, of)  # “a machine with 2 GPUs”
    if is_new or not {"vm", "metal"} & set(changes.values()):
        return found
    return _by_ids(table, PARTS[parts[0]]) if parts else found


def _looks(
    table: Table, typed: Sequence[str], mood: Mood, about: Sequence[str]
) -> tuple[list[Command], Sequence[str]]:
    """What only looks, of a line that wishes nothing."""
    shown, told = _by_ids(table, about), _told(in_one(typed))
    asked = told if mood is Mood.REFUSAL else _without_asking(told)
    found, rest = _meant_by(table, asked, has_name=bool(about))
    if mood is Mood.REFUSAL:
        return shown or _by_ids(table, ("vm.list",)), rest
    found, rest = _answers(table, told, found, rest, shown)
    return found, rest


def _without_asking(told: Sequence[str]) -> Sequence[str]:
    """A question from what it is about on: “which images do we have”, “what does it cost”."""
    at = next((i for i, word in enumerate(told) if _meant(word) not in _ASKING), len(told))
    return told[at:] or told


def _answers(
    table: Table,
    typed: Sequence[str],
    found: Sequence[Command],
    rest: Sequence[str],
    shown: Sequence[Command],
) -> tuple[list[Command], Sequence[str]]:
    """What answers a question; what shows the thing that it is about comes with it."""
    said = list(map(_meant, typed))
    if said[:3] == ["who", "am", "i"]:
        return _by_ids(table, VERBS["whoami"]), ()
    if any(word in _WHO for word in said):
        found, rest = _by_ids(table, VERBS["who"]), rest if shown else ()
    has_name = bool(shown or rest)
    reads = [c for c in found if _reads(c, has_name=has_name)]
    if shown:
        return [*(c for c in reads if c.parameters or c in shown), *shown], rest
    states = [one for one in map(_state, said) if one]
    groups = {_group(table, word) for word in said} - {""}
    if not reads or (states and groups <= {"vm", "node"}):
        is_node = "node" in groups
        lists = ("node.list", "vm.list") if is_node else ("vm.list", "node.list")
        return _by_ids(table, lists), states[:1]
    return reads, rest


def _meant_by(
    table: Table, typed: Sequence[str], *, has_name: bool
) -> tuple[list[Command], Sequence[str]]:
    """What the words mean by themselves, and those of them that are left."""
    group, verb, rest = _reading(table, typed)
    found = _by_meaning(table, group, verb) or _by_look(table, group, verb)
    first = _meant(next(_apart(typed), ""))
    is_deed = first in _DEEDS or (has_name and _group(table, first) == "watch")
    if is_deed and (not found or not verb):  # “snapshot it”
        return _by_meaning(table, "", group), list(_apart(typed))[1:]
    if has_name and found and verb in PASSING:  # “done with it, delete it”
        others = [word for word in _apart(typed) if _meant(word) not in PASSING]
        later, behind = _later(table, others)
        found, rest = (later, behind) if later else (found, rest)
    if not group and verb in _LOOKING and rest:  # `看 inference`
        found = _shown(table, rest)
    if not found and group:  # `vm 7a9Q`, `disks inference`
        shown = ("show", "list") if group in _SHOWN_ALONE else ("list", "show")
        found = [command for verb in shown for command in _by_meaning(table, group, verb)]
        rest = list(_apart(typed))[1:]
    if not found and (has_name or len(typed) >= _MANY):
        found, rest = _later(table, typed)
    if not found and not has_name:
        found = _by_title(table, " ".join(typed[:2]))
    if not found and typed and not has_name:  # a name or a number, and not what to do with it
        said = list(_apart(typed))
        rest = [word for word in said if not _CHINESE.search(word)][:1] or said[:1]
        found = _shown(table, rest)
    elif (
        rest and rest[0].isdecimal() and any((c.group, c.verb) == ("order", "list") for c in found)
    ):
        found = [*_by_ids(table, ("order.show",)), *found]  # `续租 1287`
    return found, rest


def _shown(table: Table, rest: Sequence[str]) -> list[Command]:
    """What shows a thing of which only the name or the number was said."""
    return _by_ids(table, _NUMBERED if rest and rest[0].isdecimal() else _NAMED)


def _by_ids(table: Table, ids: Sequence[str]) -> list[Command]:
    return [command for command in map(table.get, ids) if command is not None]


def _shows_one(command: Command) -> bool:
    """Whether it reads, and has to be told of what."""
    return command.effect_of({}) is Effect.READ and any(p.required for p in command.parameters)


def _reads(command: Command, *, has_name: bool) -> bool:
    """Whether it changes nothing, and needs no more said than was."""
    return command.effect_of({}) is Effect.READ and (has_name or not command.missing({}))


def _reading(table: Table, typed: Sequence[str]) -> tuple[str, str, Sequence[str]]:
    """Group and verb, in whichever order, and what is left."""
    words = list(_apart(typed))
    first, second = (_meant(word) for word in [*words[:2], "", ""][:2])
    if (whole := _in_one(table, first)) is not None:  # `vm-restart`, `vmrestart`
        return whole.group, whole.verb, words[1:]
    if group := _group(table, first):
        return group, second, words[2:]
    if first in _LOOKING and second in VERBS and not _group(table, second):  # `show logs`
        return "", second, words[2:]
    if (group := _group(table, second)) and (first in VERBS or _has_verb(table, first)):
        return group, first, words[2:]
    if not _is_known(table, first) and _is_known(table, second):  # `inference restart`
        return "", second, [words[0], *words[2:]]
    return "", first, words[1:]


def _state(word: str) -> str:
    return next(iter(STATES.get(word, ())), "")


def _later(table: Table, typed: Sequence[str]) -> tuple[list[Command], Sequence[str]]:
    """What the first word that is known means, of a line that goes on before it comes to that."""
    words = list(_apart(typed))
    for at, word in enumerate(words):
        if _is_known(table, _meant(word)) or _group(table, _meant(word)):
            group, verb, rest = _reading(table, words[at:])
            return _by_meaning(table, group, verb), rest
    return [], ()


def _wishes(table: Table, typed: Sequence[str]) -> list[Sequence[str]]:
    """The parts of a line that wish something, where it has others too: all of them, or none."""
    parts = clauses(in_one(typed))
    wished = [
        at for at, one in enumerate(parts) if not is_past(one) and _is_wish(table, _told(one))
    ]
    if len(wished) > 1:
        return [_told(parts[at]) for at in wished]
    return [_told([word for one in parts[at:] for word in one]) for at in wished]


def _is_wish(table: Table, told: Sequence[str]) -> bool:
    """Whether it begins with what changes something."""
    verb = _meant(next(_apart(told), ""))
    meant = _by_meaning(table, "", verb) if verb not in APART and _is_known(table, verb) else []
    return any(command.effect_of({}) is not Effect.READ for command in meant)


def _told(typed: Sequence[str]) -> list[str]:
    """The words with one for a verb in two parts, and for the state in which something is."""
    said, told = list(map(_meant, typed)), list(typed)
    if "if" in said and "happen" in said:  # “what would happen if”
        told = told[said.index("if") + 1 :]
        return _told(told)
    for at, word in enumerate(said):
        verb, first = APART.get(word, ("", frozenset()))
        begun = next((i for i in range(at) if said[i] in first), None)
        if begun is not None:
            return [*told[:begun], verb, *told[begun + 1 : at], *told[at + 1 :]]
        if verb and at and any(one in _IS for one in said[:at]):
            told[at] = "status"
    return told


def _meant(word: str) -> str:
    """A word as those of the language are compared."""
    return simplified(plain(word))


def _is_known(table: Table, word: str) -> bool:
    return word in VERBS or _has_verb(table, word)


def _in_one(table: Table, word: str) -> Command | None:
    """The command whose group and verb stand in one word."""
    joined = _JOINTS.sub("", word)
    return next((c for c in table if c.group and joined == _JOINTS.sub("", c.title)), None)


def _apart(typed: Sequence[str]) -> Iterator[str]:
    """The words, without spaces between them too: `重启7a9Q`, `虚拟机列表`; commands come first."""
    words = [word for word in typed if not _says_nothing(word)]
    if not any(_CHINESE.search(word) for word in words[:2]):
        forced = [word for word in words[:2] if _meant(word) in _FORCE and len(words) > 1]
        yield from (word for word in words if word not in forced)
        yield from ("force" for _ in forced[:1])
        return
    known: list[str] = []
    others: list[str] = []
    for word in words:
        for piece in _PIECES.findall(word) if _CHINESE.search(word) else [word]:
            if _CHINESE.match(piece):
                for segment in _segments(piece):
                    (known if segment in _KNOWN else others).append(segment)
            else:
                others.append(piece)
    # “Look at the logs” is about the logs.
    known = [word for word in known if word not in BESIDE] or known
    known = [word for word in known if word != "我"] or known
    yield from [word for word in known if word not in {*_FORCE, *_LOOKING}] or known[:1]
    if not any(map(_NOT.search, words)):  # “do not force” is no force
        yield from ("force" for word in known if word in _FORCE or word in WITH_FLAG)
    yield from others


def is_of_language(word: str) -> bool:
    """Whether people say a word to ask for something, or beside it: it begins no name."""
    meant = _meant(word)
    return meant in _SAID or meant.replace("'", "") in _SAID or len(meant) == 1


def _says_nothing(word: str) -> bool:
    """Whether a word is said beside what is meant: a courtesy, a mention, a picture."""
    is_picture = not any(char.isalnum() for char in word) and not is_quoted(word)
    return is_picture or word.startswith("@") or _meant(word) in BESIDE


def _segments(text: str) -> Iterator[str]:
    """The words that are known, and what several characters between them call by name."""
    name, read = "", simplified(text)  # as many characters
    while text:
        word = next((known for known in _KNOWN if read.startswith(known)), "")
        if word and len(name) > 1:
            yield name
        name = "" if word else name + text[0]
        if word:
            yield word
        text, read = text[len(word) or 1 :], read[len(word) or 1 :]
    if len(name) > 1:
        yield name


def _group(table: Table, word: str) -> str:
    found = table.group(word)
    return found.name if found is not None else next(iter(GROUPS.get(word, ())), "")


def _has_verb(table: Table, word: str) -> bool:
    return any(word in {command.verb, *command.synonyms} for command in table)


def _by_meaning(table: Table, group: str, verb: str) -> list[Command]:
    if not verb and group:
        verb = "list"
    called = [c for c in table if verb in {c.verb, *c.synonyms} or verb == c.id]
    meant = [table.get(id_) for id_ in VERBS.get(verb, ())]
    found = dict.fromkeys([*(command for command in meant if command is not None), *called])
    return [command for command in found if group in {"", command.group}]


def alike(table: Table, verb: str) -> list[str]:
    """The verbs, and other words for them, that are spelled like what was typed."""
    if verb in _SAID or verb in _COMMON:
        return []
    words = {word for c in table for word in (c.verb, *c.synonyms)} | VERBS.keys()
    close = get_close_matches(verb, sorted(words), n=MOST, cutoff=_ALIKE)
    # Where a word begins, people seldom err: `inference` is not `preferences`.
    close = [word for word in close if word[:1] == verb[:1] or sorted(word) == sorted(verb)]
    swapped = [word for word in close if sorted(word) == sorted(verb)]  # `restrat` is not `stat`
    return swapped or [word for word in close if _is_near(table, word, verb)]


def _is_near(table: Table, word: str, typed: str) -> bool:
    effects = {command.effect_of({}) for command in _by_meaning(table, "", word)}
    nearness = SequenceMatcher(None, typed, word).ratio()
    return nearness >= _NEARER or not effects & {Effect.DISRUPT, Effect.DESTROY}


def is_about_others(table: Table, command: Command, words: Sequence[str]) -> bool:
    """Whether the words name what a command is not about: “start” of a snapshot, of a new one."""
    choices = [p.arg for p in command.parameters if p.arg.kind.is_choice]
    for word in map(_meant, _apart(words)):
        ids = (*VERBS.get(word, ()), *PARTS.get(word, ()))
        groups = {id_.partition(".")[0] for id_ in ids} | {_group(table, word)}
        groups -= {"", "node"} if command.group == "metal" else {"", "node", "vm"}
        is_own = command.id in ids or any(one.accepts(word) for one in choices)
        if word in _NEW or (groups and not is_own and command.group not in groups):
            return True
    return False


def groups_in(table: Table, typed: Sequence[str]) -> list[str]:
    """The groups that the words name."""
    return [group for word in _apart(typed) if (group := _group(table, _meant(word)))]


def means(table: Table, verb: str) -> set[str]:
    """The groups of what a verb may change."""
    found = _by_meaning(table, "", verb)
    return {command.group for command in found if command.effect_of({}) is not Effect.READ}


def titled(table: Table, words: Sequence[str]) -> list[Command]:
    """The commands that these words are the title of, in one word or with a slip in it."""
    if len(words) == 1:
        return [c for c in [_in_one(table, words[0])] if c is not None]
    titles = {command.title: command for command in table}
    looks = get_close_matches(" ".join(words), titles, n=MOST, cutoff=_TITLE_IS)
    return [titles[title] for title in looks]


def _by_look(table: Table, group: str, verb: str) -> list[Command]:
    """Commands whose verb, or another word for it, is spelled like what was typed."""
    return [c for word in alike(table, verb) for c in _by_meaning(table, group, word)]


def _by_title(table: Table, typed: str) -> list[Command]:
    titles = {command.title: command for command in table}
    looks = get_close_matches(_meant(typed), titles, n=MOST, cutoff=_TITLES_ALIKE)
    return [titles[title] for title in looks]
