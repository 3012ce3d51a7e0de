"""Encrypts what must not be readable at rest: authenticated, under several keys, newest first.

Knows no table and no command. Nothing here shows a key or a plain text in `repr` or an error.
"""

import json
import os
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from storage.errors import BadKey


class Vault:
    """Encrypts with the first key and decrypts with any of them, so that keys can be rotated."""

    def __init__(self, keys: Sequence[str]) -> None:
        if not keys:
            raise BadKey(
                "No credential key is set.",
                hint="Set CREDENTIAL_KEYS to one or more Fernet keys, newest first.",
            )
        self._fernet = MultiFernet([_fernet(key, at) for at, key in enumerate(keys, start=1)])

    @classmethod
    def from_file(cls, path: Path) -> "Vault":
        """The vault of the keys in `path`, one a line, newest first; made on first use.

        A new file holds one fresh key and is readable by its owner alone (mode 0600).
        """
        try:
            if not path.exists():
                _make_key_file(path)
            lines = path.read_text(encoding="ascii").split()
        except (OSError, UnicodeDecodeError) as error:
            raise BadKey(
                f"The key file {path} cannot be used: {error.__class__.__name__}.",
                hint="Check that it is a text file that the bot may read, in a directory it may "
                "write to.",
            ) from None
        return cls(lines)

    def encrypt(self, plain: Mapping[str, str]) -> bytes:
        """Seal some texts under the first key."""
        return self._fernet.encrypt(json.dumps(dict(plain)).encode())

    def decrypt(self, sealed: bytes) -> dict[str, str]:
        """Open what `encrypt` sealed; `BadKey` if no key fits or it was tampered with."""
        try:
            plain: dict[str, str] = json.loads(self._fernet.decrypt(sealed))
        except (InvalidToken, ValueError, TypeError):
            raise _undecryptable() from None
        return plain

    def opens(self, sealed: bytes) -> bool:
        """Whether one of the keys opens it."""
        try:
            self.decrypt(sealed)
        except BadKey:
            return False
        return True

    def rotate(self, sealed: bytes) -> bytes:
        """Seal the same anew under the first key; `BadKey` as with `decrypt`."""
        try:
            return self._fernet.rotate(sealed)
        except (InvalidToken, TypeError):
            raise _undecryptable() from None

    def __repr__(self) -> str:
        return "Vault()"


def _fernet(key: str, position: int) -> Fernet:
    try:
        return Fernet(key)
    except ValueError:
        raise BadKey(
            f"Credential key number {position} is not a Fernet key.",
            hint="A Fernet key is 32 random bytes in URL-safe base64: 44 characters.",
        ) from None


def _undecryptable() -> BadKey:
    return BadKey(
        "Something stored was encrypted with a key that is not configured, or was altered.",
        hint="Put the former key back at the end of CREDENTIAL_KEYS.",
    )


def _make_key_file(path: Path) -> None:
    """Write a fresh key aside and link it into place: nobody ever reads half a file.

    Of two processes that start at once, the second keeps the first one's key.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(Fernet.generate_key() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            path.hardlink_to(draft)
        except FileExistsError:
            return
    finally:
        draft.unlink()
