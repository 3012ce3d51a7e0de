"""Dumps of PostgreSQL's `pg_dump`: what is read of one before it is put back, and putting it back.

Everything is asked of a dump that its restore would otherwise find out too late: whose it is, and
under which keys its secrets are encrypted. PostgreSQL's own `pg_restore` does the reading.
"""

import os
import re
import subprocess
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from shutil import which
from tempfile import NamedTemporaryFile, TemporaryFile
from typing import IO

from sqlalchemy import URL

from bot.errors import BotError
from storage.engine import address
from storage.migrations import REVISION_TABLE, is_known
from storage.tables import SEALED, metadata
from storage.vault import Vault

_REVISIONS = REVISION_TABLE
_COLUMNS: Mapping[str, str] = {
    **{column.table.name: column.name for column in SEALED},
    _REVISIONS: "version_num",
}
_OURS = frozenset({*metadata.tables, _REVISIONS})
# `243; 1259 16855 TABLE public audit postgres`, as pg_restore lists a table: its schema and name.
_LISTED = re.compile(r"\d+; \d+ \d+ TABLE (?!DATA |ATTACH )(\S+) (.+) \S+")
_SPARED = r"\d+; \d+ \d+ (?:(?:TABLE|TABLE DATA|CONSTRAINT) {schema} {table}|SCHEMA - {schema}) "
_NONE = rb"\N"  # how COPY writes NULL
_HEX = rb"\\x"
_NOT_RESTORED = "{file} was not restored, and nothing was changed"
# What libpq calls the options that DATABASE_URL takes.
_NAMES = {
    "ssl": "PGSSLMODE", "passfile": "PGPASSFILE", "target_session_attrs": "PGTARGETSESSIONATTRS",
}  # fmt: skip
# What leads libpq elsewhere than the bot, which does not read these.
_STRAY = frozenset({
    "PGSERVICE", "PGSERVICEFILE", "PGSYSCONFDIR", "PGHOSTADDR", "PGOPTIONS", "PGLOADBALANCEHOSTS",
})  # fmt: skip


@dataclass(slots=True)
class Dump:
    """What a dump holds, as far as that decides whether it can be put back."""

    revisions: list[str] = field(default_factory=list)
    sealed: list[bytes] = field(default_factory=list)

    def lost(self, vault: Vault) -> int:
        """How much of what is encrypted no key opens."""
        return sum(vault.key_of(one) is None for one in self.sealed)


def read_dump(file: Path) -> Dump:
    """Read a dump, or the script that `pg_restore --file` has made of one. Raises BotError.

    Nothing is asked of any server.
    """
    if not file.is_file():
        raise BotError(f"There is no file {file}.")
    with file.open("rb") as opened:
        is_script = opened.read(2) == b"--"
        opened.seek(0)
        if is_script:
            return read_script(opened, str(file))
    with TemporaryFile() as script:
        tables = [f"--table={name}" for name in _COLUMNS]
        _run(["--data-only", *tables, "--file=-", str(file)], f"{file} cannot be read", script)
        script.seek(0)
        return read_script(script, str(file))


def read_script(lines: Iterable[bytes], name: str) -> Dump:
    """Read a script of `pg_restore` or `pg_dump` line by line. Raises BotError."""
    found, rest = Dump(), iter(lines)
    for line in rest:
        verb, _, told = line.partition(b" ")
        if verb == b"COPY" and told.rstrip().endswith(b"FROM stdin;"):
            table, place = _copied(told)
            values = list(_values(rest, place, name))
            if table == _REVISIONS:
                found.revisions += [value.decode(errors="replace") for value in values]
            else:
                found.sealed += values
        elif verb == b"INSERT" and told.startswith(b"INTO ") and _table(told[5:]) in _COLUMNS:
            raise BotError(
                f"{name} was made with --inserts, so what is encrypted in it cannot be read.",
                hint="Make it without: pg_dump --format=custom",
            )
    _require_ours(found, name)
    return found


def others_in(file: Path) -> list[str]:
    """The tables in a dump, with their schema, that are not the bot's. Raises BotError."""
    lines = map(str.rstrip, _listed_in(file))
    found = [match.groups() for match in map(_LISTED.fullmatch, lines) if match]
    # Another program may have a table of the same name, in a schema of its own.
    schemas = Counter(schema for schema, name in found if name in _OURS)
    ours = {schema for schema, _ in schemas.most_common(1)}
    return [f"{s}.{name}" for s, name in found if s not in ours or name not in _OURS]


