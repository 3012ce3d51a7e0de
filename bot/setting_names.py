"""Names beside the settings that are none of them: one that is misspelt would count as left out.

`.env` is the bot's own, so that everything in it should be known. What others have in the
environment is none of our business but where it is nearly a setting that is not there. Systems
have `LANGUAGE` as well: in `.env`, or as a bare code such as `fr`, it is the bot's, and a language
that it does not speak is told. `fr_FR:fr` in the environment is the system's.
"""

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path

from dotenv import dotenv_values
from dotenv.parser import parse_stream

from bot.config import ENV_FILE, SECRETS, Settings
from bot.reply import Text, language_of, locales_in, say
from bot.setting_sources import given_twice, secrets_twice, unquoted

_DIRECTORY = "CREDENTIALS_DIRECTORY"
_FIELDS = tuple(name.upper() for name in Settings.model_fields)
_HELD = frozenset(name.upper() for name in SECRETS)  # in files, or by themselves
_KNOWN = (*_FIELDS, *(f"{name.upper()}_FILE" for name in SECRETS), _DIRECTORY)
_ADDRESSES = ("_URL", "_URLS", "_ENDPOINT")  # given for once, as to look at another database
# Compose reads `.env` as well, for what stands in its own files.
_OF_COMPOSE = re.compile(r"COMPOSE_\w+|DOMAIN")
# Libraries read these from the environment, where `.env` does not put them.
_OF_LIBRARIES = re.compile(r"(?:HTTPS?|ALL|NO)_PROXY|OTEL_\w+|SSL_CERT_(?:FILE|DIR)|TZ")
# A line without a name, such as one of a key, may be read as one: no secret looks like this.
_PLAIN = re.compile(r"[A-Z][A-Z0-9_]{0,39}")
_LANGUAGE = "LANGUAGE"
_PLAIN_ENGLISH = "C"
_LIKE = 0.65  # of the letters, in the bot's own file
_FEW, _MANY = 6, 12  # characters of a name from which one or two of them may be wrong


@dataclass(frozen=True, slots=True)
class Stranger:
    """A name that is no setting, where it stands, and the setting that is probably meant.

    With a value, a setting whose value has no effect; with a line, what cannot be read there; with
    what `counts`, a setting that is given several times.
    """

    name: str
    where: Text
    meant: str = ""
    value: str = ""
    line: int = 0
    counts: Text = ""

    @property
    def told(self) -> Text:
        """What there is to say of it."""
        if self.line:
            return say(
                "Line {line} of {file} cannot be read and has no effect. Is a quotation mark in "
                "it not closed?",
                line=self.line, file=self.where,
            )  # fmt: skip
        if self.counts:
            return say(
                "{name} is set several times, with different values. What counts is {place}.",
                name=self.name, place=self.counts,
            )  # fmt: skip
        if self.value:
            return say(
                "{name}={value} in {where} counts as English: the bot speaks English (en) and "
                "Chinese (zh).",
                name=self.name, value=self.value, where=self.where,
            )  # fmt: skip
        if self.meant:
            return say(
                "{name} in {where} is no setting of the bot. Did you mean {meant}?",
                name=self.name, where=self.where, meant=self.meant,
            )  # fmt: skip
        if _OF_LIBRARIES.fullmatch(self.name):
            return say(
                "{name} in {where} has no effect: it is read from the environment alone.",
                name=self.name, where=self.where,
            )  # fmt: skip
        return say(
            "{name} in {where} is no setting of the bot, and has no effect.",
            name=self.name, where=self.where,
        )  # fmt: skip


def strangers(environment: Mapping[str, str] = os.environ) -> list[Stranger]:
    """All names that are worth a warning; none where a file cannot be read, which is told."""
    in_file, files = _env_file(), _files(environment)
    given = {name.upper() for name in (*in_file, *environment, *files)}
    missing = [name for name in _KNOWN if not given & _ways_of(name)]
    held = [name for name in missing if name in _HELD]
    return [
        *_unread(),
        *_several(in_file, environment),
        *_in_env_file(in_file, environment, missing),
        *_unspoken(in_file, environment),
        *_near_misses(environment, missing, say("the environment")),
        *_near_misses(files, held, _DIRECTORY),
    ]


def _ways_of(name: str) -> set[str]:
    """All names under which the same may be given."""
    bare = name.removesuffix("_FILE")
    return {bare, f"{bare}_FILE"} if bare in _HELD else {name}


def _env_file() -> Mapping[str, str | None]:
    try:
        return dotenv_values(ENV_FILE, interpolate=False, encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError):
        return {}


def _unread() -> Iterator[Stranger]:
    """The lines of `.env` that are skipped; what stands in them may be a secret."""
    try:
        with Path(ENV_FILE).open(encoding="utf-8-sig") as opened:
            found = list(parse_stream(opened))
    except (OSError, UnicodeDecodeError):
        return
    for one in found:
        if one.error:
            yield Stranger(f"line {one.original.line}", ENV_FILE, line=one.original.line)


