"""The auditor's command line: `python -m bot audit verify` and `audit export`.

Works on the database alone, beside a running bot or on a copy: no Slack token, no credential key.
"""

import asyncio
import os
import re
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager, contextmanager, nullcontext
from dataclasses import replace
from datetime import UTC
from pathlib import Path
from typing import IO, TypeVar

import click

from bot.cli.failures import Commands, said, told
from bot.cli.paths import FilePath
from bot.cli.settings import load
from bot.clock import SystemClock
from bot.commands.audit_filters import OUTCOMES
from bot.commands.rows import command_table
from bot.config import DatabaseSettings
from bot.errors import BotError
from bot.ids import UserId
from bot.language.times import moment
from bot.model import AuditHead, AuditQuery
from bot.plural import counted
from bot.reviews.audit_file import Form, head_of, lines_of
from bot.reviews.audit_names import MOST_NAMES, commands_meant, names_meant
from storage import Archive, new_file
from storage.chain import Fault

Result = TypeVar("Result")

_PERSON = re.compile(r"<?@?([UW][A-Z0-9]{2,})(?:\|[^>]*)?>?")
_HEAD = re.compile(r"([1-9][0-9]*):([0-9a-f]{64})")


class Head(click.ParamType[AuditHead]):
    """SEQ:HASH, as the daily message tells it."""

    name = "seq:hash"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> AuditHead:
        """The head that is meant."""
        if isinstance(value, AuditHead):
            return value
        found = _HEAD.fullmatch(str(value).strip().lower())
        if found is None:
            self.fail("it is a row number, a colon and 64 hexadecimal digits", param, ctx)
        return AuditHead(int(found[1]), found[2])


class Person(click.ParamType[UserId]):
    """A person's Slack id, also as Slack writes a mention."""

    name = "id"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> UserId:
        """Who is meant."""
        found = _PERSON.fullmatch(str(value).strip().upper())
        if value and found is None:
            self.fail(f"“{value}” is no Slack id, like U0123ABCD.", param, ctx)
        return UserId(found[1] if found else "")


@click.group(cls=Commands)
def audit() -> None:
    """Verify and export the audit."""


_database = click.option(
    "--database", metavar="FILE|URL", help="A copy or another database, instead of DATABASE_URL."
)


@audit.command()
@_database
@click.option(
    "--head",
    type=Head(),
    help="A head that was told earlier: only with one are rows found that were cut off at the end.",
)
def verify(database: str | None, head: AuditHead | None) -> None:
    """Check every row; name the first that was altered, removed or cut off (exit code 1)."""
    fault, last = asyncio.run(_verify(database, head))
    if fault is not None:
        until = last.seq if fault.is_of_head else min(last.seq, fault.seq - 1)
        sound = f"Sound up to row {until}." if until else "None before it is sound."
        if not last.seq:
            sound = "None before it is there."
        if fault.is_of_head:
            sound = f"By themselves, the rows up to {until} fit each other."
        raise click.ClickException(f"{fault.sentence} {sound}")
    if not last.seq:
        raise click.ClickException(
            "There is no row. Each start of the bot writes one: if it has ever run on this"
            " database, they were removed."
        )
    click.echo(f"{counted(last.seq, 'row')}, all sound. Head: {last.seq}:{last.hash}")
    if head is None:
        click.echo(
            "This cannot exclude that the newest rows are missing (cut off, or left in the journal "
            "of a copy made with cp).\nThat shows only against a head: --head SEQ:HASH"
        )


async def _verify(database: str | None, head: AuditHead | None) -> tuple[Fault | None, AuditHead]:
    async with _opened(database) as archive:
        return await archive.verify(head)


