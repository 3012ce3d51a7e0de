"""Which commands people mean by other words, in English and Chinese. Pure.

What comes nearest is only offered, never run. Whatever disrupts or destroys more comes later.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from bot.folding import plain
from bot.language.chinese import WITH_FLAG
from bot.language.clauses import PASSING, clauses, happened, in_one, is_story
from bot.language.mood import Mood
from bot.language.table import Command, Table
from bot.language.text import is_quoted
from bot.language.traditional import simplified
from bot.language.vocabulary import BESIDE, GROUPS, STATES, by_word
from bot.model import Effect

MOST = 4  # commands that are offered
_MANY = 5  # words of a line that goes on before it comes to what it wants
_ALIKE = 0.7  # of a word and its typo, as difflib counts
_TITLES_ALIKE = 0.6


# Commands by their ids, the likeliest first.
_VERBS = by_word(
    {
        "stop halt 停止 停 停机 停掉": "vm.shutdown vm.poweroff image.stop watch.stop",
        "off down poweroff shutdown shut turnoff suspend pause sleep 关机 关闭 关 断电":
            "vm.shutdown vm.poweroff metal.power",
        "kill forcestop 强制关机 强制停止 杀": "vm.shutdown vm.poweroff",
        "reboot restart bounce cycle kick 重启 重新启动 重起 重起动 重新起动 从启 重开 重啟":
            "vm.restart metal.power",
        "hardreboot powercycle force-restart hard-reboot force-reboot 强制重启 硬重启 重置":
            "vm.restart vm.reset metal.power",
        "start boot on up run resume poweron power-on turnon wake 启动 开机 打开 开 起动":
            "vm.start metal.power",
        "rm remove del delete destroy erase drop terminate purge wipe rid 删除 删 移除 销毁 清除":
            "vm.delete snapshot.delete disk.delete image.delete lan.delete metal.remove "
            "session.remove alias.remove",
        "status state info show describe get details detail inspect stat view cat open look "
        "ip address 状态 详情 信息 查看 查询 看 看看 看下 看一下 显示":
            "vm.show node.show snapshot.show approval.show vm.list node.list",
        "health ping alive 健康": "node.show node.retry session.check",
        "ls list dir all ps top overview 列表 列出 清单 列":
            "vm.list node.list image.list disk.list snapshot.list lan.list metal.list "
            "session.list watch.list approval.list audit.list alias.list",
        "login logon ssh connect console rdp vnc attach shell 登录 登陆 连接 远程":
            "vm.show session.add",
        "new create take launch make spawn provision deploy 创建 新建 建 部署 开台 开一台 "
        "要台 要一台 来台 来一台 租台 租一台":
            "vm.create snapshot.create lan.create disk.add metal.add session.add alias.add",
        "add attach-disk 添加 增加 加": "disk.add session.add metal.add alias.add",
        "log logs tail head journal 日志": "vm.logs",
        "modify edit set change update alter configure memory ram mem cpu cpus cores 内存 核 "
        "修改 变更 更改 调整 编辑":
            "vm.modify metal.modify",
        "resize expand grow extend enlarge scale increase raise bigger "
        "扩容 扩展": "disk.resize vm.modify",
        "rename name nickname label 改名 重命名 命名 昵称": "vm.name node.name",
        "passwd password pw 密码 改密 改密码 重置密码": "vm.passwd vm.show",
        "reveal show-password show-passwords 显示密码 查看密码 看密码 登录密码 登陆密码 密码是什么":
            "vm.show vm.passwd",
        "backup save 备份 保存": "snapshot.create image.upload order.rescue",
        "rescue 抢救 救援 救": "order.rescue snapshot.create",
        "download pull fetch 下载 拉取": "image.download",
        "upload push send 上传 推送": "image.upload",
        "progress transfer transfers 进度 传输": "image.progress watch.list",
        "watch track follow monitor 跟踪 关注 监控": "watch.vm watch.image watch.list",
        "unwatch untrack unfollow 取消跟踪 取消关注": "watch.stop",
        "cancel abort withdraw undo revoke 取消 撤回 撤销 中止":
            "approval.cancel image.stop watch.stop",
        "approve approvals confirm deny reject decline pending 审批 批准 同意 待审批 拒绝 驳回":
            "approval.list approval.show",
        "share grant 共享 分享 授权": "session.share",
        "unshare ungrant 取消共享 取消分享": "session.unshare",
        "check test verify 检查 测试": "session.check",
        "use default switch select 使用 默认 切换": "node.use settings",
        "rent rents rental rentals order orders 订单 租用": "order.list node.orders",
        "expire expires expiry due renew end ends ending lapse lapses left remaining "
        "到期 到期时间 什么时候到期 期限 租约 租期 续租 续费 还剩多久 还有多久 剩余时间 "
        "done finished 已完成 完成":
            "order.list node.orders",
        "cost costs budget budgets spend spending price prices money bill billing invoice balance "
        "余额 费用 花费 花了 多少钱 钱 账单 预算 价格 成本 much": "cost",
        "free available idle capacity quota quotas 空闲 空余 可用 配额": "node.list node.show",
        "lang language english chinese en zh 语言 中文 英文 英语 汉语": "settings.language",
        "notify notifications notification mute unmute subscribe unsubscribe quiet silence digest "
        "通知 静音 免打扰 勿扰 别吵 别吵我 订阅 提醒":
            "settings.notifications settings.quiet-hours",
        "why reason cause wrong broken failed fails error errors crashed dead hung stuck hangs "
        "frozen fire 挂了 坏了 死机 卡住 怎么了 怎么回事 为什么": "vm.show vm.logs",
        "power 电源": "metal.power vm.start vm.poweroff",
        "export dump 导出": "audit.export",
        "me id whoami 我 我是谁": "whoami",
        "happen happened happening changed 发生了什么 发生什么 发生": "audit.list vm.list",
        "who whose 谁 谁删的 谁删了 谁动了 谁改的 谁干的 谁做的": "audit.list session.list whoami",
        "config preferences options settings 设置 配置": "settings",
        "commands usage man manual version about 命令 用法 版本 怎么用 怎么使用 如何使用": "help",
    }
)  # fmt: skip

_CHINESE = re.compile(r"[\u4e00-\u9fff]+")
_PIECES = re.compile(r"[\u4e00-\u9fff]+|[^\u4e00-\u9fff]+")
# What asks which one, not about one: nothing is to change.
_WHICH = re.compile("(?:what|which|what.?s)$|哪|什么|几台")
_NOT = re.compile("[不别没勿]|是否")
_WHO = frozenset("who whos whose whom 谁 谁删的 谁删了 谁动了 谁改的 谁干的 谁做的".split())  # noqa: SIM905
# Of two words, with a name between them or not: “turn ada back on”.
_APART = {
    **dict.fromkeys(
        ("on", "up"),
        ("start", frozenset(["turn", "switch", "power", "bring", "boot", "fire", "put"])),
    ),
    **dict.fromkeys(
        ("off", "down"),
        ("shutdown", frozenset(["turn", "switch", "power", "shut", "take", "bring"])),
    ),
}
# Behind these stands what is wished; what is said of a thing in passing.
_WISHES = frozenset("you u ya please pls plz kindly just then so 帮我 请 麻烦".split())  # noqa: SIM905
_FAILED = re.compile("[连登打进看找用问上访开动]不[上开去了到动起通]了?")  # 打不开
_IS = frozenset("is are was were be been its it's seems looks went gone keeps still".split())  # noqa: SIM905
_FORCE = frozenset({"强制", "force", "forced", "forcibly"})
_JOINTS = re.compile(r"[\s._/-]+")
_SHOWN_ALONE = frozenset({"vm", "node", "approval", "order"})
_NAMED, _NUMBERED = ("vm.show", "node.show"), ("order.show", "vm.show")
_LOOKING = frozenset(
    {
        "查看",
        "查询",
        "看",
        "看看",
        "看下",
        "看一下",
        "显示",
        "show",
        "get",
        "see",
        "view",
        "display",
        "print",
    }
)
_KNOWN = sorted(
    (w for w in {*GROUPS, *_VERBS, *_FORCE, *BESIDE} if _CHINESE.match(w)),
    key=len,
    reverse=True,
)


_SAID = frozenset(
    {*GROUPS, *_VERBS, *_FORCE, *BESIDE, *STATES, *_IS, *_WHO, *_LOOKING}
    | set("dont not no never nothing nope cant wont on off at in by be do did does done has have "  # noqa: SIM905
          "had and or but because since when where which why how who there here this that these "
          "those they them then than too very much many more most some any one two was were it "
          "it's its he she his her last next night day today yesterday month week hour".split())
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
    parts = _wishes(table, typed)
    if mood is Mood.REQUEST and not parts and happened(typed):
        mood = Mood.QUESTION
    typed = _told(in_one(typed)) if mood is not Mood.REQUEST or not parts else parts[-1]
    typed = _wished(table, typed) if mood is Mood.REQUEST else typed
    found, rest = _meant_by(table, typed, has_name=bool(about))
    if mood is Mood.REQUEST and len(parts) > 1:
        first, _ = _meant_by(table, parts[-2], has_name=bool(about))
        found, rest = [*first[: MOST // 2], *found[: MOST // 2]], ()
    if mood is Mood.REFUSAL or (found and any(map(_WHICH.match, map(_meant, typed)))):
        mood = mood if mood is Mood.REFUSAL else Mood.QUESTION
    shown = _by_ids(table, about)
    if mood is Mood.REQUEST and not parts and not _begins(table, typed, has_name=bool(about)):
        found = [] if any(map(_ends, found)) else found
    if mood is Mood.REQUEST:
        is_state = len(typed) == 1 and _meant(typed[0]) in _APART  # `ada down`: is it?
        found = [*shown, *found] if is_state else found or shown
    elif mood is Mood.REFUSAL:
        found = shown or _by_ids(table, ("vm.list",))
    else:
        found, rest = _answers(table, typed, found, rest, shown)
    if not rest and not about:  # what can show all there is comes before what shows one
        found = sorted(found, key=_shows_one)
    found = list(dict.fromkeys(found))
    mildest_first = sorted(found[:MOST], key=lambda command: command.effect_of({}))
    return Nearest(tuple(mildest_first), tuple(rest))


def _answers(
    table: Table,
    typed: Sequence[str],
    found: Sequence[Command],
    rest: Sequence[str],
    shown: Sequence[Command],
) -> tuple[list[Command], Sequence[str]]:
    """What answers a question; what shows the thing that it is about comes with it."""
    said = list(map(_meant, typed))
    if any(word in _WHO for word in said):
        found, rest = _by_ids(table, _VERBS["who"]), rest if shown else ()
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
    if first in _LOOKING and second in _VERBS and not _group(table, second):  # `show logs`
        return "", second, words[2:]
    if (group := _group(table, second)) and (first in _VERBS or _has_verb(table, first)):
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
        at for at, one in enumerate(parts) if not is_story(one) and _is_wish(table, _told(one))
    ]
    if len(wished) > 1:
        return [_told(parts[at]) for at in wished]
    return [_told([word for one in parts[at:] for word in one]) for at in wished]


def _is_wish(table: Table, told: Sequence[str]) -> bool:
    """Whether it begins with what changes something."""
    verb = _meant(next(_apart(told), ""))
    meant = _by_meaning(table, "", verb) if verb not in _APART and _is_known(table, verb) else []
    return any(command.effect_of({}) is not Effect.READ for command in meant)


def _begins(table: Table, typed: Sequence[str], *, has_name: bool) -> bool:
    """Whether it begins with a wish, behind the name of which nothing is known."""
    words = [meant for word in _apart(typed) if (meant := _meant(word)) not in PASSING]
    return any(
        _is_known(table, word) or _group(table, word) or _in_one(table, word)
        or _by_look(table, "", word)
        for word in words[: 1 if has_name else 2]
    )  # fmt: skip


def _ends(command: Command) -> bool:
    """Whether it destroys something, or cuts a machine's power."""
    return command.effect_of({}) is Effect.DESTROY or command.id in _VERBS["off"]


