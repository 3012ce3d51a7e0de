"""Whether a line that is no command was understood whole by what is offered for it. Pure.

What changes something is offered only where that accounts for every word of the line: its verb,
the nouns of its own kind, its own values, courtesies, and of a start or restart the reason.
"""

import re
from collections.abc import Collection, Iterable, Sequence
from functools import lru_cache

from bot.language.amounts import with_amount, words_for
from bot.language.bound import bare, is_bound
from bot.language.chinese import WITH_FLAG
from bot.language.clauses import in_one
from bot.language.courtesy import COURTESIES, PHRASES
from bot.language.kinds import is_disk
from bot.language.synonyms import APART, alike, means, titled
from bot.language.table import Command, Table
from bot.language.text import is_quoted
from bot.language.vocabulary import BESIDE, GROUPS, PARTS, VERBS, by_word
from bot.model import Effect

NAME = "…"  # stands for what the line is about
_HAN = re.compile("[\u4e00-\u9fff]")
_RUNS = re.compile("[\u4e00-\u9fff]+|[^\u4e00-\u9fff]+")
_COMMAS = tuple(",;.!，；。！、")

# Said beside what is meant, but not without a meaning: who, how many, which, if, in what state.
_MEANINGFUL = frozenset(
    "can could you would i we all every how what is are let if many long been back again "  # noqa: SIM905
    "should about u ya im what's whats hows good sorry gonna wanna gotta need want lets into "
    "like maybe perhaps possibly to 能 "
    "可以 应该 什么 哪 哪些 哪个 哪台 哪几台 几台 所有 全部 有 怎么 如何 "
    "想 要 了 给 上 里".split()
)
_FILLERS = ((BESIDE | COURTESIES) - _MEANINGFUL) | frozenset(
    "this that it there team immediately , hmm oh ah kind yo ugh omg argh already bot dbc morning "  # noqa: SIM905
    "plsss 急 求求你 求你 "
    "它 台 个 一 那 将 给 吗 嘛 你能 您能 你帮 麻烦你 赶紧 赶快 快 呃 嗯 就是 啊 呀 哈 啦 "
    "块 我要 我想 需要 给我 替我 "
    "呗 能不能 能否 可否 可不可以 有人能 谁能 方便的话 可以的话 有空的话 来 行吗 好吗 次".split()
)
_ASKED = tuple(
    tuple(one.split())
    for one in (
        "can you", "can u", "could you", "could u", "would you", "will you", "would u",
        "can someone", "could someone", "can somebody", "can anyone", "i want to", "i need to",
        "we need to", "we want to", "id like to", "i would like to", "i need", "i want", "we need",
        "id like", "i would like", "lets", "need to", "want to", "i wanna", "if you could",
        "hi everyone", "hey everyone", "hello everyone", "thanks everyone",
    )
)  # fmt: skip
_ALL_PHRASES = sorted({*_ASKED, *PHRASES}, key=len, reverse=True)
_HOW = tuple(tuple(f"how {one}".split()) for one in ("do i", "do we", "can i", "can we", "to"))
_IT = frozenset("it this that them 它 这个 那个".split())  # noqa: SIM905
# 把 ada 关了 wishes it, “ada 关了” tells of it; 能重启一下吗 asks for it, 能重启吗 whether it can.
_BESIDE = {
    "了": re.compile("[把帮请将]|麻烦|给我"),
    "能": re.compile("(?:一下|[帮请]|麻烦|给我).*[吗嘛]"),
}

# No verbs by themselves: with another word, or with what is made.
_WEAK = frozenset(
    "on up off down shut power run out password pw 密码 取消 密碼 name label nickname 昵称".split()  # noqa: SIM905
)
# Verbs that mean this of the very thing that the command is about.
_OWN = by_word(
    {
        "turn switch enable disable set choose change mute reset clear only send get 打开 关 "
        "关闭 关掉 开启 设置 改 开 重置 恢复":
            "settings.notifications settings.quiet-hours settings.digest-hour",
        "set change reset new 改 换 重置 设置 修改 重设": "vm.passwd",
        "give set change 改 起 取": "vm.name node.name",
        "set change reset speak talk use 重置": "settings.language",
        "give add increase raise set change bump lower reduce more 加 增加 改 改成 改到 加到 "
        "调到 调成 升到 降到":
            "vm.modify",
        "snapshot make take create called named 打 拍 做 快照 叫 名叫": "snapshot.create",
        "stop": "watch.stop image.stop",
        "我要 我想要 要 建 开 新": "vm.create",
    }
)  # fmt: skip
_BY_FORCE = frozenset({"force", "forced", "hard", "强制"})
_FORCED = frozenset("vm.poweroff vm.reset".split())  # noqa: SIM905
_INFLECTED = ("ing", "ed", "ion", "s")  # “deleted” is no slip of “delete”
_OLD = frozenset({"old", "旧"})  # “delete old …” tells one thing from another
# What stays as it is while it pauses loses its memory by a power cut.
_NOT_OFF = frozenset("pause suspend sleep 暂停 挂起 休眠 睡眠".split())  # noqa: SIM905
# Done to the whole thing: what is named besides is a part of it, or something in it.
_OF_IT_ALL = frozenset(
    "vm.start vm.restart vm.shutdown vm.poweroff vm.reset vm.delete metal.power".split()  # noqa: SIM905
)
_FOR_SO_LONG = frozenset({"for", "a", "an", "one"})  # “for a day”
_PREPOSITIONS = frozenset("on at in of for to from 在".split())  # noqa: SIM905
_CALLED = {
    "settings": "daily at default 每日 默认",
    "disk": "data disk disks 盘 数据",
    "vm": "one box power 电源",
    "watch": "watching following",
    "snapshot": "backup save 备份 保存",
}
# Of these a complaint is the reason, never of what deletes or switches off.
_CURES = frozenset("vm.start vm.restart".split())  # noqa: SIM905
_BARE = frozenset({"vm", "metal", "node"})  # groups whose verbs are said of a thing by its name

