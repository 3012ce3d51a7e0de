"""What a line says of a deed that is not wished now: it came to nothing, or comes later. Pure.

All takes a folded line with a space around each word, `…` or any word for a name; Chinese without
spaces, and an x for what is not Chinese.
"""

import re
from collections.abc import Iterable

from bot.folding import fold, peel
from bot.language.traditional import simplified

_IN_VAIN = re.compile(
    r" (?:fail\w*|(?:doesnt|didnt|does not|did not|wont|isnt|never) (?:\w+ )?(?:work|help)\w*|"
    r"no effect|times? out|timed out) |失败|没用|不管用|不行|不成功|不起作用|没效果|没生效|还是没"
)
_FAULT = re.compile(
    r" (?:errors?|unexpectedly|suddenly|randomly|it ?self|on its own|(?:keeps?|kept) \w+ing|"
    r"last (?:night|week|time)|yesterday|hangs?|hung|stuck|frozen|froze|crash\w*|unresponsive|dead|"
    r"unreachable|broken|cant|cannot|wont|(?:can|could|will|would|does|did)(?:nt| not)) "
    "|报错|出错|没反应|无响应|不了|不起来|不掉|没起来|连不上|卡死|卡住|死机|挂了|自己|突然|莫名|意外|一直|老是|总是|不断|反复|频繁"
    "|昨[晚天夜]|今早|半夜|夜里|[连登打进看找用问上访开动]不[上开去到动通]"
)

# When there is time, or as a courtesy.
_AT_WILL = re.compile(
    r" (?:if|when|whenever) (?:thats?|that is|it is|its|you|u|possible|convenient|ok|okay|this is)"
    r"(?: (?:ok|okay|fine|alright|possible|not too much trouble|can|could|have (?:time|a \w+)|"
    r"get (?:a \w+|time|to it)|dont mind|please|with you|for you|free|ready|like|want))*(?= )"
)
_TIME = (
    r"(?:tomorrow|tonight|later|this evening|eod|next (?:week|month|mon|tue|wed|thu|fri|sat|sun)\w*"
    r"|(?:in|after) (?:an?|\d+|two|three|half an|a few|some) (?:min|hour|hr|day|week)\w*"
    r"|(?:at|until|around) (?:\d{1,2}(?:[:.]\d\d)?(?: ?[ap]\.?m\.?)?(?! g)|noon|midnight)"
    r"|by (?:\d{1,2}(?:[:.]\d\d| ?[ap]\.?m)|noon|midnight)"
    r"|(?:on|by|next) (?:mon|tues|wednes|thurs|fri|satur|sun)day"
    r"|(?:by |at )?(?:the )?end of (?:the )?(?:day|week|month))"
)
_ENDED = (
    r"(?:is|are|has|have|was|finish\w*|ends?|ended|stops?|completes?|done|hangs?|crash\w*|dies)"
)
_CONDITION = re.compile(
    rf" {_TIME} | (?:if|unless|in case|as soon as|once) (?:\S+ ){{1,9}}"
    rf"| (?:when|whenever|after|until|before) (?:done|finished|(?:\S+ ){{1,4}}?{_ENDED}) "
    r"| after (?:lunch|work|hours|dinner|that|\w+ing|the (?:backup|snapshot|train\w*|run|job|"
    r"download|upload|transfer|meeting|copy)) "
    r"| but (?:keep|save|leave|preserve) (?:the |its |all |my |our )"
)
_CHINESE_AT_WILL = re.compile("(?:方便|可以|有空|有时间|行|不麻烦|没问题|能)的话")
_HOURS = "[一二两三四五六七八九十半几0-9x]+个?(?:小时|钟头|分钟|天|周)(?:以?后|之后|过后)"
_CHINESE_CONDITION = re.compile(
    f"如果|要是|假如|万一|的话|等.*(?:再|后|完|好|就)|(?:完|好|结束)了?x*(?:再|之?后|以后|就|把)"
    f"|明[天早晚]|后天|今晚|晚上|下午|凌晨|{_HOURS}|[二两三四五六七八九十x]点|稍后|待会|晚点|"
    "过一?会|月底|下?周[一二三四五六日末]|下周|下个?月|到时候?"
)
# Of a reason: that what is typed is not wished now, or not without more.
_NOT_YET = re.compile(
    r"\b(?:(?:but )?not (?:now|yet|before|until|today)|unless|only if|but (?:wait|only|first)|"
    r"after (?:lunch|work|hours|dinner|midnight)|tomorrow|tonight|next week|later today)\b"
    "|不是现在|先不|别急|除非|明[天早晚]|今晚|下周|稍后|晚点|等[^，。]*(?:再|之后|以后)"
)


def bare(word: str) -> str:
    """A word as it is compared: folded, without apostrophes and what ends a part of a line."""
    return simplified(fold(peel(word.rstrip(",;:，、；："))).replace("'", ""))


def is_fault(words: Iterable[str]) -> bool:
    """Whether they say that something does not work, or did what nobody wished."""
    said = f" {' '.join(map(bare, words))} "
    return bool(_IN_VAIN.search(said) or _FAULT.search(said))


def is_in_vain(words: Iterable[str]) -> bool:
    """Whether they say that what was done came to nothing."""
    return _IN_VAIN.search(f" {' '.join(map(bare, words))} ") is not None


def is_bound(said: str, chinese: str) -> bool:
    """Whether it is wished later, or on a condition: “tomorrow”, “if it hangs”, “after lunch”."""
    if _CONDITION.search(_AT_WILL.sub(" ", said)):
        return True
    return bool(_CHINESE_CONDITION.search(_CHINESE_AT_WILL.sub("", chinese)))


def not_yet(text: str) -> str:
    """What says in a text that something is not wished now; nothing where nothing does."""
    found = _NOT_YET.search(text)
    return found[0] if found else ""
