"""What looks like a secret in words that others read: a reason is asked for, and kept for ever.

Pure. Only the value is masked, so a reason that is none of it loses a word at the most. What is
known to be a secret is refused before (`bot.pipeline.secrecy`); this is for what nobody knows yet.
"""

import re
import unicodedata
from collections.abc import Iterator

from bot.redaction import MASK, is_distinctive

# What issuers put before their keys, and how other credentials are written.
_ISSUED = re.compile(
    r"""
    (?<![\w-])(?:
      (?:sk|rk)[-_](?:[a-z0-9]+[-_])*(?=[a-z]*\d)(?=\d*[a-z])[a-z0-9]{6,}[\w-]*
    | xox[a-z]-[\w-]{4,} | xapp-[\w-]{4,}
    | gh[pousr]_\w{10,} | github_pat_\w{10,} | glpat-[\w-]{10,} | npm_\w{20,} | hf_[a-z0-9]{10,}
    | A(?:KIA|SIA)[0-9A-Z]{12,} | AIza[\w-]{20,} | ya29\.[\w-]{10,}
    | eyJ[\w-]{8,}\.[\w-]{4,}(?:\.[\w-]*)?
    ) | -----BEGIN\ [A-Z\ ]*PRIVATE\ KEY-----.*?(?:-----END[^\n]*?-----|\Z)
    """,
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)
_IN_URL = re.compile(r"://[^\s/:@]+:([^\s/@]+)@")
_BEARER = re.compile(r"\b(?:bearer|basic)\s+([\w.+/=-]{12,})", re.IGNORECASE)
_WORD = r"pass[ _-]?(?:word|wd|phrase|code)s?|pwd|passwd|pin[ _-]?code|密码|口令|密碼"
_KEY = (
    r"(?:[a-z0-9]+[ _-])?(?:secret|token)s?|(?:api|access|private|secret)[ _-]?keys?|credentials?"
    r"|mnemonic|seed(?:[ _-]phrase)?|密钥|秘钥|令牌|私钥|助记词|凭据|金鑰"
)
_VALUE = (
    r"""(?:"(?P<dq>[^"\n]+)"|'(?P<sq>[^'\n]+)'|“(?P<cq>[^”\n]+)”|(?P<word>[^\s"'“”，。；、]+))"""
)
_BEFORE = r"(?<![a-z0-9])"
# `password=…`: whatever stands behind it is meant as the value.
_TIGHT = re.compile(
    rf"{_BEFORE}(?:{_WORD}|pass|pw|{_KEY}|auth(?:orization)?)=(?!=){_VALUE}", re.IGNORECASE
)
# `password: …`, `the token is …`, `密码是…`, `token …`: only what looks like one.
_SAID = re.compile(
    rf"{_BEFORE}(?:(?P<password>{_WORD})|{_KEY})"
    rf"(?P<sign>\s*[:=]\s*|\s+(?:is|was)\s+|\s*(?:是|为|為)\s*|\s+){_VALUE}",
    re.IGNORECASE,
)
_END = ".,;:!?)]}>"  # of a sentence rather than of a value
_TICKET = re.compile(r"[A-Z]{2,10}-\d+|\d{4}-\d\d(?:-\d\d)?|#?\d+")
_SEGMENT = re.compile(r"[A-Za-z0-9]+")
_TURN = re.compile(r"(?<=[A-Za-z])\d|(?<=\d)[A-Za-z]")
_SIGNS = re.compile(r"[!@#$%^&*~+=?|]")


def masked(text: str) -> str:
    """The text without the values that look like secrets."""
    narrow = "".join(one if len(one) == 1 else char for char, one in _narrowed(text))
    spans = sorted(_spans(narrow))
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
    yield from (found.span(1) for pattern in (_IN_URL, _BEARER) for found in pattern.finditer(text))
    yield from (_value(found) for found in _TIGHT.finditer(text))
    at = 0
    while found := _SAID.search(text, at):
        start, end = _value(found)
        is_said = bool(found["sign"].strip())
        if _looks_secret(text[start:end], is_password=bool(found["password"]), is_said=is_said):
            yield start, end
        at = start  # the next word may be a key itself: `the secret token is …`


def _value(found: re.Match[str]) -> tuple[int, int]:
    group = next(name for name in ("dq", "sq", "cq", "word") if found[name] is not None)
    start, end = found.span(group)
    if group == "word":
        end = start + len(found[group].rstrip(_END) or found[group])
    return start, end


def _looks_secret(value: str, *, is_password: bool, is_said: bool) -> bool:
    """Whether a value is one; `is_said`: the text says that what comes is the value."""
    if _TICKET.fullmatch(value) and not (is_password and is_said and value.isdigit()):
        return False
    has_digit, has_sign = any(map(str.isdigit, value)), _SIGNS.search(value) is not None
    if is_said and is_password:
        return len(value) >= 4 and (has_digit or has_sign or not value[1:].islower())
    if is_said:
        return len(value) >= 6 and is_distinctive(value)
    letters = any(map(str.isalpha, value))
    if has_sign and has_digit and letters:
        return len(value) >= 6
    return any(_is_random(segment) for segment in _SEGMENT.findall(value))


def _is_random(segment: str) -> bool:
    """Whether letters and digits alternate as in no name, or are many together."""
    turns = len(_TURN.findall(segment))
    return (len(segment) >= 6 and turns >= 2) or (len(segment) >= 12 and turns >= 1)
