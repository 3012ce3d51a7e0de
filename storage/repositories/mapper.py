"""Makes records of rows, and rows of records: one field is one column, unless it is said how."""

from collections.abc import Callable, Mapping
from dataclasses import Field, fields
from operator import attrgetter, itemgetter
from sys import intern
from typing import Any, ClassVar, Generic, Protocol, TypeVar

from sqlalchemy import RowMapping

from bot.model import Place
from storage.repositories.repository import Word, texts, word

Row = RowMapping | Mapping[str, Any]
Read = Callable[[Row], Any]


class _Record(Protocol):
    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]


R = TypeVar("R", bound=_Record)


class Mapper(Generic[R]):
    """Records of one kind as rows, and back.

    `reads` are the fields that are not simply the column of their name, and how they are read of a
    row; `written` gives the columns in which these stand. Raises TypeError for a field that the
    kind does not have.
    """

    def __init__(
        self,
        kind: type[R],
        written: Callable[[R], Mapping[str, Any]] | None = None,
        /,
        **reads: Read,
    ) -> None:
        names = [field.name for field in fields(kind)]
        if unknown := reads.keys() - set(names):
            raise TypeError(f"{kind.__name__} has no {', '.join(sorted(unknown))}")
        self._kind = kind
        self._written = written
        self._plain = [name for name in names if name not in reads]
        self._values = attrgetter(*self._plain)  # of several, so a tuple
        self._reads = [reads.get(name) or itemgetter(name) for name in names]

    def read(self, row: Row) -> R:
        """The record of a row."""
        return self._kind(*[read(row) for read in self._reads])

    def write(self, record: R) -> dict[str, Any]:
        """The row of a record."""
        row = dict(zip(self._plain, self._values(record), strict=True))
        if self._written is not None:
            row |= self._written(record)
        return row


def place(row: Row) -> Place:
    """Where something was asked: two columns."""
    return Place(row["channel"], row["thread"])


def shared(name: str) -> Read:
    """A text that many rows have: all records hold the same one."""
    return lambda row: intern(row[name])


def one_of(name: str, kind: type[Word], otherwise: Word) -> Read:
    """A word; `otherwise` for one that this version does not know."""
    return lambda row: word(kind, row[name], otherwise)


def mapping(name: str) -> Read:
    """Texts by name; none where they cannot be read."""
    return lambda row: texts(row[name])


def apart(name: str) -> Read:
    """Several ids in one text."""
    return lambda row: tuple(row[name].split())
