"""The languages that the bot speaks, and their catalogues."""

import re
from functools import cache
from gettext import GNUTranslations, NullTranslations
from pathlib import Path
from typing import Literal

from bot.reply.text import ENGLISH

Language = Literal["en", "zh"]

CATALOGUES = Path(__file__).resolve().parents[1] / "locale"
# How gettext calls a language's directory.
DIRECTORIES: dict[Language, str] = {"zh": "zh_CN"}
_LOCALE = r"(?:C|[a-z]{2,3}(?:[_-]\w+)*(?:\.[\w-]+)?)"
_LOCALES = re.compile(rf"{_LOCALE}(?::{_LOCALE})*", re.IGNORECASE)


@cache
def catalogue(language: Language) -> NullTranslations:
    """The language's words; what it has none for stays English. Read once."""
    if (directory := DIRECTORIES.get(language)) is None:
        return ENGLISH
    with (CATALOGUES / directory / "LC_MESSAGES" / "bot.mo").open("rb") as file:
        return GNUTranslations(file)


def locales_in(text: str) -> list[str]:
    """The locales that gettext's `LANGUAGE` lists, such as `de_DE:de`; none in any other text."""
    return text.split(":") if _LOCALES.fullmatch(text) else []


def language_of(locale: str) -> Language | None:
    """The language of a locale such as `zh-CN`, if the bot speaks it."""
    match locale.replace("_", "-").partition("-")[0].lower():
        case "en":
            return "en"
        case "zh":
            return "zh"
    return None
