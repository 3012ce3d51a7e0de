"""Secret keys, for the command line on their owner's own computer. The bot itself never has one.

Reads what Substrate's tools call a secret URI, and signs. Nothing here is logged or shown.
"""

import hashlib
import re
from dataclasses import dataclass, field
from typing import Self

import sr25519

from bot.errors import Refused

_URI = re.compile(r"(?:0x)?(?P<hex>[0-9a-fA-F]*)(?P<path>(?://?[^/]+)*)", re.DOTALL)
_JUNCTION = re.compile(r"(//?)([^/]+)")
_WHAT = "A key is 64 hexadecimal digits (the seed) or 128 (the secret key)."
# The mini secret of Substrate's development phrase, which `//Alice` and its like derive from.
_DEVELOPMENT = bytes.fromhex("fac7959dbfe72f052e5a0c3c8d6530f202b02fd8f9f5ca3580ec8deb7797479e")


@dataclass(frozen=True, slots=True)
class Key:
    """A key pair."""

    public: bytes
    _secret: bytes = field(repr=False)

    @classmethod
    def read(cls, text: str) -> Self:
        """The key of a seed or secret key in hex, with derivations (`//hard`, `/soft`) behind it.

        `//Alice` alone is the well-known development account. Raises Refused; what was given is
        in no message.
        """
        found = _URI.fullmatch(text.strip())
        if found is None:
            hint = "A phrase of words has to be turned into its seed first: subkey inspect."
            raise Refused(f"This is no key. {_WHAT}", hint=hint)
        return cls._derived(*_pair(found["hex"], derived=bool(found["path"])), found["path"])

    @classmethod
    def _derived(cls, public: bytes, secret: bytes, path: str) -> Self:
        for slashes, name in _JUNCTION.findall(path):
            derive = sr25519.hard_derive_keypair if slashes == "//" else sr25519.derive_keypair
            _, public, secret = derive((_chain_code(name), public, secret), b"")
        return cls(public, secret)

    def sign(self, text: str) -> str:
        """The signature of the bare text, as 128 hex digits."""
        made: bytes = sr25519.sign((self.public, self._secret), text.encode("ascii"))
        return made.hex()


def _pair(digits: str, *, derived: bool) -> tuple[bytes, bytes]:
    """A key pair from a seed (32 bytes) or a secret key (64 bytes)."""
    match len(digits):
        case 0 if derived:
            pair: tuple[bytes, bytes] = sr25519.pair_from_seed(_DEVELOPMENT)
        case 64:
            pair = sr25519.pair_from_seed(bytes.fromhex(digits))
        case 128:
            secret = bytes.fromhex(digits)
            try:
                pair = sr25519.public_from_secret_key(secret), secret
            except ValueError:
                raise Refused(f"This is no sr25519 secret key. {_WHAT}") from None
        case _:
            raise Refused(f"This is no key. {_WHAT}")
    return pair


def _chain_code(junction: str) -> bytes:
    """A junction as 32 bytes: a number as 64 bits, a text with its length before it (SCALE)."""
    if junction.isdecimal() and int(junction) < 2**64:
        return int(junction).to_bytes(8, "little").ljust(32, b"\0")
    text = junction.encode()
    # SCALE's compact length; more than 16,383 bytes are no name.
    length = (
        bytes([len(text) << 2]) if len(text) < 64 else (len(text) << 2 | 1).to_bytes(2, "little")
    )
    code = length + text
    return (
        code.ljust(32, b"\0") if len(code) <= 32 else hashlib.blake2b(code, digest_size=32).digest()
    )
