"""What a line is for: whether it asks for something, now, or says something else. Pure.

Of a line that is a question, or that says not to, nothing that changes anything is offered. It
says not to where that stands right before a verb, at the end or at the beginning: “cuda not found”
is a reason. A part of it that wishes something counts more than what another part reports.
"""

import re
from collections.abc import Sequence
from enum import Enum, auto

from bot.language.bound import bare, is_bound
from bot.language.text import is_quoted


class Mood(Enum):
    """What a line is for."""

    REQUEST = auto()
    QUESTION = auto()
    REFUSAL = auto()  # “do not restart ada”
    LATER = auto()  # “restart ada tomorrow”, “… if it hangs”


# What somebody types in the place of a name who wants nothing done.
NOTHINGS = frozenset("nothing none never not dont don't nope 不 别 不要 没有".split())  # noqa: SIM905
PRONOUNS = frozenset("it this that them these those 它 这个 那个 这台 那台".split())  # noqa: SIM905

_YOU = "(?:you|u|ya|someone|somebody|anyone|anybody)"
_ASKED = (
    "(?:can|could|would|will|(?:wont|cant|couldnt|wouldnt)(?= (?:you|u|ya|i|we|it|they|someone) ))"
)
# What says no more than that something follows.
_LEADS = re.compile(
    r"(?:(?:so|um+|uh+|uhm+|erm?|like|well|also|and|but|btw|ok|okay|the|yes|yeah|yep|no|hey|hi|hello|"
    r"please|pls|plz|sorry|thanks|quick|question|kindly|again|morning|folks|team|guys|all|bot|dbc|"
    r"@\w+|请问|请|麻烦|你好|嗨|那个|那|吧|嗯+|呃+|额+|就是|然后) )+"
)
_TELLS = "(?:tell|say|explain|know|check|find out|let me know|look|see)"
_ABOUT = "(?:if|whether|why|who|what|whats|when|which|where|how)"
_QUESTION = re.compile(
    rf"{_ASKED} {_YOU} (?:(?:please|pls|plz|kindly|just) )*{_TELLS} "
    rf"|{_ASKED} (?!{_YOU} )"
    r"|(?:who|whos|whom|whose|what|whats|why|whys|when|whens|which|where|wheres|is|isnt|are|arent|"
    r"was|were|am|did|didnt|does|doesnt|has|hasnt|had|should|shouldnt|shall|may|might|wonder|"
    r"wondering|curious|anyone|anybody) "
    r"|(?:do|have|dont) (?:you|u|we|i|they|any|anyone|anybody|all|these|those|my|our) "
    r"|how(?! (?:to|do|can|could|should|would|does) )|hows "
    rf"|(?:tell me|let me know|any idea|no idea|not sure|unsure|i wonder|im wondering|"
    rf"(?:i|we) (?:want|need|would like) to know|(?:please )?check) {_ABOUT} "
)
_SYMPTOM = (
    "(?:respond|reply|answer|react|reach|work|load|connect|coming|come|up|online|ready|available|"
    r"alive|accessible|healthy|sure|only|again|starting|booting|running|stopping)\w* "
)
_VERB = (
    r"(?:[删重关停启销清移]\S*|restart|reboot|delet|rm|remov|stop|shut(?:down)?|kill|wip|start|boot|"
    r"reset|power(?:off)?|turn|switch|eras|"
    r"destroy|drop|purg|terminat|halt|bounce|kick|cycl|forc|touch|chang|modif|resiz|renam|creat|"
    r"mak|run|do|cancel|approv|shar|unshar|renew|updat|upload|download|suspend|paus|clos|end|"
    r"releas|add|set|snapshot|pull|push)(?:ting|ing|ning|ping|es?|y|e?d|ted|ped)? "
)
_NEVER = "(?:dont|dnt|donr|dotn|dnot|do n t|don t|donot|do not|never|no need|nope)"
_BETWEEN = (
    r"(?:(?:even|really|please|pls|ever|just|now|you|u|want|wanna|like|need|have|wish|plan|try|"
    r"going|dare|to|be|get|go|and|for|the|me|us|(?:let|want) \S+) )*"
)
# Right before the verb of a command, behind it, at the end, or where the line begins.
_NOT = re.compile(
    rf" (?:{_NEVER}|not|shouldnt|mustnt|neednt|avoid|(?:nobody|noone|no one) (?:should|may|must)) "
    rf"(?!(?:even |really )?{_SYMPTOM}){_BETWEEN}{_VERB}"
    rf"| {_VERB}(?:not|nothing|never) (?!(?:even |really )?{_SYMPTOM})"
    rf"| (?:hold off|refrain|skip|postpone|delay|wait) (?:(?:on|from|with|the|a) )*{_VERB}"
    rf"| {_VERB}.* no $"
    rf"| (?:{_NEVER}|not)(?: (?:do it|please|pls|thanks|now|yet))* $"
)
_BEGINS_NOT = re.compile(
    rf"(?:(?:i|we|you|please|pls) )*{_NEVER} "
    rf"(?!(?:even |really )?(?:{_SYMPTOM}|(?:need|want|use) (?!to )|"
    r"know |see |have |care |think |mind |forget ))"
)
# What something does not do is no wish: nothing is offered but to look at it.
_FAILS = re.compile(
    r" (?:cant|cannot|wont|wouldnt|didnt|doesnt|isnt|arent|aint|wasnt|hasnt|havent|couldnt|"
    rf"(?:is|are|was|does|did|can|will|has) not) (?!(?:even |really )?{_SYMPTOM})"
)
# Behind these words, a line says why.
_WHY = re.compile(
    r" (?:because|reason|since|cause|cuz|bc|reason=\S*|#|//) .*|(?:因为|由于|原因|理由).*"
)

