"""Wallets, addresses and sr25519 signatures, as the chain and the nodes use them.

Knows nothing of nodes or HTTP. Source: docs/dbc-api.md §2.2, §2.4.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from random import Random

import base58
import sr25519

from sandbox.dbc import values

SS58_PREFIX = 42
# The mini secret of the well-known development account //Alice.
ALICE_SEED = bytes.fromhex("e5be9a5092b81bca64be81d212e7f2f9eba183bb7a90954f7b76361f6edb5c0a")


@dataclass(frozen=True)
class Wallet:
    """A key pair: a renter's wallet, or a node's own key."""

    address: str
    public_key: bytes
    private_key: bytes = field(repr=False)

    @classmethod
    def from_seed(cls, seed: str | bytes) -> "Wallet":
        """A wallet from 32 bytes of seed, or one made from a text; "//Alice" is the known one."""
        if seed == "//Alice":
            seed = ALICE_SEED
        elif isinstance(seed, str):
            seed = hashlib.blake2b(seed.encode(), digest_size=32).digest()
        public, private = sr25519.pair_from_seed(seed)
        return cls(ss58(public), public, private)

    @property
    def hex_id(self) -> str:
        """The public key as 64 hex digits: the form of node ids."""
        return self.public_key.hex()

    def sign(self, text: str) -> str:
        """The signature of the bare text, 128 hex digits."""
        signature: bytes = sr25519.sign((self.public_key, self.private_key), text.encode())
        return signature.hex()

    def proof(self, nonce: str | None = None) -> dict[str, str]:
        """`wallet`, `nonce` and `sign` of an envelope, with a fresh nonce unless one is given."""
        nonce = nonce or new_nonce()
        return {"wallet": self.address, "nonce": nonce, "sign": self.sign(nonce)}


def new_nonce() -> str:
    """A nonce as DBC's own tool makes them."""
    return values.session_id(Random())


def ss58(public_key: bytes) -> str:
    """The SS58 address of a public key, prefix 42."""
    payload = bytes([SS58_PREFIX]) + public_key
    checksum = hashlib.blake2b(b"SS58PRE" + payload).digest()[:2]
    return base58.b58encode(payload + checksum).decode()


def public_key(wallet: str) -> bytes | None:
    """The public key behind an address or a hex node id; None when it is neither."""
    try:
        if len(wallet) == 64:
            return bytes.fromhex(wallet)
        raw = base58.b58decode(wallet)
    except ValueError:
        return None
    key = raw[1:33]
    return key if len(raw) == 35 and ss58(key) == wallet else None


def verifies(signature: str, text: str, wallet: str) -> bool:
    """Whether `signature` (hex) is the wallet's sr25519 signature of the bare text."""
    key = public_key(wallet)
    if key is None:
        return False
    try:
        return bool(sr25519.verify(bytes.fromhex(signature.removeprefix("0x")), text.encode(), key))
    except ValueError:
        return False


def multisig_address(wallets: Iterable[str], threshold: int) -> str:
    """The Substrate multisig account of some wallets."""
    members = sorted(key for wallet in wallets if (key := public_key(wallet)) is not None)
    compact = bytes([len(members) << 2])
    payload = b"modlpy/utilisuba" + compact + b"".join(members) + threshold.to_bytes(2, "little")
    return ss58(hashlib.blake2b(payload, digest_size=32).digest())