_STATE = (
    "(?:hangs?|hanging|hung|stuck|frozen|froze|crash(?:ed|es|ing)|unresponsive|dead|unreachable|"
    "broken|(?:not|isnt|doesnt|does not|is not|no longer|stopped|wont) "
    "(?:respond|react|answer)(?:s|ing)?|(?:cannot|cant|can not) be reached|"
    "(?:cannot|cant) (?:ssh|connect|log ?in)(?: (?:to|into))?|(?:is|its|went|seems) down)"
)
_COMPLAINT = re.compile(
    rf"(?:(?:because|since|cause) )?(?:(?:it|its|{NAME}|box|machine|vm|server|the|is|"
    r"has|was|seems|just|again|still|keeps|got|gets|looks|totally|completely|always) )*"
    rf"{_STATE}(?: (?:again|now|still|completely|{NAME}|and|so))*(?= |$)"
    rf"|(?P<zh>因为|它)?(?:(?:它|{NAME}|又|还是|一直|已经|都|突然|好像|完全|老是?|机器|虚拟机|的)"
    " ?)*"
    "(?:卡死|卡住|卡|死机|死|挂|(?:没有?|无|不)(?:反应|响应)|崩溃?|宕机|[连登]不上|打不开|动不了|不动|"
    "不行|坏)掉?了?(?: |$|(?=[^\u4e00-\u9fff]|请|帮|麻烦|重|强|启|开|把))"
)
_STOPPED = re.compile(
    rf"(?:{NAME} ?)?(?:(?:is|was) (?:off|stopped)|(?:被|又)?(?:停|关)机?了)(?: |$)"
)
_INTRODUCES = re.compile(r"(?:^| )(?:because|since|cause|it|its) ")
_REASON = re.compile(r" (?:because|since|reason|reason=|因为|原因|理由)[:：]? ?\S.*")


def left_over(
    table: Table,
    command: Command,
    before: Sequence[str],
    behind: Sequence[str],
    name: str,
    *,
    is_begun: bool = False,
) -> tuple[str, ...] | None:
    """The words, around the thing's name, that can only be values of what changes something.

    `name` are those of the thing, of which the line may have only some: `is_begun`. None where the
    line surely says more than the command does, or where it lacks a verb.
    """
    if is_begun and command.id in _OF_IT_ALL - _CURES:  # “stop ada training” is no whole machine
        return None
    typed = _in_pieces([*before, *([NAME] if name else []), *behind])
    if any(map(is_quoted, typed)) or not typed:
        return None
    said = _without_reason(command, _without_how(command, list(map(_said, typed))))
    if said is None:
        return None
    spelled = dict(zip(map(_said, typed), typed, strict=True))
    said = with_amount(command, said)
    accounted = _Accounted(table, command, frozenset(map(_said, name.split())))
    has_force = command.parameter("force") is not None
    left = [
        "force" if has_force and word in _BY_FORCE else spelled.get(word, word)
        for word in accounted.left(said)
    ]
    if has_force and "force" not in left and not accounted.strong.isdisjoint(WITH_FLAG):
        left.append("force")  # 强制重启inference
    is_in_it = command.id in _OF_IT_ALL and not _PREPOSITIONS.isdisjoint(left)
    return tuple(left) if accounted.has_verb and not is_in_it else None


def _without_how(command: Command, said: list[str]) -> list[str]:
    """Without “how do I”, of what harms nothing: its form is the answer."""
    asks = said[0] == "how" and command.worst_effect is Effect.CHANGE
    length = next((len(one) for one in _HOW if tuple(said[: len(one)]) == one), 0) if asks else 0
    return said[length:]


