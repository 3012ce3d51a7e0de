"""`python -m bot sign`: signatures made offline, on the key's owner's own computer.

The key comes from a prompt without echo or from a file descriptor, never from the arguments or
the environment, which others can read. Nothing is logged, kept or sent.
"""

import os
import sys

import click
from pydantic import SecretStr

from bot.cli.failures import told
from bot.cli.keys import Key
from bot.dbc.errors import InvalidField
from bot.dbc.fields import token
from bot.dbc.signatures import address_of
from bot.errors import BotError
from bot.ids import new_id

_MOST = 1_000  # bytes of a key; whatever is longer is none


@click.command()
@click.option(
    "--nonce", "wants_nonce", is_flag=True, help="Sign a fresh nonce: for session request."
)
@click.option("--session", "session_id", metavar="ID", help="Sign a session id that a node gave.")
@click.option("--node-key", is_flag=True, help="The key is a bare-metal manager's own node key.")
@click.option("--key-fd", type=int, metavar="N", help="Read the key from this file descriptor.")
def sign(*, wants_nonce: bool, session_id: str | None, node_key: bool, key_fd: int | None) -> None:
    """Sign a nonce or a session id offline, and print what to paste into the form.

    The key is a seed (64 hexadecimal digits) or secret key (128), derivations such as //hard and
    /soft may follow. It is asked for without echo, or read with --key-fd.
    """
    if wants_nonce == (session_id is not None):
        raise click.UsageError("Say what to sign: --nonce, or --session ID.")
    if session_id is not None and node_key:
        raise click.UsageError("A session is signed with the renter's wallet, not a node key.")
    text = _session_id(session_id) if session_id is not None else new_id() + new_id()
    try:
        key = Key.read(_asked() if key_fd is None else _read(key_fd))
    except BotError as error:
        raise click.ClickException(told(error)) from None
    signer = key.public.hex() if node_key else address_of(key.public)
    made = key.sign(text)
    click.echo(f"{'Manager' if node_key else 'Wallet':<18}{signer}")
    if session_id is not None:
        click.echo(f"{'Session signature':<18}{made}")
        return
    click.echo(f"{'Nonce':<18}{text}")
    click.echo(f"{'Signature':<18}{made}")
    if not node_key:
        click.echo(f"\nOf a multisig, the same on one line:\n{signer} {text} {made}")


def _session_id(given: str) -> str:
    try:
        return token(SecretStr(given.strip()), "session").get_secret_value()
    except InvalidField:
        raise click.UsageError("A session id has letters and digits only.") from None


def _asked() -> str:
    if not sys.stdin.isatty():
        raise click.UsageError("Without a terminal, give the key with --key-fd (0 is the input).")
    answer: str = click.prompt("Key", hide_input=True)
    return answer


def _read(descriptor: int) -> str:
    try:
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            return file.read(_MOST).decode("ascii")
    except (OSError, UnicodeDecodeError):
        raise click.UsageError(f"File descriptor {descriptor} gives no key.") from None
