"""What looks like a secret in words that others read: a reason is asked for, and kept for ever.

Pure. Only the value is masked, so a reason that is none of it loses a word at the most. What is
known to be a secret is refused before (`bot.pipeline.secrecy`); this is for what nobody knows yet.
"""

import base64
import re
import unicodedata
from collections.abc import Iterator

from bot.redaction import MASK, is_distinctive, seen

# Of a word of ASCII: in Chinese, one begins and ends without a space.
_FLAGS = re.VERBOSE | re.IGNORECASE | re.ASCII

# What issuers put before their keys, and how other credentials are written.
_ISSUED = re.compile(
    r"""
    (?<![\w-])(?:
      xox[a-z]-[\w-]{4,} | xapp-[\w-]{4,}
    | gh[pousr]_\w{10,} | github_pat_\w{10,} | glpat-[\w-]{10,} | npm_\w{20,} | hf_[a-z0-9]{10,}
    | A(?:KIA|SIA)[0-9A-Z]{12,} | AIza[\w-]{20,} | ya29\.[\w-]{10,}
    | eyJ[\w-]{8,}\.[\w-]{4,}(?:\.[\w-]*)?
    ) | -----BEGIN\ [A-Z\ ]*PRIVATE\ KEY-----.*?(?:-----END[^\n]*?-----|\Z)
    """,
    _FLAGS | re.DOTALL,
)
_SK = re.compile(r"(?<![\w-])[sr]k[-_]([\w-]{6,})", _FLAGS)
_CHINESE = r"\u3000-\u303f\u3400-\u4dbf\u4e00-\u9fff"
_IN_URL = re.compile(rf"://[^\s/:@]*:([^\s/@{_CHINESE}]+)@", _FLAGS)
_HOOK = re.compile(r"\bhooks\.slack\.com/\w+/([\w/-]+)", _FLAGS)
_BEARER = re.compile(
    r"""(?P<header>\bauthorization["']?\s*[:=]\s*["']?)?"""
    r"\b(?P<scheme>bearer|basic)\s+(?P<value>[\w.+/=-]{12,})",
    _FLAGS,
)

_GLUED = r"[a-z0-9]{0,20}"  # `PGPASSWORD`, `clientsecret`
_PASSWORD = (
    rf"(?P<password>{_GLUED}pass(?:[_-]|\ )?(?:word|wd|phrase)s?|pass(?:[_-]|\ )?codes?"
    rf"|{_GLUED}pwd|pw|pin(?:[_-]|\ )?code|密码|口令|密碼)"
)
_KEY = (
    rf"(?P<key>(?:[a-z0-9]{{1,20}}[_-]|[a-z0-9]{{1,20}}\ |{_GLUED})(?:secret|token)s?"
    r"|(?:api|access|private|secret)(?:[_-]|\ )?keys?|credentials?"
    r"|mnemonic|seed(?:(?:[_-]|\ )phrase)?|密钥|秘钥|令牌|私钥|助记词|凭据|金鑰)"
)
_VALUE = (
    r"""(?:"(?P<dq>[^"\n]+)"|'(?P<sq>[^'\n]+)'|“(?P<cq>[^”\n]+)”"""
    rf"""|["'“]?(?P<word>[^\s"'“”,;{_CHINESE}]+))"""
)
_BEFORE = r"(?<![a-z0-9])"
# `mnemonic: legal winner thank …`: the words of a wallet, as many as there are of them.
_PHRASE = re.compile(
    rf"{_BEFORE}(?:mnemonic(?:\ phrase)?|(?:seed|recovery|secret|backup)(?:[_-]|\ )(?:phrase|words)"
    r"|seed|助记词|恢复短语)[\s\"'“:：=]*(?:is|are|was|是|为)?[\s\"'“:：=]*"
    r"(?P<value>[a-z]{3,8}(?:[\s,]+[a-z]{3,8}){11,23})(?![\w])",
    _FLAGS,
)
# `the password of train-01 to hunter2`.
_OF_WHAT = r"\s+(?:of|for|on)\s+\S+(?:\s+on\s+\S+)?(?:\s+(?:to|is|as)\s+|\s*[:=]\s*)"
# `password=…`: whatever stands behind it is meant as the value.
_TIGHT = re.compile(
    rf"{_BEFORE}(?:{_PASSWORD}|(?P<short>pass)|{_KEY}|(?P<auth>auth(?:orization)?))=(?!=){_VALUE}",
    _FLAGS,
)
# `password: …`, `the token is …`, `密码是…`, `token …`: only what looks like one.
_SAID = re.compile(
    rf"""{_BEFORE}(?P<flag>--(?:[a-z0-9]+-){{0,3}})?
    (?:{_PASSWORD}|{_KEY}|(?<!\btests\ )(?<!\btest\ )(?<!\bchecks\ )(?P<short>pass)(?=\s*[:=-]))
    (?P<sign>["']?\s*(?:[:=]|[-=]>|→)\s*|\s+(?:is|was)(?:\s*[:=]\s*|\s+)
    |\s*(?:是|改?[为為]|改成)\s*:?\s*|{_OF_WHAT}|\s+){_VALUE}""",
    _FLAGS,
)
_END = ".,;:!?)]}>(…`"  # of a sentence rather than of a value
_TICKET = re.compile(r"[A-Z]{2,10}-\d+|\d{4}-\d\d(?:-\d\d)?|#?\d+")
_NUMBER = re.compile(r"(?=.*\d)[\d\W_]+[a-z]{0,2}", re.IGNORECASE)
_STATES = re.compile(
    "none|null|nil|true|false|yes|no|ok|all|failed|missing|expired|invalid", re.IGNORECASE
)
_PLACE = re.compile(r".*://.*|(?:/[a-z_.-]+){2,}")
_DIRECTORY = re.compile(r"(?:~|\.\.?)?/.*|~")
_SEGMENT = re.compile(r"[A-Za-z0-9]+")
_TURN = re.compile(r"(?<=[A-Za-z])\d|(?<=\d)[A-Za-z]")
_SIGNS = re.compile(r"[!@#$%^&*~+=?|]")


