"""Encrypts what must not be readable at rest: authenticated, under several keys, newest first.

Knows no table and no command. Nothing here shows a key or a plain text in `repr` or an error.
"""

import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path

import structlog
from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from bot.reply import Text, say
from storage.errors import BadKey
from storage.file import PRIVATE, PRIVATE_DIRECTORY, flush_directory, give_name

log = structlog.get_logger()


class Vault:
    """Encrypts with the first key and decrypts with any of them, so that keys can be rotated.

    Keys that came from a file are read again once the file has changed.
    """

    def __init__(self, keys: Sequence[str], place: str = "CREDENTIAL_KEYS") -> None:
        """`place`: what people would have to mend, where a key is wrong or missing."""
        if not keys:
            raise BadKey(
                f"There is no credential key in {place}.",
                hint="Put one or more Fernet keys there, newest first. Without the former ones, "
                "nobody's session can be read.",
            )
        self.place = place
        self._single = [_fernet(key, at, place) for at, key in enumerate(keys, start=1)]
        self._digesting = {fingerprint(key): _digesting(key) for key in keys}
        self._fernet = MultiFernet(self._single)
        self.fingerprints = tuple(fingerprint(key) for key in keys)
        self.file: Path | None = None
        self._read: tuple[int, ...] = ()

    @classmethod
    def from_file(cls, path: Path) -> "Vault":
        """The vault of the keys in `path`, one a line, newest first; made on first use.

        A new file holds one fresh key and is readable by its owner alone (mode 0600).
        """
        try:
            if not path.exists():
                _make_key_file(path)
            state = _state(path)
            vault = cls(keys_in(path), place_of(path))
        except OSError as error:
            raise _unusable(path, error) from None
        vault.file, vault._read = path, state
        return vault

    def _keep_up(self) -> bool:
        """Read the key file again if it has changed; says whether other keys count now."""
        if self.file is None:
            return False
        try:
            state = _state(self.file)
            if state == self._read:
                return False
            fresh = Vault(keys_in(self.file), self.place)
        except (OSError, BadKey):
            return False  # the keys in use stay, until the file is whole again
        self._single, self._fernet = fresh._single, fresh._fernet
        self._digesting = fresh._digesting
        self.fingerprints, self._read = fresh.fingerprints, state
        log.info("keys.read_again", encrypts=self.fingerprints[0], keys=list(self.fingerprints))
        return True

    def impairments(self) -> Sequence[Text]:
        """Why the keys could not be read again; nothing while they could, or were not in a file."""
        if self.file is None:
            return ()
        try:
            if _state(self.file) != self._read:
                Vault(keys_in(self.file))
        except (OSError, BadKey):
            return (
                say(
                    "The key file {file} is gone or cannot be read. The bot goes on with the keys "
                    "that it has read; put the file back before it is restarted.",
                    file=self.file.name,
                ),
            )
        return ()

    def encrypt(self, plain: Mapping[str, str]) -> bytes:
        """Seal some texts under the first key."""
        self._keep_up()
        return self._fernet.encrypt(json.dumps(dict(plain)).encode())

    def decrypt(self, sealed: bytes) -> dict[str, str]:
        """Open what `encrypt` sealed; `BadKey` if no key fits or it was tampered with."""
        try:
            plain: dict[str, str] = json.loads(self._fernet.decrypt(sealed))
        except (InvalidToken, ValueError, TypeError):
            if self._keep_up():
                return self.decrypt(sealed)
            raise self._undecryptable() from None
        return plain

    def digest(self, plain: Mapping[str, str], salt: str) -> str:
        """By what `matches` knows these texts again; without the key nobody can try any by it."""
        self._keep_up()
        return self._digest(plain, salt, self.fingerprints[0])

    def matches(self, digest: str, plain: Mapping[str, str], salt: str) -> bool:
        """Whether the digest is of these texts; True as well where its key is gone."""
        by = digest.partition(":")[0]
        if by not in self._digesting and not (self._keep_up() and by in self._digesting):
            return True
        return hmac.compare_digest(digest, self._digest(plain, salt, by))

    def _digest(self, plain: Mapping[str, str], salt: str, by: str) -> str:
        told = json.dumps([salt, sorted(plain.items())]).encode()
        return f"{by}:{hmac.new(self._digesting[by], told, hashlib.sha256).hexdigest()}"

    def key_of(self, sealed: bytes) -> str | None:
        """The fingerprint of the key that it is sealed under; None where no key opens it."""
        for name, key in zip(self.fingerprints, self._single, strict=True):
            try:
                key.decrypt(sealed)
            except (InvalidToken, TypeError):
                continue
            return name
        return None

    def opens(self, sealed: bytes) -> bool:
        """Whether one of the keys opens it."""
        try:
            self.decrypt(sealed)
        except BadKey:
            return False
        return True

    def rotate(self, sealed: bytes) -> bytes:
        """Seal the same anew under the first key; `BadKey` as with `decrypt`."""
        self._keep_up()
        try:
            return self._fernet.rotate(sealed)
        except (InvalidToken, TypeError):
            raise self._undecryptable() from None

    def _undecryptable(self) -> BadKey:
        return BadKey(
            "Something stored was encrypted with a key that is not configured, or was altered.",
            hint=f"Put the former key back at the end of {self.place}.",
        )

    def __repr__(self) -> str:
        return "Vault()"


