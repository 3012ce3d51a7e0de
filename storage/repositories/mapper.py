"""Makes records of rows, and rows of records: a field is the column of its name, unless it is said
how.
"""

from collections.abc import Callable, Mapping
from dataclasses import Field, fields
from operator import attrgetter, itemgetter
from sys import intern
from typing import Any, ClassVar, Generic, Protocol, TypeVar

from sqlalchemy import RowMapping, Table

from bot.model import MessageRef, Place
from storage.repositories.repository import Word, texts, word

Row = RowMapping | Mapping[str, Any]
Read = Callable[[Row], Any]


class _Record(Protocol):
    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]


R = TypeVar("R", bound=_Record)


class Mapper(Generic[R]):
    """Records of one kind as rows, and back.

    `reads` are the fields that are not read just as they stand, and how they are read of a row.
    `written` gives the columns whose value is not simply that of the field of their name. Raises
    TypeError for a field that the kind does not have.
    """

    def __init__(
        self,
        kind: type[R],
        table: Table,
        written: Callable[[R], Mapping[str, Any]] | None = None,
        /,
        **reads: Read,
    ) -> None:
        names = [field.name for field in fields(kind)]
        if unknown := reads.keys() - set(names):
            raise TypeError(f"{kind.__name__} has no {', '.join(sorted(unknown))}")
        self._kind = kind
        self._written = written
        self._plain = [name for name in names if name in table.columns]
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


def column(name: str) -> Read:
    """What stands in a column of another name than the field's."""
    return itemgetter(name)


def amount(name: str) -> Read:
    """A whole number with more digits than an integer has, as text; 0 where it is none."""
    return lambda row: int(row[name]) if str(row[name]).isdecimal() else 0


def readable(name: str) -> Read:
    """A text; what was put in its place by force, such as bytes, as far as it can be read."""
    return lambda row: str(row[name])


def ref(row: Row) -> MessageRef | None:
    """Which message of Slack's it is: two columns, empty while there is none."""
    return None if row["ref_ts"] is None else MessageRef(row["ref_channel"], row["ref_ts"])


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