def _wished(table: Table, typed: Sequence[str]) -> Sequence[str]:
    """The words from where they say what is wished: `it hung again can you restart it`."""
    said = list(map(_meant, typed))
    for at in reversed(range(1, len(said))):
        if said[at - 1] in _WISHES and _later(table, typed[at:])[0]:
            return typed[at:]
    return typed


def _told(typed: Sequence[str]) -> list[str]:
    """The words with one for a verb in two parts, and for the state in which something is."""
    said, told = list(map(_meant, typed)), list(typed)
    if "if" in said and "happen" in said:  # “what would happen if”
        told = told[said.index("if") + 1 :]
        return _told(told)
    if any(map(_FAILED.search, said)):
        told = [word for one in told for word in _FAILED.sub(" ", one).split()]
        told = told if any(_apart(told)) else ["怎么了"]
    for at, word in enumerate(said):
        verb, first = _APART.get(word, ("", frozenset()))
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
    return word in _VERBS or _has_verb(table, word)


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
    meant = [table.get(id_) for id_ in _VERBS.get(verb, ())]
    found = dict.fromkeys([*(command for command in meant if command is not None), *called])
    return [command for command in found if group in {"", command.group}]


def _by_look(table: Table, group: str, verb: str) -> list[Command]:
    """Commands whose verb, or another word for it, is spelled like what was typed."""
    words = {word for c in table for word in (c.verb, *c.synonyms)} | _VERBS.keys()
    close = get_close_matches(verb, sorted(words), n=MOST, cutoff=_ALIKE)
    # Where a word begins, people seldom err: `inference` is not `preferences`.
    close = [word for word in close if word[:1] == verb[:1] or sorted(word) == sorted(verb)]
    swapped = [word for word in close if sorted(word) == sorted(verb)]  # `restrat` is not `stat`
    close = swapped or close
    return [command for word in close for command in _by_meaning(table, group, word)]


def _by_title(table: Table, typed: str) -> list[Command]:
    titles = {command.title: command for command in table}
    looks = get_close_matches(_meant(typed), titles, n=MOST, cutoff=_TITLES_ALIKE)
    return [titles[title] for title in looks]