@audit.command()
@_database
@click.option("--format", "form", type=click.Choice(["jsonl", "csv"]), default="jsonl")
@click.option("--since", metavar="TIME", help="2h, yesterday, 2026-11-01, 2026-11-01T18:30 (UTC)")
@click.option("--until", metavar="TIME", help="As --since; a day is included.")
@click.option("--person", type=Person(), default="", metavar="ID", help="Slack id, like U0123ABCD.")
@click.option("--machine", default="", help="Its name or task id, or the beginning of one.")
@click.option("--command", default="", help='Like "vm restart", vm or restart.')
@click.option("--outcome", default="", help="Like done, failed, unknown, denied, requested.")
@click.option(
    "--output",
    type=FilePath(dir_okay=False),
    help="A new file, which nobody else can read; without it, standard output.",
)
def export(
    database: str | None,
    form: Form,
    since: str | None,
    until: str | None,
    person: UserId,
    machine: str,
    command: str,
    outcome: str,
    output: Path | None,
) -> None:
    """Write the audit, oldest first, as JSON Lines or CSV."""
    now = SystemClock().now()
    try:
        query = AuditQuery(
            person=person,
            machine=machine,
            command=command.strip().replace(" ", "."),
            outcome=outcome.strip().lower().replace(" ", "_"),
            since=moment(since, now, UTC) if since else None,
            until=moment(until, now, UTC, end=True) if until else None,
        )
    except BotError as error:
        raise click.UsageError(told(error)) from None
    try:
        if output is None:
            number = asyncio.run(_export(database, query, form, sys.stdout))
            if not number:
                click.echo("0 rows: no row of the audit fits.", err=True)
            return
        with _new(output) as file:
            number = asyncio.run(_export(database, query, form, file))
        click.echo(f"Exported {counted(number, 'row')} to {output}.")
    except BrokenPipeError:  # whoever reads it, such as `head`, has enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@contextmanager
def _new(path: Path) -> Iterator[IO[str]]:
    """A new private file, which is there once all is written. Raises BotError.

    A pipe or a device is written to as it is.
    """
    is_special = path.exists() and not path.is_file()
    written = nullcontext(path) if is_special else new_file(path)
    try:
        with written as draft, draft.open("w", encoding="utf-8", newline="") as file:
            yield file
    except BrokenPipeError:
        raise
    except OSError as error:
        raise BotError(f"{path} cannot be written: {error.strerror}.") from None


async def _export(database: str | None, query: AuditQuery, form: Form, output: IO[str]) -> int:
    """Write the rows that fit; how many they are."""
    number = 0
    async with _opened(database) as archive:
        query = await _meant(archive, query)
        output.write(head_of(form))
        async with aclosing(archive.rows(query)) as rows:
            async for row in rows:
                output.writelines(lines_of([row], form))
                number += 1
    return number


async def _meant(archive: Archive, query: AuditQuery) -> AuditQuery:
    """The query by what its words mean, as `/dbc audit` takes them. Raises BotError, UsageError.

    Machines have any name, so nothing fits one that there is not. Commands and outcomes are those
    that there are, and those of former versions that the audit has.
    """
    machine, command, outcome = query.machine, query.command, query.outcome
    if machine:
        names = next(names_meant(machine, await archive.words("label", "task")), frozenset[str]())
        if len(names) > MOST_NAMES:
            raise BotError(f"“{machine}” is the beginning of several.", hint="Type more of it.")
        query = replace(query, names=names, machine="" if names else machine)
    if command:
        ids = {one.id for one in command_table()}
        commands = commands_meant(command, {*ids, *await archive.words("command")})
        if not commands:
            raise click.UsageError(
                f"There is no command “{command.replace('.', ' ')}”, and the audit has none. "
                "Give a group, a verb or both: vm, delete or “vm delete”."
            )
        query = replace(query, commands=commands, command="")
    if (
        outcome
        and outcome not in OUTCOMES
        and outcome not in await archive.words("outcome", "kind")
    ):
        raise click.UsageError(
            f"There is no outcome “{outcome}”, and the audit has none. There are: "
            f"{', '.join(OUTCOMES)}."
        )
    return query


@asynccontextmanager
async def _opened(database: str | None) -> AsyncIterator[Archive]:
    """The audit of a database. What is wrong with one that the option names is told of the option.

    Raises BotError, ClickException.
    """
    try:
        archive = Archive(_url(database))
        try:
            if await archive.is_missing():
                raise BotError(
                    "The database that DATABASE_URL names has no audit: no bot has used it.",
                    hint="Name the one that the bot uses.",
                )
            yield archive
        finally:
            await archive.close()
    except BotError as error:
        if not database:
            raise
        raise click.ClickException(said(error).replace("DATABASE_URL", "--database")) from None


def _url(database: str | None) -> str:
    """The address of what was given: a file may be named by its path alone."""
    if not database:
        return load(DatabaseSettings).database_url
    return database if "://" in database else f"sqlite+aiosqlite:///{Path(database).absolute()}"