class _Accounted:
    """Takes out of a line what a command accounts for."""

    def __init__(self, table: Table, command: Command, names: Collection[str]) -> None:
        self._table, self._command, self._names = table, command, names
        self._verbs = _verbs(table, command)
        self._nouns = _nouns(command)
        self._own = {word for word, ids in _OWN.items() if command.id in ids}
        self._has_own, self.strong = False, set[str]()
        self._has_noun, self._is_more = False, False

    @property
    def has_verb(self) -> bool:
        """Whether it says what to do, and of several kinds of things to which one."""
        if self._has_own and self._has_noun:
            return True
        if not self.strong:
            return False
        if self._command.group in _BARE and self._command.verb != "create":
            return True
        if self._has_noun or not self._is_more:
            return True
        return any(means(self._table, word) <= {self._command.group} for word in self.strong)

    def left(self, said: Sequence[str]) -> list[str]:
        """What is left of the words; afterwards it is known whether there was a verb."""
        words = _titled(self._table, self._command, _phrases_out(said))
        if len(words) < len(_phrases_out(said)):
            self.strong.add(self._command.verb)
            self._has_noun = True
        words = self._parted(words)
        self._nouns |= words_for(self._command, words)
        self._is_more = any(word not in self._verbs | _FILLERS or word in _IT for word in words)
        text = "".join(words)
        beside = {one for one, with_ in _BESIDE.items() if with_.search(text)}
        left: list[str] = []
        for at, word in enumerate(words):
            if word in _FOR_SO_LONG and self._command.parameter("hours") is not None:
                left += [word] if words[at + 1 : at + 2] != [NAME] else []
                continue
            if word == NAME or self._is_filler(word) or self._is_of_name(words, at):
                continue
            follows = "".join(words[at + 1 : at + 2])
            if word in _PREPOSITIONS and self._joins(word, follows):
                continue
            if not self._takes(word) and not (_HAN.match(word) and self._covers(word, beside)):
                left.append(word)
                self._has_noun |= self._command.group == "disk" and is_disk(word)
        return left

    def _is_filler(self, word: str) -> bool:
        is_telling = word in _OLD | _PREPOSITIONS and self._command.id in _OF_IT_ALL
        return word in _FILLERS and not is_telling

    def _is_of_name(self, words: Sequence[str], at: int) -> bool:
        """Whether it is a word of the thing's name that touches what was read as that name."""
        if words[at] not in self._names or self._command.id in _OF_IT_ALL - _CURES:
            return False
        near = (words[:at][::-1], words[at + 1 :])
        return any(
            next((one for one in side if one not in self._names), "") == NAME for side in near
        )

    def _joins(self, preposition: str, follows: str) -> bool:
        """Whether the preposition says which one is meant, and nothing that is in it."""
        if self._command.id in _OF_IT_ALL:
            return preposition == "of" and follows == NAME
        if self._command.group == "settings":  # “from 10pm to 7am”
            return preposition == "to" and self._command.verb == "language"
        is_name = self._has_noun or self._command.verb == "name"  # “rename ada to prod”
        return is_name or follows == NAME or follows.startswith("@")

    def _parted(self, words: list[str]) -> list[str]:
        """Without a verb in two parts: “turn … back on”, “get rid of”."""
        for at, word in enumerate(words):
            verb, firsts = APART.get(word, ("", frozenset()))
            firsts |= {"start"} if word == "up" else set()
            begun = next((i for i in range(at) if words[i] in firsts), None)
            if word == "down" and begun is not None and words[begun] == "turn":  # less of it
                continue
            if begun is not None and verb in self._verbs:
                self.strong.add(verb)
                left = [*words[:begun], *words[begun + 1 : at], *words[at + 1 :]]
                return [one for one in left if one != "back"]
        if "rid" in words and "get" in words:
            return [word for word in words if word != "get"]
        if "cycle" in words and "power" in words:
            return [word for word in words if word != "power"]
        return words

    def _takes(self, word: str) -> bool:
        if word in self._verbs and word not in _WEAK:
            self.strong.add(word)
            self._has_noun |= word in self._nouns  # “backup”
            return True
        if word in self._nouns | self._own:
            self._has_noun |= word in self._nouns
            self._has_own |= word in self._own
            return True
        if word in _BY_FORCE:
            return self._command.id in _FORCED
        if word in {"again", "再"}:
            return self._command.id in _CURES
        if word in APART and self._has_own:  # “turn off quiet hours”
            return True
        is_typo = not (self.strong or word.endswith(_INFLECTED) or _HAN.search(word))
        if is_typo and (meant := set(alike(self._table, word)) & self._verbs - _WEAK):
            self.strong |= meant
            return True
        return False

    def _covers(self, word: str, beside: Collection[str]) -> bool:
        """Whether a piece of Chinese is made of words that are accounted for."""
        fillers = set(filter(self._is_filler, _FILLERS))
        known = {*self._verbs - _WEAK, *self._nouns, *self._own, *fillers, *beside} - {"谢谢你"}
        known |= {"再", "起来"} if self._command.id in _CURES else set()
        pieces = _cut(word, frozenset(one for one in known if _HAN.match(one)))
        for one in pieces or ():
            self.strong |= {one} & (self._verbs - _WEAK)
            self._has_noun |= one in self._nouns
            self._has_own |= one in self._own
        return pieces is not None


