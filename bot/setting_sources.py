"""Where settings come from beside the environment: files that hold one secret each.

A container's secret is a file that `…_FILE` names; systemd's `LoadCredential` puts them into
`CREDENTIALS_DIRECTORY`. What is wrong with a file is said with everything else that is wrong.
"""

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dotenv.parser import parse_stream
from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
)

from bot.addresses import is_address, keys_in, without_version
from bot.reply import Text, say

_DIRECTORY = "credentials_directory"
_QUOTES = ("'", '"')
_PLACEHOLDERS = ("...", "…")
_CURLY = ("“", "”", "„", "‘", "’")


@dataclass(frozen=True, slots=True)
class Unusable:
    """In place of a secret that could not be had: why, as the end of a sentence."""

    why: str


def _where(name: str, file: str, *, is_named: bool) -> Text:
    if is_named:
        return say("{name} is in the file that {setting} names.", name=name, setting=f"{name}_FILE")
    return say("{name} is the file {file} in {directory}.", name=name, file=file,
        directory=_DIRECTORY.upper())  # fmt: skip


class Places:
    """Which settings files hold, so that a sentence about one leads to where it is given.

    A setting that is put where its name leads, beside its file, would be refused as given twice.
    """

    def __init__(self, sentences: Mapping[str, Text]) -> None:
        """`sentences`: by the name of a setting, what says where it is."""
        self._sentences = sentences
        self._names = re.compile("|".join(rf"\b{name}\b" for name in sentences) or r"(?!)")

    def named_in(self, text: str) -> Iterator[Text]:
        """Where each setting is that a text names, unless the text says where."""
        if _DIRECTORY.upper() in text:
            return
        for name in dict.fromkeys(self._names.findall(text)):
            if f"{name}_FILE" not in text:
                yield self._sentences[name]

    def told(self, text: str) -> str:
        """The text, and where the settings are that it names."""
        return ("\n" if "\n" in text else " ").join([text, *map(str, self.named_in(text))])


