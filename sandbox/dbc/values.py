"""How the daemon's C++ reads and prints values: numbers, sizes, times, ids.

Knows nothing of nodes or HTTP. Source: docs/dbc-api.md §8, §10.1.
"""

import hashlib
import re
from datetime import datetime
from random import Random
from typing import Any

import base58

Json = dict[str, Any]

GIB = 1024**3
PASSWORD_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"  # noqa: S105 - an alphabet
PASSWORD_SIGNS = PASSWORD_LETTERS + "0123456789_/+[]@#^"

_LEADING_INTEGER = re.compile(r"\s*([+-]?\d+)", re.ASCII)


def string(value: Json, name: str) -> str:
    """A string member; absent or of another type reads as empty (`JSON_PARSE_STRING`)."""
    found = value.get(name, "")
    return found if isinstance(found, str) else ""


def integer(value: Json, name: str) -> int | None:
    """A 32-bit integer member; None leaves the variable alone (`JSON_PARSE_INT`)."""
    found = value.get(name)
    if isinstance(found, bool) or not isinstance(found, int):
        return None
    return found if -(2**31) <= found < 2**31 else None


def strings(value: Json, name: str) -> list[str] | None:
    """The strings of an array member; others in it are skipped; None when it is no array."""
    found = value.get(name)
    if not isinstance(found, list):
        return None
    return [item for item in found if isinstance(item, str)]


def atoi(text: str) -> int:
    """What C's `atoi` makes of a text: leading digits, else 0; clipped to 32 bits."""
    match = _LEADING_INTEGER.match(text)
    if match is None:
        return 0
    number = int(match[1])
    return (number + 2**31) % 2**32 - 2**31


def port(text: str) -> int:
    """A port as the node stores it: wrapped into 16 bits, so "99999" is 34463."""
    return atoi(text) % 65536


def size_text(size: int, *, units: str = "KMGTP") -> str:
    """Bytes as `scale_size` prints them, with its 32-bit loss of remainders from T on."""
    text = "0K"
    kib_bytes = size // 1024 * 1024
    for power, unit in enumerate(units, start=1):
        scale = 1024**power
        whole = kib_bytes // scale
        if kib_bytes % scale % 2**32 == 0:
            text = f"{whole}{unit}"
        else:
            text = f"{float(f'{kib_bytes / scale:.2f}'):.6g}{unit}"
        if whole < 1024:
            break
    return text


def gigabytes(size: int) -> str:
    """Bytes as task detail and node info print them: never a unit above G."""
    return size_text(size, units="KMG")


def time_text(moment: datetime) -> str:
    """A node-local time without zone; the sandbox's nodes live in UTC."""
    return moment.strftime("%Y-%m-%d %H:%M:%S")


def file_time(moment: datetime) -> str:
    """The time in generated file names."""
    return moment.strftime("%Y%m%d%H%M%S")


def node_id(name: str) -> str:
    """A deterministic node id (64 lowercase hex digits) for a name."""
    return hashlib.blake2b(f"node:{name}".encode(), digest_size=32).hexdigest()


def base58_id(random: Random, size: int) -> str:
    """Base58Check text of `size` random bytes: 15 give task ids, 36 (a UUID's text) session ids."""
    return base58.b58encode_check(random.randbytes(size)).decode()


def uuid_text(random: Random) -> str:
    """A random UUID of version 4."""
    digits = random.randbytes(16).hex()
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"


def session_id(random: Random) -> str:
    """A session id: Base58Check of a UUID's text."""
    return base58.b58encode_check(uuid_text(random).encode()).decode()


def task_id(random: Random) -> str:
    """A generated task id: 20 to 22 Base58 characters."""
    while not 20 <= len(made := base58_id(random, 12)) <= 22:
        continue
    return made


def password(random: Random) -> str:
    """A generated login password: 16 characters, the first a letter."""
    return random.choice(PASSWORD_LETTERS) + "".join(random.choices(PASSWORD_SIGNS, k=15))


def digits_only(text: str) -> bool:
    """Whether a text is ASCII digits and nothing else."""
    return text.isascii() and text.isdigit()


def alphanumeric(text: str) -> bool:
    """Whether a text is ASCII letters and digits and nothing else."""
    return text.isascii() and text.isalnum()


def is_linux(system: str) -> bool:
    """Whether the node takes an operating system's name for a Linux."""
    return "linux" in system or "ubuntu" in system


def is_windows(system: str) -> bool:
    """Whether the node takes an operating system's name for a Windows."""
    return "win" in system


def masked_ip(address: str) -> str:
    """An IPv4 address with its first and third number hidden; `*` when there is none."""
    parts = address.split(".") if address else [""]
    return "*" + "".join(
        ".*" if index == 2 else f".{parts[index]}" for index in range(1, len(parts))
    )