# “Can you delete ada?” asks whether that can be; “can you reboot it?” wishes it.
_MAY_END = re.compile(
    rf"{_ASKED} {_YOU} (?!.*\b(?:please|pls|plz|thanks|thx)\b)"
    r"(?:just )?(?:delete|remove|destroy|erase|wipe|drop|purge|terminate|get rid of) "
)

_HAN = re.compile("[\u4e00-\u9fff]")
_OTHERS = re.compile("[^\u4e00-\u9fff]+")
_CHINESE_ASKS = re.compile(
    "谁|什么|甚麼|为什么|为啥|啥|怎么了|怎么回事|怎么样|怎样|咋|哪|几[台个点张号时块]|多少|多久|多大|多长|"
    "是否|是不是|有没有|了没有?x?$|何时|要不要|该不该|会不会|行不行|好不好|可不可以删|吗|嘛|呢"
)
_CHINESE_WEAK = frozenset("吗 嘛 呢 好不好 行不行 怎么样".split())  # noqa: SIM905
_CHINESE_REQUEST = re.compile(
    "能不能|能否|可否|可不可以|帮|麻烦|劳烦|给我|请(?!问)|能(?!删|销|清|关|停).*[吗嘛]|一下.*[吗嘛]"
)
_HOW_TO = re.compile("怎么(?!了|回事|样)|如何")
_EITHER = re.compile(r"(.)[不没]\1")  # 能不能, 是不是
_HARMLESS = re.compile(
    "不好意思|对不起|不知道?|不清楚|不确定|不小心|不错|差不多|不过|不但|不仅|不然|不久|不停|不断|别名|别的|别人|别处|别台|"
    "[特类级区识性]别|别吵我?|免打扰|[连登打进看找用问上启访开关机接停跑]不[上开去了到动起通掉]|动不了|"
    "[不没](?:响应|反应|工作|通|正常|见|可用|稳|动静|起来)|不动(?=了|弹|，|$)"
)
_CHINESE_VERB = (
    "(?:删|关|停|重|启|开|销|清|移|断|杀|改|格|扩|建|创|换|下载|上传|续|租|退|取消|执行|操作|撤|"
    "共享|备份)"
)
_CHINESE_NOT = re.compile(
    "(?:不(?:要|用|许|准|必|需要|想|可|得|让|是)|别|勿|甭|禁止|没必要|没(?:让|叫|要)|无[需须])"
    f"(?:再|去|给|我|你|他|人|把|强制|马上|现在|先|乱|随便|让|叫|要|以|们|吧|那个)*(?:{_CHINESE_VERB}|动|碰|x|$)"
    f"|(?:(?:停止|暂停)(?!下载|上传)|暂缓|先缓|缓缓|推迟|(?:先等|等[一会]?[下会等]|晚[点些]|稍后)再?){_CHINESE_VERB}"
    f"|不(?:{_CHINESE_VERB}|能(?:[删关停销清移杀格]|重启))|(?:不|别|不要|不用)$|不[要用]了(?:谢谢|吧)?$"
)

