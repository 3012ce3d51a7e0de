"""Where the chain keeps what is read by `state_getStorage`: hashed names of pallet and value."""

import hashlib

from bot.ids import NodeId

TIMESTAMP = "0xf0c365c3cf59d671eb72da0e7a4113c49f1f0515f462cdcf84e0f1d6045dfcbb"
AVG_PRICE = "0x75881b72c41c5d7629208f0845dcbb612874c4df23e22c1bc0645934c2f9ee1d"
POINT_PRICE = "0x2885a3060ddfd3ee4dcf7dfee867c9ac1f255e835bfcea105e3ebc4977bd7e60"
FIXED_FEE = "0xc969cab63ed30c7d2788ca5bd4b49788ce0cfd73d795ab3dc64eeba0dbe980bc"
_EXTRA_PRICE = "0x2885a3060ddfd3ee4dcf7dfee867c9ac1988119d564bbcba47f4c89c4ffbbd77"
# Length of 64 in SCALE's compact form, before the id's ASCII.
_OF_64 = bytes([0x01, 0x01])


def extra_price(node_id: NodeId) -> str:
    """Where a machine's own price stands: blake2-128 of the key, then the key itself."""
    key = _OF_64 + node_id.encode()
    return _EXTRA_PRICE + (hashlib.blake2b(key, digest_size=16).digest() + key).hex()