def place_of(path: Path) -> str:
    """What a key file is called where no path is told."""
    return f"the key file {path.name}"


def _fernet(key: str, position: int, place: str) -> Fernet:
    try:
        return Fernet(key)
    except ValueError:
        raise BadKey(
            f"Credential key number {position} in {place} is not a Fernet key.",
            hint="A Fernet key is 32 random bytes in URL-safe base64: 44 characters.",
        ) from None


def _digesting(key: str) -> bytes:
    """A key for digests: what one of two uses shows says nothing about the other."""
    return hmac.new(key.encode(), b"digests of secrets", hashlib.sha256).digest()


def fingerprint(key: str) -> str:
    """A name for a key that says nothing about it."""
    return hashlib.sha256(key.encode()).hexdigest()[:8]


def keys_in(path: Path) -> list[str]:
    """The keys of a key file, newest first. Raises BadKey."""
    try:
        text = path.read_text(encoding="utf-8-sig")  # some editors put a mark before it
        return text.encode("ascii").decode().split()
    except (OSError, UnicodeError) as error:
        raise _unusable(path, error) from None


def write_keys(path: Path, keys: Sequence[str], *, beside: Path | None = None) -> None:
    """Put these keys in the place of a key file's, all at once.

    Its owner, or that of the key file `beside` which it is kept, goes on owning it: the bot has to
    read what an administrator writes. Raises BadKey, PermissionError.
    """
    try:
        draft = _draft(path, keys)
        try:
            _hand_over(draft, beside or path)
            draft.replace(path)
        except OSError:
            draft.unlink(missing_ok=True)
            raise
        flush_directory(path)
    except PermissionError:
        raise
    except OSError as error:
        raise _unusable(path, error) from None


def _hand_over(draft: Path, former: Path) -> None:
    try:
        found = former.stat()
        if found.st_uid != os.geteuid():
            os.chown(draft, found.st_uid, found.st_gid)
    except FileNotFoundError:
        return
    except PermissionError as error:
        raise PermissionError(error.errno, error.strerror, str(former)) from None


def _state(path: Path) -> tuple[int, ...]:
    found = path.stat()
    return found.st_ino, found.st_mtime_ns, found.st_size


def _unusable(path: Path, error: Exception) -> BadKey:
    why = getattr(error, "strerror", None) or "it is not a text file"
    return BadKey(
        f"The key file {path} cannot be used: {why}.",
        hint="Check that it is a text file that the bot may read, in a directory with room that it "
        "may write to.",
    )


def _make_key_file(path: Path) -> None:
    """Write a fresh key aside and name it in place: nobody ever reads half a file.

    Of two processes that start at once, the second keeps the first one's key.
    """
    path.parent.mkdir(mode=PRIVATE_DIRECTORY, parents=True, exist_ok=True)
    draft = _draft(path, [Fernet.generate_key().decode()])
    try:
        give_name(draft, path)
    except FileExistsError:
        return
    finally:
        draft.unlink(missing_ok=True)
    flush_directory(path)


def _draft(path: Path, keys: Sequence[str]) -> Path:
    """A new private file beside `path` with these keys, safe on disk."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.writelines(f"{key}\n" for key in keys)
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        draft.unlink()
        raise
    return draft
