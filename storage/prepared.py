"""Statements that are built once and carried out often, as SQLite takes them.

SQLAlchemy puts a context, the parameters and a result together anew each time, which takes several
times as long as SQLite needs to answer. What it has compiled, and how it writes and reads values,
is used here as it is; whatever is not plain is left to it.
"""

import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Dialect, Executable, SelectBase, UpdateBase
from sqlalchemy.engine.result import IteratorResult, SimpleResultMetaData
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.sql.compiler import SQLCompiler

_OFTEN = 3  # times: to compile one takes longer than to carry it out
_FEW = 8  # values of a list: longer ones are rarely as long again
# What makes the text of a statement depend on its values, or a value on the row. How long lists
# are, it may depend on: see `_Lists`.
_NOT_PLAIN = (
    "literal_execute_params",
    "insert_prefetch",
    "update_prefetch",
    "_textual_ordered_columns",
)

_HIDDEN = ("hidden",)  # an error keeps no values: some are secrets

Given = Mapping[str, Any]


class Found(IteratorResult[*tuple[Any, ...]]):
    """The rows that a statement gave, and how many it has changed."""

    rowcount = -1


@dataclass(frozen=True, slots=True)
class _Place:
    """One parameter: its name, its value where none is given, and how a value is written.

    Of a list `IN (…)` has one for each of its values: the one `at` this place.
    """

    name: str
    otherwise: Any
    written: Callable[[Any], Any] | None
    at: int | None = None

    def value(self, given: Given) -> Any:
        """What SQLite is given."""
        value = given.get(self.name, self.otherwise)
        if self.at is not None:
            value = value[self.at]
        return value if self.written is None else self.written(value)


@dataclass(frozen=True, slots=True)
class Prepared:
    """A statement with certain parameters."""

    sql: str
    places: tuple[_Place, ...]
    rows: SimpleResultMetaData

    def carry_out(self, connection: Connection, given: Given) -> Found:
        """Ask SQLite; raises what SQLAlchemy would raise."""
        try:
            values = tuple([place.value(given) for place in self.places])
        except Exception as error:  # as SQLAlchemy wraps it
            raise self._failed(error, connection) from error
        cursor: Any = connection.connection.cursor()
        try:
            connection.dialect.do_execute(cursor, self.sql, values)
        except sqlite3.Error as error:
            raise self._failed(error, connection) from error
        found = Found(self.rows, iter(cursor.fetchall()))
        found.rowcount = cursor.rowcount
        return found

    def _failed(self, error: Exception, connection: Connection) -> BaseException:
        return DBAPIError.instance(
            self.sql,
            _HIDDEN,
            error,
            sqlite3.Error,
            hide_parameters=True,
            dialect=connection.dialect,
        )


class _Lists:
    """A statement of which the text depends on how long the lists are that it is given."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self._names = names
        self._known: dict[tuple[int, ...], Prepared | None] = {}

    def find(self, statement: Executable, given: Given, dialect: Dialect) -> Prepared | None:
        """The statement with lists that are as long as these; None where SQLAlchemy has to."""
        lists = [given[name] for name in self._names]
        if not all(isinstance(one, list | tuple) and 0 < len(one) <= _FEW for one in lists):
            return None
        lengths = tuple(map(len, lists))
        if lengths not in self._known:
            self._known[lengths] = _prepared(statement, given, dialect)
        return self._known[lengths]


class Statements:
    """Those that were carried out often enough, each by the names of its parameters."""

    def __init__(self) -> None:
        # What is built anew each time goes with it.
        self._known: WeakKeyDictionary[Executable, dict[Any, int | Prepared | _Lists | None]]
        self._known = WeakKeyDictionary()

    def find(self, statement: Executable, given: Given, dialect: Dialect) -> Prepared | None:
        """How it is carried out; None where SQLAlchemy has to."""
        known = self._known.get(statement)
        if known is None:
            known = self._known[statement] = {}
        names = tuple(given)
        kind = type(dialect), names  # all of one type are made with the same options
        found = known.get(kind, 0)
        if isinstance(found, int):
            often = found + 1
            known[kind] = often if often < _OFTEN else _often(statement, given, dialect)
            return None
        return found.find(statement, given, dialect) if isinstance(found, _Lists) else found


def _often(statement: Executable, given: Given, dialect: Dialect) -> Prepared | _Lists | None:
    compiled = _compiled(statement, given, dialect)
    if compiled is None:
        return None
    lists = (bind.key for bind in compiled.post_compile_params)
    names = tuple(sorted(name for name in lists if name in given))
    return _Lists(names) if names else _prepared(statement, given, dialect)


def _compiled(statement: Executable, given: Given, dialect: Dialect) -> SQLCompiler | None:
    if not isinstance(statement, SelectBase | UpdateBase):
        return None
    compiled: Any = statement.compile(dialect=dialect, column_keys=sorted(given))
    if not isinstance(compiled, SQLCompiler) or any(getattr(compiled, n, True) for n in _NOT_PLAIN):
        return None
    return compiled


def _prepared(statement: Any, given: Given, dialect: Dialect) -> Prepared | None:
    """With lists that are as long as these."""
    compiled = _compiled(statement, given, dialect)
    if compiled is None or any(
        getattr(one.type, "_is_tuple_type", True) for one in compiled.post_compile_params
    ):
        return None
    rows = _rows(compiled, len(statement.exported_columns), dialect)
    try:
        expanded = compiled.construct_expanded_state(dict(given))
    except SQLAlchemyError:  # something is not given, which SQLAlchemy says better
        return None
    if expanded.positiontup is None or rows is None:
        return None
    lists = expanded.parameter_expansion
    parts = {part: (whole, at) for whole, all_ in lists.items() for at, part in enumerate(all_)}
    places = []
    for position in expanded.positiontup:
        name, at = parts.get(position, (position, None))
        bind = compiled.binds[name]
        place = bind.key if bind.key in given else name
        if bind.callable is not None or (bind.required and place not in given):
            return None
        written = bind.type.dialect_impl(dialect).bind_processor(dialect)
        places.append(_Place(place, bind.value, written, at))
    return Prepared(expanded.statement, tuple(places), rows)


def _rows(compiled: Any, width: int, dialect: Dialect) -> SimpleResultMetaData | None:
    """By what the columns of a row are found, as SQLAlchemy does it; None where that is not plain.

    It keeps this under names of its own: where one of them is missing, it is not plain.
    """
    columns = getattr(compiled, "_result_columns", None)
    if columns is None or len(columns) != width:
        return None
    if not getattr(compiled, "_ordered_columns", False):
        return None
    try:
        keys = [str(column.keyname) for column in columns]
        objects = [tuple(column.objects) for column in columns]
        types = [column.type.dialect_impl(dialect) for column in columns]
    except (AttributeError, TypeError):
        return None
    # What is found by the same in two columns is SQLAlchemy's to tell apart.
    found = [{key, *each} for key, each in zip(keys, objects, strict=True)]
    if len(set[Any]().union(*found)) < sum(map(len, found)):
        return None
    reads = [one.result_processor(dialect, None) for one in types]
    return SimpleResultMetaData(keys, objects, reads if any(reads) else None)