def put_back_dump(file: Path, url: str, *, replacing: bool, marked_in: str) -> None:
    """Let pg_restore put the dump into the database, in one transaction. Raises BotError.

    `replacing` drops all that is in the dump first, and spares nobody's tables: see `others_in`.
    `marked_in`: the schema in which its revisions stand already, beside the mark of
    `storage.restoring`; both are left alone.
    """
    parsed = address(url)
    failure = _NOT_RESTORED.format(file=file)
    clean = ["--clean", "--if-exists"] if replacing else []
    target = f"--dbname={parsed.database or ''}"
    with NamedTemporaryFile("w", encoding="utf-8") as listed:
        if marked_in:
            schema = re.escape(marked_in)
            spared = re.compile(_SPARED.format(schema=schema, table=_REVISIONS))
            listed.writelines(one for one in _listed_in(file) if not spared.match(one))
            listed.flush()
            clean.append(f"--use-list={listed.name}")
        _run(
            [*clean, "--no-owner", "--no-privileges", "--single-transaction", target, str(file)],
            failure,
            settings=_settings(parsed),
        )


def _listed_in(file: Path) -> list[str]:
    """What pg_restore lists of a dump, line by line. Raises BotError."""
    with TemporaryFile() as listed:
        _run(["--list", str(file)], _NOT_RESTORED.format(file=file), listed)
        listed.seek(0)
        return listed.read().decode(errors="replace").splitlines(keepends=True)


def _run(
    arguments: Sequence[str],
    failure: str,
    output: IO[bytes] | None = None,
    settings: Mapping[str, str] | None = None,
) -> None:
    """Run pg_restore. The password is in its environment alone: anybody sees its arguments."""
    if (program := which("pg_restore")) is None:
        raise BotError(
            "pg_restore is not installed here.",
            hint="Run this where PostgreSQL's tools are, or use them elsewhere: see "
            "docs/operations.md#data.",
        )
    inherited = {name: value for name, value in os.environ.items() if name not in _STRAY}
    done = subprocess.run(  # noqa: S603 - nothing of it is a shell's
        [program, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=output or subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env={**inherited, **(settings or {}), "LC_ALL": "C"},
        check=False,
    )
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise BotError(f"{failure}: {said[0] if said else 'pg_restore has not said why'}")


def _settings(url: URL) -> dict[str, str]:
    """The way to the server as libpq reads it from the environment."""
    hosts, ports = _servers(url)
    given = {"PGUSER": url.username, "PGPASSWORD": url.password, "PGHOST": hosts, "PGPORT": ports}
    given |= {name: str(url.query[key]) for key, name in _NAMES.items() if key in url.query}
    return {name: value for name, value in given.items() if value}


def _servers(url: URL) -> tuple[str, str]:
    """The hosts and their ports, as libpq lists them: one of several is written `host:port`."""
    hosts, ports = _listed(url, "host"), _listed(url, "port")
    if not hosts:
        return url.host or "", str(url.port or "")
    if all(":" in host and not host.startswith("/") for host in hosts):
        apart = [host.rpartition(":") for host in hosts]
        hosts, ports = [host for host, _, _ in apart], [port for _, _, port in apart]
    return ",".join(hosts), ",".join(ports)


def _listed(url: URL, option: str) -> list[str]:
    given = url.query.get(option, ())
    return given.split(",") if isinstance(given, str) else list(given)


def _copied(told: bytes) -> tuple[str, int | None]:
    """Which table is copied, and at which place what is read of it stands, if anything is."""
    name, _, columns = told.partition(b"(")
    table = _table(name)
    listed = [_bare(one) for one in columns.partition(b")")[0].split(b",")]
    wanted = _COLUMNS.get(table)
    return table, listed.index(wanted) if wanted in listed else None


def _table(told: bytes) -> str:
    """The name of the table that a statement begins with, without its schema."""
    return _bare(told.split(b"(")[0].split(b" ")[0].rpartition(b".")[2])


def _bare(name: bytes) -> str:
    return name.strip().strip(b'"').decode(errors="replace")


def _values(lines: Iterator[bytes], place: int | None, name: str) -> Iterator[bytes]:
    """What stands at that place of each row, up to the end of the copy. Raises BotError."""
    for line in lines:
        if line.rstrip(b"\r\n") == rb"\.":
            return
        if place is None:
            continue
        values = line.rstrip(b"\r\n").split(b"\t")
        if place >= len(values):
            break
        if values[place] != _NONE:
            yield _plain(values[place])
    raise BotError(f"{name} is cut short or damaged: a table in it is incomplete.")


def _plain(value: bytes) -> bytes:
    try:
        return bytes.fromhex(value[len(_HEX) :].decode()) if value.startswith(_HEX) else value
    except ValueError:
        return value  # no key opens it


def _require_ours(found: Dump, name: str) -> None:
    if not found.revisions:
        raise BotError(f"{name} is no dump of a database of the bot.")
    if unknown := [one for one in found.revisions if not is_known(one)]:
        raise BotError(
            f"{name} was not restored: it is of a newer version of the bot "
            f"(schema {', '.join(unknown)}).",
            hint="Install that version, and restore it with that.",
        )
