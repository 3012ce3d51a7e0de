"""What a machine or node may be called here: only what people can type and tell apart."""

import re
from collections.abc import Mapping

from bot.errors import Refused

_NICKNAME = re.compile(r"[\w.-]{1,40}")
LOST_NICKNAME = "A nickname that it has already no longer means it."
_WORDS = frozenset({"on", "force", "help", "here", "none", "head", "tail"})  # of the language


def check_nickname(values: Mapping[str, str]) -> None:
    """Refuse a nickname that no command line could mean."""
    nickname = values.get("nickname", "")
    if _NICKNAME.fullmatch(nickname) is None:
        raise Refused(
            "A nickname has at most 40 letters, digits, dots, dashes and underscores, no spaces.",
            field="nickname",
        )
    if nickname.lower() in _WORDS:
        raise Refused(
            f"“{nickname}” is a word of the commands.", hint="Choose another.", field="nickname"
        )
