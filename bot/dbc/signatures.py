"""Wallet addresses and sr25519 signatures: checked here before anything is sent, never made here.

A node tells nothing but `nonce check failed`; these checks say what is wrong. The bytes that are
signed are the bare ASCII of the text (docs/dbc-api.md §2.2). Needs no network and no secret key.
"""

import hashlib
import re

import base58
import sr25519
from pydantic import SecretStr

from bot.dbc.errors import InvalidField
from bot.reply import say

SS58_PREFIX = 42  # of the chain's addresses: they begin with 5
_CHECKED = b"SS58PRE"
_SIGNATURE = re.compile(r"(?:0x)?([0-9a-fA-F]{128})")
_NODE_ID = re.compile(r"[0-9a-f]{64}")
_HOW = say("Make it with: python -m bot sign, or with DBC's sign_tool.")


def address_of(public_key: bytes) -> str:
    """The chain's address of a public key."""
    payload = bytes([SS58_PREFIX]) + public_key
    return base58.b58encode(payload + _checksum(payload)).decode()


def public_key_of(wallet: str, field: str = "wallet") -> bytes:
    """The public key behind an address, or behind a node id (64 hex digits).

    Raises InvalidField that says what is wrong with the address.
    """
    if _NODE_ID.fullmatch(wallet):
        return bytes.fromhex(wallet)
    try:
        raw = base58.b58decode(wallet)
    except ValueError:
        raw = b""
    # One byte of prefix up to 63, two from there; then the key and two bytes of checksum.
    width = 1 if raw and raw[0] < 64 else 2
    if len(raw) != width + 34:
        raise InvalidField(
            say(
                "{field} is not a wallet address: it has about 48 letters and digits and "
                "begins with 5.",
                field=field,
            ),
            field=field,
        )
    if _checksum(raw[:-2]) != raw[-2:]:
        raise InvalidField(
            say("{field} has a typing mistake: its checksum does not fit.", field=field),
            field=field,
            hint=say("Copy it again from the wallet."),
        )
    if width == 2 or raw[0] != SS58_PREFIX:
        raise InvalidField(
            say(
                "{field} is written for another network: its prefix is {prefix}, not 42.",
                field=field,
                prefix=_prefix(raw),
            ),
            field=field,
            hint=say(
                "Let the wallet show it in Substrate's general format; it begins with 5 then."
            ),
        )
    return raw[1:33]


def check_signature(
    signature: SecretStr, text: str, signers: tuple[str, ...], field: str = "sign"
) -> str:
    """The one of `signers` (addresses or a node id) that signed the bare `text`.

    Raises InvalidField that says which mistake was most likely made.
    """
    found = _SIGNATURE.fullmatch(signature.get_secret_value().strip())
    if found is None:
        raise InvalidField(
            say("{field} is a signature of 128 hexadecimal digits.", field=field), field=field
        )
    made = bytes.fromhex(found[1])
    for signer in signers:
        if _verifies(made, text.encode(), public_key_of(signer)):
            return signer
    for signer in signers:
        key = public_key_of(signer)
        if _verifies(made, b"<Bytes>" + text.encode() + b"</Bytes>", key):
            raise InvalidField(
                say(
                    "{field} was made in the wrong context: the text was wrapped in "
                    "<Bytes>, as browser extensions do, and DBC wants it bare.",
                    field=field,
                ),
                field=field,
                hint=_HOW,
            )
        if _verifies(made, text.encode().hex().encode(), key):
            raise InvalidField(
                say(
                    "{field} is of the text's hexadecimal digits, and DBC wants the text itself.",
                    field=field,
                ),
                field=field,
                hint=_HOW,
            )
    whose = signers[0] if len(signers) == 1 else say("any of these wallets")
    raise InvalidField(
        say(
            "{field} is not by {whose}: another key has signed, or another text was signed.",
            field=field,
            whose=whose,
        ),
        field=field,
    )


def _verifies(signature: bytes, message: bytes, key: bytes) -> bool:
    try:
        return bool(sr25519.verify(signature, message, key))
    except ValueError:
        return False


def _checksum(payload: bytes) -> bytes:
    return hashlib.blake2b(_CHECKED + payload).digest()[:2]


def _prefix(raw: bytes) -> int:
    """An address' network, also where it takes two bytes (SS58's own layout of 14 bits)."""
    if raw[0] < 64:
        return raw[0]
    return ((raw[0] & 0b0011_1111) << 2) | (raw[1] >> 6) | ((raw[1] & 0b0011_1111) << 8)
