"""What a line says of a deed that is not wished now: it failed, comes later, or was quoted. Pure.

All takes a folded line with a space around each word, `…` or any word for a name; Chinese without
spaces, and an x for what is not Chinese.
"""

import re

_DEED = (
    r"(?:restart|reboot|start|boot|stop|shutdown|shut down|power (?:cycl|off|on)|turn (?:off|on)|"
    r"reset|delet|remov|snapshot|resiz|creat|modif|chang|kill|renew|download|upload)"
    r"(?:e|es|ies|y|s|ed|ing|ting|ping|d)?"
)
_TO_NO_END = (
    r"(?:(?:again|still|just|always|also|even|has|have|had|keeps|kept|really) )*"
    r"(?:(?:doesnt|does not|didnt|did not|wont|will not|never|hasnt|isnt|is not) (?:\w+ )?"
    r"(?:work|help|do|succeed|finish|complete|fix|go|end|happen)\w*|fail\w*|error\w*|times? out|"
    r"timed out|(?:has|had|with) no effect|(?:does|did) nothing|unsuccessful\w*) "
)
# “restart ada doesnt work”, “restart of ada failed”, “ada restart had no effect”
_DEED_FAILS = re.compile(
    r"^ (?:(?:the|my|his|her|your|their|our|a|vm|machine|still|again|i|we|tried to|trying to) )*"
    rf"(?:\S+ )?{_DEED} (?:(?:of|the|vm|machine|on) )*(?:\S+ )??{_TO_NO_END}"
)
_ITSELF = (
    r"(?:unexpectedly|(?:by |on )?it ?self|on its own|suddenly|randomly|out of nowhere|"
    r"for no reason|all the time|over and over|in a loop|every \w+|last (?:night|week|time)|"
    r"yesterday|this morning|earlier|overnight|\w+ ago)"
)
_FALLS = (
    r"(?:shuts?|shutting|shutdown|restart\w*|reboot\w*|stop\w*|crash\w*|power\w*|turn\w*|die[sd]?|"
    r"went|goes)"
)
_BY_ITSELF = re.compile(
    rf" {_FALLS} (?:down |off |\S+ ){{0,2}}?{_ITSELF} | (?:keeps?|kept|suddenly|randomly) (?:on )?"
    r"(?:restart|reboot|shut|stopp|crash|power|turn|dy)(?:ing|ed)? "
)

_DONE = "(?:重启|开机|关机|启动|关|停|删除?|断电|重置|快照|创建|扩容)"
_CHINESE_FAILS = re.compile(
    f"{_DONE}(?:了|过)?x*(?:了|以?后|之后)?(?:又|还是|一直|也|总是|老是|都|还)*"
    "(?:没用|不管用|没管用|不行|失败|不成功|没成功|不起作用|没效果|没生效|报错|出错|没反应|不了|"
    "不起来|不上|不掉|不下来|没起来|连不上)x*(?:了|啊|呀)?x*$"
)
_CHINESE_ITSELF = re.compile(
    f"(?:自己|突然|莫名|无缘无故|意外|一直|老是|总是|不断|反复|频繁)(?:[x在又地就被]|其妙)*{_DONE}"
    f"|(?:昨[晚天夜]|今早|半夜|夜里).*{_DONE}了"
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
    r"|(?:at|by|until|around) (?:\d{1,2}(?:[:.]\d\d)?(?: ?[ap]\.?m\.?)?(?! g)|noon|midnight)"
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


def fails(said: str, chinese: str) -> bool:
    """Whether it says that a deed came to nothing, or that something went down by itself."""
    if _DEED_FAILS.search(said) or _BY_ITSELF.search(said):
        return True
    return bool(_CHINESE_FAILS.search(chinese) or _CHINESE_ITSELF.search(chinese))


def is_bound(said: str, chinese: str) -> bool:
    """Whether it is wished later, or on a condition: “tomorrow”, “if it hangs”, “after lunch”."""
    if _CONDITION.search(_AT_WILL.sub(" ", said)):
        return True
    return bool(_CHINESE_CONDITION.search(_CHINESE_AT_WILL.sub("", chinese)))


def not_yet(text: str) -> str:
    """What says in a text that something is not wished now; nothing where nothing does."""
    found = _NOT_YET.search(text)
    return found[0] if found else ""