def _several(
    in_file: Mapping[str, str | None], environment: Mapping[str, str]
) -> Iterator[Stranger]:
    """The settings of which one value hides another; a secret that is twice in `.env` is refused.

    Of others, the environment is where something is set for once.
    """
    last = say("the last one in {file}", file=ENV_FILE)
    refused = secrets_twice(Path(ENV_FILE)) & _HELD
    for name in sorted(given_twice(Path(ENV_FILE)).keys() & set(_FIELDS) - refused):
        yield Stranger(name, ENV_FILE, counts=last)
    around = {name.upper(): unquoted(value) for name, value in environment.items()}
    for name, value in in_file.items():
        hidden, counts = unquoted(value or ""), around.get(name.upper())
        # What refers to a variable may come to the same.
        if counts in {None, "", hidden} or "$" in hidden or name.upper() not in _HELD:
            continue
        if hidden and not name.upper().endswith(_ADDRESSES):
            yield Stranger(
                name, ENV_FILE,
                counts=say("the environment, not {file}", file=ENV_FILE),
            )  # fmt: skip


def _files(environment: Mapping[str, str]) -> list[str]:
    """What lies in the directory of systemd's credentials."""
    try:
        return sorted(one.name for one in Path(unquoted(environment[_DIRECTORY])).iterdir())
    except (KeyError, OSError, ValueError):
        return []


def _in_env_file(
    names: Iterable[str], environment: Mapping[str, str], missing: Sequence[str]
) -> Iterator[Stranger]:
    for name in names:
        upper = name.upper()
        if upper in _KNOWN or _OF_COMPOSE.fullmatch(upper):
            continue
        # One letter off a setting that is there is still that one, and no farther one is meant.
        meant = _near(upper, missing) or _near(upper, _KNOWN)
        if not meant and not _OF_LIBRARIES.fullmatch(upper):
            meant = _best(upper, [one for one in missing if _likeness(upper, one) >= _LIKE])
        # What is also in the environment is there for somebody else.
        if meant or (name not in environment and _PLAIN.fullmatch(name)):
            yield Stranger(name, ENV_FILE, meant)


def _unspoken(
    given: Mapping[str, str | None], environment: Mapping[str, str]
) -> Iterator[Stranger]:
    """A language that the bot takes for English since it does not speak it."""
    around = {name: value for name, value in environment.items() if value}
    named = {name: value for name, value in around.items() if name.upper() == _LANGUAGE}
    for name, value in (named or given).items():
        locales = locales_in(unquoted(value or "")) if name.upper() == _LANGUAGE else []
        if named and not (len(locales) == 1 and locales[0].isalpha()):
            continue  # the system's
        if locales and not any(one == _PLAIN_ENGLISH or language_of(one) for one in locales):
            where = say("the environment") if named else ENV_FILE
            yield Stranger(name, where, value=":".join(locales))


def _near_misses(names: Iterable[str], missing: Sequence[str], where: Text) -> Iterator[Stranger]:
    for name in names:
        if name.upper() not in _KNOWN and (meant := _near(name.upper(), missing)):
            yield Stranger(name, where, meant)


def _near(name: str, known: Sequence[str]) -> str:
    """The setting that is surely meant; empty where it might be somebody else's name."""
    return _best(name, [one for one in known if _is_near(name, one)])


def _best(name: str, known: Sequence[str]) -> str:
    return max(known, key=lambda one: _likeness(name, one), default="")


def _likeness(name: str, known: str) -> float:
    return SequenceMatcher(None, name, known, autojunk=False).ratio()


def _is_near(name: str, known: str) -> bool:
    if name.replace("_", "") == known.replace("_", ""):
        return True
    if name == f"{known}_FILE":  # as if it held a secret
        return True
    words, wanted = _words(name), _words(known)
    if len(words) > 1 and words[0] == wanted[0] and set(words) <= set(wanted):
        return True
    wrong = 0 if len(known) < _FEW else 1 if len(known) < _MANY else 2
    return abs(len(name) - len(known)) <= wrong and _distance(name, known) <= wrong


def _words(name: str) -> list[str]:
    return [part.removesuffix("S") for part in name.split("_")]


def _distance(one: str, other: str) -> int:
    """How many letters are added, left out or replaced; two that are swapped count as one."""
    if _are_swapped(one, other):
        return 1
    changes = SequenceMatcher(None, one, other, autojunk=False).get_opcodes()
    return sum(max(b - a, d - c) for kind, a, b, c, d in changes if kind != "equal")


def _are_swapped(one: str, other: str) -> bool:
    """Whether they are alike but for two neighbouring letters in each other's place."""
    unlike = [at for at, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1]]
    if len(one) != len(other) or len(unlike) != 2:
        return False
    first, second = unlike
    return second == first + 1 and one[first : second + 1] == other[second] + other[first]