def _in_pieces(words: Sequence[str]) -> list[str]:
    """The words, Chinese apart from what is not, and a comma behind its word."""
    found: list[str] = []
    bare = [word for word in words if word != NAME]
    anew = in_one(bare)
    if anew == bare or anew[:1] not in (["重启"], ["restart"]):  # off, and on again
        anew = in_one(words)
    for word in words if anew[:1] == ["cancel"] else anew:
        if is_quoted(word) and word != NAME:
            found.append(word)
            continue
        pieces = _RUNS.findall(word) if _HAN.search(word) else [word]
        for piece in pieces:
            found.append(piece)
            if piece.endswith(_COMMAS) and any(map(str.isalnum, piece)):
                found.append(",")
    return [word for word in found if word in {NAME, ","} or any(map(str.isalnum, word))]


def _said(word: str) -> str:
    return word if word in {NAME, ","} else bare(word)


def _without_reason(command: Command, said: list[str]) -> list[str] | None:
    """The words without why, of what a complaint is the reason for; None of a reason for later."""
    if command.id not in _CURES:
        return said
    text = " ".join(said)
    if (why := _REASON.search(text)) and not _COMPLAINT.search(why[0].strip()):
        chinese = "".join(why[0].split()) if _HAN.search(why[0]) else ""
        if is_bound(f"{why[0]} ", chinese) or re.search(r" (?:not|but|unless) |不|别|除非", why[0]):
            return None
        text = text[: why.start()]
    for found in _COMPLAINT.finditer(text):
        before = text[: found.start()].split()
        is_told = found["zh"] or _INTRODUCES.search(found[0])
        if is_told or before[-1:] == [","] or _says_nothing(before):
            text = f"{text[: found.start()]} {text[found.end() :]}"
            break
    if command.id in VERBS["start"]:
        text = _STOPPED.sub(" ", text)
    return text.split()


def _says_nothing(words: Iterable[str]) -> bool:
    return all(word in _FILLERS or word == NAME for word in words)


def _phrases_out(said: Sequence[str]) -> list[str]:
    """Without what is said out of courtesy in several words."""
    left: list[str] = []
    queue = list(said)
    while queue:
        length = next((len(p) for p in _ALL_PHRASES if tuple(queue[: len(p)]) == p), 0)
        if not length:
            left.append(queue[0])
        del queue[: length or 1]
    return left


def _titled(table: Table, command: Command, words: list[str]) -> list[str]:
    """Without what is spelled like the command's group and verb, in one word or in two."""
    for at in range(min(2, len(words))):
        for many in (1, 2):
            if command in titled(table, words[at : at + many]):
                return [*words[:at], *words[at + many :]]
    return words


@lru_cache(256)
def _verbs(table: Table, command: Command) -> frozenset[str]:
    """The words that mean what a command does, and nothing that only reads."""
    meant = {
        word
        for word, ids in VERBS.items()
        if command.id in ids
        and (first := table.get(ids[0])) is not None
        and first.effect_of({}) is not Effect.READ
    }
    return frozenset({*meant, command.verb, *command.synonyms, *command.in_chinese} - _NOT_OFF)


@lru_cache(256)
def _nouns(command: Command) -> frozenset[str]:
    """The words for the things that a command is about."""
    groups = {command.group}
    if command.parameter("vm") is not None:
        groups.add("vm")
    if any(p.arg.kind.is_node for p in command.parameters):
        groups.add("node")
    own = {word for word, ids in GROUPS.items() if command.group in ids}
    beside = {word for word, ids in GROUPS.items() if groups & set(ids)} - {"gpu", "gpus", "显卡"}
    parts = {word for word, ids in PARTS.items() if ids[0] == command.id}
    named = set(_CALLED.get(command.group, "").split())
    if command.group == "settings":
        parts |= {*command.verb.split("-"), *command.in_chinese}
    return frozenset(own | beside | parts | named | groups)


def _cut(word: str, known: Collection[str]) -> list[str] | None:
    """A piece of Chinese in words that are known, the longest first; None where that fails."""
    ways: dict[int, list[str]] = {0: []}
    for at in range(len(word)):
        if at in ways:
            for end in range(len(word), at, -1):
                if word[at:end] in known:
                    ways.setdefault(end, [*ways[at], word[at:end]])
    return ways.get(len(word))