def masked(text: str) -> str:
    """The text without the values that look like secrets."""
    left, places = seen(text)
    narrow = "".join(one if len(one) == 1 else char for char, one in _narrowed(left))
    spans = sorted((places[start][0], places[end - 1][1]) for start, end in _spans(narrow))
    kept, at = [], 0
    for start, end in spans:
        if start >= at and text[start:end] != MASK:
            kept.append(text[at:start] + MASK)
        at = max(at, end)
    return "".join(kept) + text[at:] if kept else text


def _narrowed(text: str) -> Iterator[tuple[str, str]]:
    return ((char, unicodedata.normalize("NFKC", char)) for char in text)


def _spans(text: str) -> Iterator[tuple[int, int]]:
    yield from (found.span() for found in _ISSUED.finditer(text))
    yield from (found.span("value") for found in _PHRASE.finditer(text))
    yield from (found.span(1) for pattern in (_IN_URL, _HOOK) for found in pattern.finditer(text))
    yield from (found.span() for found in _SK.finditer(text) if _has_random(found[1]))
    yield from (found.span("value") for found in _BEARER.finditer(text) if _is_header(found))
    for found in _TIGHT.finditer(text):
        start, end = _value(found)
        if start < end and _is_meant(found, text[start:end]):
            yield start, end
    at = 0
    while said := _SAID.search(text, at):
        start, end = _value(said)
        if _is_said(said, text[start:end]):
            yield start, end
        at = start  # the next word may be a key itself: `the secret token is …`


def _value(found: re.Match[str]) -> tuple[int, int]:
    """Where it stands; nowhere if it is nothing but the end of a sentence."""
    group = next(name for name in ("dq", "sq", "cq", "word") if found[name] is not None)
    start, end = found.span(group)
    return start, start + len(found[group].rstrip(_END)) if group == "word" else end


def _is_header(found: re.Match[str]) -> bool:
    """Whether it is a key that a server is sent, not a word after `bearer` or `basic`."""
    value = found["value"]
    if _has_random(value) or (found["header"] is not None and is_distinctive(value)):
        return True
    if found["scheme"].lower() != "basic":
        return False
    try:
        who = base64.b64decode(value, validate=True)
    except ValueError:
        return False
    return b":" in who and who.isascii()


def _is_meant(found: re.Match[str], value: str) -> bool:
    """Whether what stands behind `=` is a secret, not a count or a state."""
    if _STATES.fullmatch(value) or _is_place(found, value):
        return False
    if found["auth"]:
        return is_distinctive(value)
    if found["password"] or not _NUMBER.fullmatch(value):
        return True
    key = found["key"] or "pass"
    return not key.lower().endswith(("s", "seed")) and len(value) >= 6


def _is_said(found: re.Match[str], value: str) -> bool:
    """Whether what stands behind `:`, `is` or a space is a secret, not the next word."""
    is_said = bool(found["flag"] or found["sign"].strip())
    if _is_place(found, value):
        return False
    if found["short"]:
        return len(value) >= 6 and value.isalnum() and _is_mixed(value)
    return _looks_secret(value, is_password=bool(found["password"]), is_said=is_said)


def _is_place(found: re.Match[str], value: str) -> bool:
    """Whether it says where something is: an address, a file, the directory of a shell."""
    if (found["password"] or "").lower().endswith("pwd") and _DIRECTORY.fullmatch(value):
        return True
    return _PLACE.fullmatch(value) is not None


def _looks_secret(value: str, *, is_password: bool, is_said: bool) -> bool:
    """Whether a value is one; `is_said`: the text says that what comes is the value."""
    if _TICKET.fullmatch(value) and not (is_password and is_said and value.isdigit()):
        return False
    has_digit, has_sign = any(map(str.isdigit, value)), _SIGNS.search(value) is not None
    if is_said and is_password:
        has_cases = value != value.upper() and value[1:] != value[1:].lower()
        return len(value) >= 4 and (has_digit or has_sign or has_cases)
    if is_said:
        return len(value) >= 6 and is_distinctive(value)
    if has_sign and _is_mixed(value):
        return len(value) >= 6
    return _has_random(value)


def _is_mixed(value: str) -> bool:
    return any(map(str.isdigit, value)) and any(map(str.isalpha, value))


def _has_random(value: str) -> bool:
    return any(_is_random(segment) for segment in _SEGMENT.findall(value))


def _is_random(segment: str) -> bool:
    """Whether letters and digits alternate as in no name, or are many together."""
    turns = len(_TURN.findall(segment))
    return (len(segment) >= 6 and turns >= 2) or (len(segment) >= 12 and turns >= 1)