class SecretFiles(PydanticBaseSettingsSource):
    """The secrets that `…_FILE` names, or that lie in `CREDENTIALS_DIRECTORY` by their names.

    Never chooses between two: a secret that is given twice is refused, since the wrong one of them
    may be the one that was meant to be replaced.
    """

    def __init__(
        self,
        settings_cls: type[BaseSettings],
        secret: tuple[str, ...],
        sources: Sequence[PydanticBaseSettingsSource],
    ) -> None:
        """`sources`: where names of files may stand, the one that counts most first."""
        super().__init__(settings_cls)
        self._secret = secret
        self._given: dict[str, str | None] = {}
        self._twice = frozenset[str]()
        for source in reversed(sources):
            if not isinstance(source, EnvSettingsSource):
                continue
            self._given |= source.env_vars
            if not isinstance(source, DotEnvSettingsSource):
                around = {name.upper() for name, value in source.env_vars.items() if value}
                self._twice -= around  # the environment counts before each of them
            elif isinstance(source.env_file, str):
                self._twice = secrets_twice(Path(source.env_file))

    def get_field_value(self, _field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """Return what the files say of one field."""
        return self._value(field_name), field_name, False

    def __call__(self) -> dict[str, Any]:
        """Return each secret that a file holds, or why it cannot be used."""
        found = {name: self._value(name) for name in self._secret}
        return {name: value for name, value in found.items() if value is not None}

    def _value(self, name: str) -> str | Unusable | None:
        if name.upper() in self._twice:
            return Unusable("it stands in .env more than once: leave all but one out")
        places = list(self._places(name))
        sources = [told for told, _ in places]
        if self._given.get(name):
            sources.insert(0, name.upper())
        if not places:
            return None
        if len(sources) > 1:
            return Unusable(f"it is set by {' and by '.join(sources)}: leave all but one out")
        ((told, path),) = places
        return _content(path, told)

    def places(self) -> Places:
        """Which of them files hold."""
        places = {name: next(self._places(name), None) for name in self._secret}
        return Places({
            name.upper(): _where(name.upper(), place[1].name, is_named=place[0].endswith("_FILE"))
            for name, place in places.items()
            if place is not None
        })  # fmt: skip

    def _places(self, name: str) -> Iterator[tuple[str, Path]]:
        """Where its file is: who says so, and the path."""
        if named := self._given.get(f"{name}_file"):
            yield f"{name.upper()}_FILE", Path(unquoted(named))
        if not (directory := self._given.get(_DIRECTORY)):
            return
        for file in (name.upper(), name):
            if (path := Path(unquoted(directory), file)).exists():
                yield f"the file {file} in CREDENTIALS_DIRECTORY", path


def _content(path: Path, told: str) -> str | Unusable:
    """What the file holds; no sentence names the path, which may be a secret in the wrong place."""
    file = "the file that it names" if told.endswith("_FILE") else "it"
    try:
        text = path.read_text(encoding="utf-8-sig").strip()
    except FileNotFoundError:
        return Unusable(f"{told} cannot be used: {file} does not exist")
    except IsADirectoryError:
        return Unusable(f"{told} cannot be used: {file} is a directory")
    except PermissionError:
        return Unusable(f"{told} cannot be used: the bot's account may not read {file}")
    except UnicodeDecodeError:
        return Unusable(f"{told} cannot be used: {file} is not a text file in UTF-8")
    except (OSError, ValueError) as error:  # a name that is too long, or has a NUL
        why = getattr(error, "strerror", None) or "it is no path"
        return Unusable(f"{told} cannot be used: {file} cannot be read ({why})")
    return text or Unusable(f"{told} cannot be used: {file} is empty")


def secrets_twice(file: Path) -> frozenset[str]:
    """Those names of `given_twice` of which a value is a secret, should they be made to hold one.

    An address without a password or key is none.
    """
    return frozenset(
        name
        for name, values in given_twice(file).items()
        if any(holds_secret(name.lower(), value) for value in values)
    )


def given_twice(file: Path) -> Mapping[str, Set[str]]:
    """What has several values in a file like `.env`, by names in capitals; nothing if unread."""
    found = defaultdict[str, set[str]](set)
    try:
        with file.open(encoding="utf-8-sig") as opened:
            for one in parse_stream(opened):
                if one.key and (value := unquoted(one.value or "")):
                    found[one.key.upper()].add(value)
    except (OSError, UnicodeDecodeError):  # which is told
        return {}
    return {name: values for name, values in found.items() if len(values) > 1}


def cleaned(given: Mapping[str, Any]) -> dict[str, Any]:
    """The values without the quotes that `docker run --env-file` and systemd leave on.

    What is empty then is left out, as an empty value always is. Raises nothing.
    """
    texts = {
        name: unquoted(value) if isinstance(value, str) else value for name, value in given.items()
    }
    return {name: value for name, value in texts.items() if value != ""}


def unquoted(text: str) -> str:
    """The text without white space and one pair of quotes around it."""
    text = text.strip()
    if len(text) > 1 and text[0] in _QUOTES and text[-1] == text[0]:
        return text[1:-1].strip()
    return text


_WHERE = frozenset({"host", "port", "database", "dbname"})  # in the options of an address


def fingerprint(database_url: str, file: Path | None) -> str:
    """The same for all who use this database; tells neither where it is nor its password.

    Of its options only those count that say where it is: others may be secrets.
    """
    kind, _, rest = database_url.partition("://")
    where, _, query = rest.rpartition("@")[2].partition("?")
    options = [one for one in query.split("&") if one.partition("=")[0] in _WHERE]
    named = [str(file.resolve())] if file else [kind.partition("+")[0], where, *options]
    return hashlib.sha256("\n".join(named).encode()).hexdigest()[:12]


def secret_texts(values: Iterable[object]) -> Iterator[str]:
    """What those of the values hold that are secrets, or several of them."""
    for value in values:
        if isinstance(value, SecretStr) and (text := value.get_secret_value()):
            yield text
        elif isinstance(value, tuple):
            yield from secret_texts(value)


def in_our_words(fault: str) -> str:
    """What is wrong with a value: our own sentence, or pydantic's where there is none."""
    ours = fault.removeprefix("Value error, ").partition(", unable to parse")[0]
    return re.sub(r"^Input should be ", "it must be ", ours)


def text_fault(value: object) -> str:
    """What to say of a value that was copied wrongly: half of a pair of quotes, a placeholder."""
    if isinstance(value, str) and value.endswith(_PLACEHOLDERS):
        return "it is still the placeholder of the example: fill in your own"
    if isinstance(value, str) and (
        value.startswith((*_QUOTES, *_CURLY)) or value.endswith((*_QUOTES, *_CURLY))
    ):
        return "it begins or ends with a quotation mark: write the value without quotes"
    return ""


_PASSWORD = re.compile(r"://[^/@]*:[^/@]+@|[?&]password=")


def holds_secret(name: str, value: str) -> bool:
    """Whether a setting that may be an address holds more than where something is."""
    if name == "database_url":
        return _PASSWORD.search(value) is not None
    if not name.endswith(("_url", "_urls", "_endpoint")):
        return True
    urls = [without_version(url) for url in re.findall(r"[^\s,]+", value)]
    return any(keys_in(url) for url in urls if is_address(url))
