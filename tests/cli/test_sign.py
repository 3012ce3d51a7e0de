"""The command line that signs offline: what it prints is right, and the key is nowhere else."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from click.testing import CliRunner, Result
from pydantic import SecretStr

from bot.cli.keys import Key
from bot.cli.sign import sign
from bot.dbc.signatures import address_of, check_signature
from bot.errors import Refused
from sandbox.dbc.keys import ALICE_SEED, Wallet

SEED = ALICE_SEED.hex()


@contextmanager
def descriptor(text: str) -> Iterator[str]:
    """A file descriptor from which `text` can be read."""
    reading, writing = os.pipe()
    os.write(writing, text.encode())
    os.close(writing)
    try:
        yield str(reading)
    finally:
        os.close(reading)


def signs(key: str, *options: str) -> Result:
    with descriptor(key) as number:
        return CliRunner().invoke(sign, [*options, "--key-fd", number])


def printed(result: Result, name: str) -> str:
    found = re.search(rf"^{name} +(\S+)$", result.output, re.MULTILINE)
    assert found, result.output
    return found[1]


# `subkey inspect` prints these for the development accounts.
@pytest.mark.parametrize(
    ("key", "address"),
    [
        ("//Alice", "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY"),
        ("//Bob", "5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty"),
        ("//Alice//stash", "5GNJqTPyNqANBkUVMN1LPPrxXnFouWXoe2wNSmmEoLctxiZY"),
        (SEED, "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY"),
        (f"0x{SEED}\n", "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY"),
        (Wallet.from_seed("//Alice").private_key.hex(),
         "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY"),
    ],
)  # fmt: skip
def test_a_key_is_read_as_substrate_reads_it(key: str, address: str) -> None:
    assert address_of(Key.read(key).public) == address


@pytest.mark.parametrize("path", ["//1", "/soft", "//hard/7//" + "long" * 20])
def test_a_derived_key_signs_for_its_own_address(path: str) -> None:
    key = Key.read(SEED + path)
    address = address_of(key.public)
    assert address != address_of(Key.read(SEED).public)
    assert check_signature(SecretStr(key.sign("text")), "text", (address,)) == address


def test_a_fresh_nonce_is_signed_each_time() -> None:
    first, second = signs(SEED, "--nonce"), signs(SEED, "--nonce")
    assert printed(first, "Nonce") != printed(second, "Nonce")
    wallet, nonce, made = (printed(first, name) for name in ("Wallet", "Nonce", "Signature"))
    assert check_signature(SecretStr(made), nonce, (wallet,)) == wallet
    assert f"{wallet} {nonce} {made}" in first.output


def test_a_session_id_is_signed() -> None:
    result = signs(SEED, "--session", "3QRjS1PsbDReGJKVBBRqxUh9RqXB5jbf")
    made, wallet = printed(result, "Session signature"), printed(result, "Wallet")
    assert check_signature(SecretStr(made), "3QRjS1PsbDReGJKVBBRqxUh9RqXB5jbf", (wallet,))


def test_a_managers_key_signs_for_its_node_id() -> None:
    result = signs(SEED, "--nonce", "--node-key")
    manager = printed(result, "Manager")
    assert manager == Wallet.from_seed("//Alice").hex_id
    made = SecretStr(printed(result, "Signature"))
    assert check_signature(made, printed(result, "Nonce"), (manager,)) == manager


@pytest.mark.parametrize(
    "options",
    [[], ["--nonce", "--session", "abc"], ["--session", "two words"],
     ["--session", "abc", "--node-key"]],
)  # fmt: skip
def test_what_is_to_be_signed_must_be_plain(options: list[str]) -> None:
    assert signs(SEED, *options).exit_code == 2


@pytest.mark.parametrize("key", ["", "abandon ability able", SEED[:-1], "zz" * 32, SEED + "///x"])
def test_what_is_no_key_is_refused_and_not_repeated(key: str) -> None:
    with pytest.raises(Refused):
        Key.read(key)
    result = signs(key, "--nonce")
    assert result.exit_code == 1
    assert not key or key not in result.output


def test_without_a_terminal_the_key_is_not_asked_for() -> None:
    result = CliRunner().invoke(sign, ["--nonce"], input=SEED)
    assert result.exit_code == 2
    assert "--key-fd" in result.output
    assert SEED not in result.output


def test_a_key_is_in_no_output_and_no_repr() -> None:
    assert SEED not in signs(SEED, "--nonce").output
    assert SEED not in repr(Key.read(SEED))
