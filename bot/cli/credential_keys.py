"""`python -m bot keys`: the keys under which sessions are encrypted, also while the bot runs.

Keys are named by their fingerprints; no key is ever printed but a new one that has to be set.
"""

import asyncio
from collections import Counter
from collections.abc import Coroutine
from typing import Any, TypeVar

import click
from cryptography.fernet import Fernet

from bot.cli.asking import require_yes
from bot.cli.failures import Commands
from bot.cli.schemas import require_newest
from bot.cli.settings import load
from bot.clock import SystemClock
from bot.config import KeySettings, places
from bot.services.credential_keys import key_file_of, retired_file, vault_of
from storage import Store, Vault, fingerprint, keys_in, require_there, write_keys

Result = TypeVar("Result")

_NEEDED = "backups from before the rotation need it."


@click.group(cls=Commands)
def keys() -> None:
    """Show, add, rotate and retire credential keys."""


@keys.command()
def new() -> None:
    """Print a new key, for CREDENTIAL_KEYS. Needs neither settings nor a database."""
    click.echo(Fernet.generate_key().decode())


@keys.command(name="list")
def list_() -> None:
    """Show each key's fingerprint and how many rows are encrypted under it (exit code 1: rows
    that no key opens).
    """
    vault = _vault(load(KeySettings))
    counts = _counts(vault)
    for number, name in enumerate(vault.fingerprints):
        click.echo(f"{name}  {_rows(counts[name])}{'' if number else '  (encrypts)'}")
    if lost := counts[None]:
        raise click.ClickException(
            f"No key opens {_rows(lost)}. Put the former key back at the end of {vault.place}; "
            "whose session it is can also remove and add it again."
        )


@keys.command()
def add() -> None:
    """Make a new key, which encrypts from now on. The former ones still open what they did."""
    settings = load(KeySettings)
    new = Fernet.generate_key().decode()
    file = key_file_of(settings)
    if file is None:
        put = "Put this key in front of CREDENTIAL_KEYS of every bot, and restart each."
        click.echo(places().told(put))
        click.echo(new)
        return
    is_first = not file.exists()
    vault = _vault(settings, may_make=True)  # refuses a faulty file
    if is_first:
        click.echo(
            f"Made {file} with the key {vault.fingerprints[0]}. What was encrypted under a former "
            "key can be read once that is put back at the end of the file."
        )
        return
    write_keys(file, [new, *keys_in(file)])
    click.echo(f"Added {fingerprint(new)} to {file}. A running bot uses it at once.")
    click.echo("Next: python -m bot keys rotate")


@keys.command()
@click.option("--yes", is_flag=True, help="Every running bot knows the first key; do not ask.")
def rotate(*, yes: bool) -> None:
    """Encrypt everything anew under the first key, also while the bot runs."""
    settings = load(KeySettings)
    vault = _vault(settings)
    if key_file_of(settings) is None and not yes:
        require_yes(
            f"Was every running bot restarted with key {vault.fingerprints[0]} in front of "
            f"{vault.place}?"
        )
    require_newest(settings.database_url)
    done, lost = asyncio.run(_rotated(Store(settings.database_url, vault)))
    if done or not lost:
        click.echo(f"Encrypted {_rows(done)} under {vault.fingerprints[0]}.")
    if lost:
        stay = "1 row stays as it is" if lost == 1 else f"{lost} rows stay as they are"
        them = "it" if lost == 1 else "them"
        raise click.ClickException(
            f"{stay}: no key opens {them}. Put the former key back at the end of {vault.place}, "
            "then rotate again."
        )


@keys.command()
@click.argument("name", metavar="FINGERPRINT")
def retire(name: str) -> None:
    """Remove a key that no row needs any more. Backups from before the rotation still need it.

    A key of the key file is kept beside that, in a file of its own.
    """
    settings = load(KeySettings)
    vault = _vault(settings)
    if name not in vault.fingerprints:
        raise click.ClickException(f"There is no key {name}. See: python -m bot keys list")
    if name == vault.fingerprints[0]:
        raise click.ClickException(f"{name} is the key that encrypts. Add another one first.")
    require_newest(settings.database_url)  # another version's rows may need it
    if needed := _counts(vault)[name]:
        raise click.ClickException(
            f"{_rows(needed)} still encrypted under {name}. First: python -m bot keys rotate"
        )
    file = key_file_of(settings)
    if file is None:
        taken = (
            f"No row needs {name}. Take it out of CREDENTIAL_KEYS of every bot, and keep it "
            f"elsewhere: {_NEEDED}"
        )
        click.echo(places().told(taken))
        return
    kept = retired_file(file, name)
    write_keys(kept, [key for key in keys_in(file) if fingerprint(key) == name], beside=file)
    write_keys(file, [key for key in keys_in(file) if fingerprint(key) != name])
    click.echo(
        f"Retired {name}. It is kept in {kept}: {_NEEDED}\nMove that file to where your keys are "
        "kept, and delete it once there is no such backup."
    )


async def _rotated(store: Store) -> tuple[int, int]:
    """How many rows are encrypted anew, and how many no key opens."""
    try:
        done = await store.reseal(SystemClock().now())
        return done, (await store.sealed_under())[None]
    finally:
        await store.close()


def _vault(settings: KeySettings, *, may_make: bool = False) -> Vault:
    file = settings.sqlite_file
    if file is not None:
        require_there(file)
    return vault_of(settings, may_make=may_make)


def _counts(vault: Vault) -> Counter[str | None]:
    store = Store(load(KeySettings).database_url, vault)
    return asyncio.run(_closing(store, store.sealed_under()))


async def _closing(store: Store, work: Coroutine[Any, Any, Result]) -> Result:
    try:
        return await work
    finally:
        await store.close()


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count} rows"