_CHINESE_NEEDLESS = re.compile(
    "不再(?:需要|使?用)(?=了|的)|(?:不要|不用|不需要|用不着|没用)(?=[了的])"
)
_CHINESE_END = re.compile("删|销毁|清|移除|释放|关|停")


def mood_of(typed: Sequence[str]) -> Mood:
    """What the line is for; who says not to is heard before who asks."""
    said = _said(typed)
    bare = " " + _WHY.sub(" ", said).lstrip()
    begins = without_leads(bare.strip() + " ")
    chinese = _chinese(bare)
    if _QUESTION.match(begins):
        return Mood.QUESTION
    if _says_not(begins, bare, chinese):
        return Mood.REFUSAL
    if chinese and _asks(chinese):
        return Mood.QUESTION
    is_asked = typed[-1:] and typed[-1].rstrip().endswith(("?", "？"))
    if is_asked and _MAY_END.match(begins):
        return Mood.QUESTION
    if is_asked and not re.match(rf"{_ASKED} {_YOU} ", begins) and not _is_how(begins, chinese):
        return Mood.REQUEST if _CHINESE_REQUEST.search(chinese) else Mood.QUESTION
    return Mood.LATER if is_bound(bare, chinese) else Mood.REQUEST


def without_leads(said: str) -> str:
    """A folded line without what says no more than that something follows."""
    found = _LEADS.match(said)
    return said[found.end() :] if found else said


def _said(typed: Sequence[str]) -> str:
    """The words that no quotes hold together, folded, without apostrophes, spaces around each."""
    words = ("…" if is_quoted(word) else bare(word) for word in typed)
    return f" {' '.join(word for word in words if word == '…' or any(map(str.isalnum, word)))} "


def _is_how(begins: str, chinese: str) -> bool:
    return begins.startswith("how ") or bool(_HOW_TO.search(chinese))


def _says_not(begins: str, bare: str, chinese: str) -> bool:
    without = _FAILS.sub(" ", bare)
    if _NOT.search(without) or (without == bare and _BEGINS_NOT.match(begins)):
        return True
    if _CHINESE_END.search(chinese):  # “delete it, it is not needed any more”
        chinese = _CHINESE_NEEDLESS.sub("…", chinese)
    return bool(_CHINESE_NOT.search(_HARMLESS.sub("…", _EITHER.sub("…", chinese))))


def _chinese(said: str) -> str:
    """What is Chinese of it, with an x for what is not; nothing where nothing is."""
    chinese = "".join(_OTHERS.sub("x", word) for word in said.split())
    return chinese if _HAN.search(chinese) else ""


def _asks(text: str) -> bool:
    found = _CHINESE_ASKS.findall(text)
    if not found:
        return False
    is_weak = all(word in _CHINESE_WEAK for word in found)
    return not (is_weak and _CHINESE_REQUEST.search(text))
