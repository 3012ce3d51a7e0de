"""The chain's storage as `state_getStorage` gives it: hexadecimal, little endian.

The keys are those of the live chain: two hashed names, and for maps the hashed key.
"""

import hashlib

from sandbox.chain.blocks import milliseconds
from sandbox.chain.ledger import Chain

TIMESTAMP = "0xf0c365c3cf59d671eb72da0e7a4113c49f1f0515f462cdcf84e0f1d6045dfcbb"
AVG_PRICE = "0x75881b72c41c5d7629208f0845dcbb612874c4df23e22c1bc0645934c2f9ee1d"
POINT_PRICE = "0x2885a3060ddfd3ee4dcf7dfee867c9ac1f255e835bfcea105e3ebc4977bd7e60"
EXTRA_PRICE = "0x2885a3060ddfd3ee4dcf7dfee867c9ac1988119d564bbcba47f4c89c4ffbbd77"
FIXED_TX_FEE = "0xc969cab63ed30c7d2788ca5bd4b49788ce0cfd73d795ab3dc64eeba0dbe980bc"


def stored(chain: Chain, key: str, block: int) -> str | None:
    """What stands under a key once that block is made; None for nothing."""
    if key == TIMESTAMP:
        return _little(milliseconds(chain.blocks.made_at(block)), 8)
    if key == AVG_PRICE:
        average = chain.avg_price_at(block)
        return None if average is None else _little(average, 8)
    if key == POINT_PRICE:
        return _little(chain.gpu_point, 8) + _little(chain.gpu_price, 8).removeprefix("0x")
    if key == FIXED_TX_FEE:
        return _little(chain.fee, 16)
    for machine in chain.machines.values():
        if key == extra_price_key(machine.machine_id):
            price = machine.extra_price
            return None if price is None else _little(price, 8)
    return None


def extra_price_key(machine_id: str) -> str:
    """Where a machine's own price stands: blake2-128 of the key, then the key itself."""
    # A vector of 64 bytes: its length in SCALE's compact form, which takes two bytes from 64 on.
    encoded = (len(machine_id) << 2 | 1).to_bytes(2, "little") + machine_id.encode()
    return EXTRA_PRICE + (hashlib.blake2b(encoded, digest_size=16).digest() + encoded).hex()


def _little(number: int, width: int) -> str:
    return "0x" + number.to_bytes(width, "little").hex()
