"""Whether a line asks for something, asks about something, or says what not to do. Pure.

Of a line that is a question, or that says not to, nothing that changes anything is offered.
"""

import re
from collections.abc import Sequence
from enum import Enum, auto

from bot.folding import fold, peel
from bot.language.text import is_quoted
from bot.language.traditional import simplified


class Mood(Enum):
    """What a line is for."""

    REQUEST = auto()
    QUESTION = auto()
    REFUSAL = auto()  # “do not restart ada”


# What somebody types in the place of a name who wants nothing done.
NOTHINGS = frozenset("nothing none never not dont don't nope 不 别 不要 没有".split())  # noqa: SIM905

_YOU = "(?:you|u|ya|someone|somebody|anyone|anybody)"
_ASKED = "(?:can|could|would|will|wont|cant|couldnt|wouldnt)"
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
_ASKS_WHETHER = re.compile(rf" (?:tell me|let me know|do you know|wonder) {_ABOUT} ")
_SYMPTOM = (
    "(?:respond|reply|answer|react|reach|work|load|connect|coming|come|up|online|ready|available|"
    r"alive|accessible|healthy|sure|only|again)\w* "
)
_NOT = re.compile(
    r" (?:dont|do n t|don t|donot|never|not|nothing|nope|no need|shouldnt|mustnt|neednt|avoid|"
    rf"(?:nobody|noone|no one) (?:should|may|must)) (?!(?:even |really )?{_SYMPTOM})"
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

_HAN = re.compile("[\u4e00-\u9fff]")
_CHINESE_ASKS = re.compile(
    "谁|什么|甚麼|为什么|为啥|啥|怎么了|怎么回事|怎么样|怎样|咋|哪|几[台个点张号时块]|多少|多久|多大|多长|"
    "是否|是不是|有没有|何时|要不要|该不该|会不会|行不行|好不好|可不可以删|吗|嘛|呢"
)
_CHINESE_WEAK = frozenset("吗 嘛 呢 好不好 行不行 怎么样".split())  # noqa: SIM905
_CHINESE_REQUEST = re.compile(
    "能不能|能否|可否|可不可以|帮|麻烦|劳烦|给我|请(?!问)|能.*[吗嘛]|一下.*[吗嘛]"
)
_HOW_TO = re.compile("怎么(?!了|回事|样)|如何")
_ALL_OR_NONE = re.compile("[什么谁哪啥](?:也|都)(?=不|别|没)")
_EITHER = re.compile(r"(.)[不没]\1")  # 能不能, 是不是
_HARMLESS = re.compile(
    "不好意思|对不起|不知道?|不清楚|不确定|不小心|不错|差不多|不过|不但|不仅|不然|不久|不停|不断|别名|别的|"
    "[特类级区识性]别|别吵我?|免打扰|[连登打进看找用问上启访开]不[上开去了到动起通]|动不了|"
    "[不没](?:响应|反应|工作|通|正常|见|可用|稳|动静|起来)"
)
_CHINESE_NOT = re.compile("不|别|勿|甭|禁止|没必要|无需|无须|没(?=让|叫|要)")


def mood_of(typed: Sequence[str]) -> Mood:
    """What the line is for; who says not to is heard before who asks."""
    said = _said(typed)
    bare = " " + _WHY.sub(" ", said).lstrip()
    begins = without_leads(bare.strip() + " ")
    chinese = "".join(word for word in bare.split(" ") if _HAN.search(word))
    if _QUESTION.match(begins) or _ASKS_WHETHER.search(bare):
        return Mood.QUESTION
    if _FAILS.search(bare) and not _NOT.search(_FAILS.sub(" ", bare)):
        return Mood.QUESTION
    if _NOT.search(bare) or (chinese and _says_not(chinese)):
        return Mood.REFUSAL
    if chinese and _asks(chinese):
        return Mood.QUESTION
    is_asked = typed[-1:] and typed[-1].rstrip().endswith(("?", "？"))
    if is_asked and not re.match(rf"{_ASKED} {_YOU} ", begins) and not _is_how(begins, chinese):
        return Mood.REQUEST if _CHINESE_REQUEST.search(chinese) else Mood.QUESTION
    return Mood.REQUEST


def without_leads(said: str) -> str:
    """A folded line without what says no more than that something follows."""
    found = _LEADS.match(said)
    return said[found.end() :] if found else said


def _said(typed: Sequence[str]) -> str:
    """The words that no quotes hold together, folded, without apostrophes, spaces around each."""
    words = ("…" if is_quoted(word) else _word(word) for word in typed)
    return f" {' '.join(word for word in words if word == '…' or any(map(str.isalnum, word)))} "


def _word(word: str) -> str:
    return simplified(fold(peel(word.rstrip(",;:，、；："))).replace("'", ""))


def _is_how(begins: str, chinese: str) -> bool:
    return begins.startswith("how ") or bool(_HOW_TO.search(chinese))


def _says_not(text: str) -> bool:
    if _ALL_OR_NONE.search(text):
        return True
    return bool(_CHINESE_NOT.search(_HARMLESS.sub("…", _EITHER.sub("…", text))))


def _asks(text: str) -> bool:
    found = _CHINESE_ASKS.findall(text)
    if not found:
        return False
    is_weak = all(word in _CHINESE_WEAK for word in found)
    return not (is_weak and _CHINESE_REQUEST.search(text))
