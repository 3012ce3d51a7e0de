import asyncio
import errno
import os
import re
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from storage import BadKey, Vault, fingerprint, keys_in
from storage.vault import write_keys

SECRETS = {"session_id": "SECRET-ID", "密码": "‘SECRET’"}


def test_what_is_sealed_is_opened_again(vault: Vault) -> None:
    sealed = vault.encrypt(SECRETS)
    assert b"SECRET" not in sealed
    assert vault.decrypt(sealed) == SECRETS


def test_the_first_key_encrypts_and_every_key_decrypts() -> None:
    old, new = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    sealed = Vault([old]).encrypt(SECRETS)
    both = Vault([new, old])
    assert both.decrypt(sealed) == SECRETS
    assert Vault([new]).decrypt(both.encrypt(SECRETS)) == SECRETS
    assert Vault([new]).decrypt(both.rotate(sealed)) == SECRETS


def test_a_digest_knows_texts_again_and_takes_those_of_a_lost_key_for_the_same() -> None:
    old, new = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    digest = Vault([old]).digest(SECRETS, "one")
    assert "SECRET" not in digest
    for vault in (Vault([old]), Vault([new, old])):
        assert vault.matches(digest, SECRETS, "one")
        assert not vault.matches(digest, {**SECRETS, "session_id": "other"}, "one")
        assert not vault.matches(digest, SECRETS, "another")
    assert Vault([new]).matches(digest, {}, "one")


@pytest.mark.parametrize("work", [Vault.decrypt, Vault.rotate])
@pytest.mark.parametrize("spoil", [lambda sealed: sealed[:-9] + b"AAAAAAAA=", lambda _: b"junk"])
def test_what_was_altered_or_sealed_with_a_lost_key_is_refused(
    vault: Vault, work: Callable[[Vault, bytes], object], spoil: Callable[[bytes], bytes]
) -> None:
    sealed = vault.encrypt(SECRETS)
    with pytest.raises(BadKey) as refused:
        work(vault, spoil(sealed))
    assert (refused.value.sentence, refused.value.hint) == (
        "Something stored was encrypted with a key that is not configured, or was altered.",
        "Put the former key back at the end of CREDENTIAL_KEYS.",
    )
    assert vault.opens(sealed)
    assert not vault.opens(spoil(sealed))
    with pytest.raises(BadKey):
        work(Vault([Fernet.generate_key().decode()]), sealed)


@pytest.mark.parametrize("keys", [[], ["short"], ["ключ"], ["x" * 44]])
def test_a_bad_key_is_named_without_being_shown(keys: list[str]) -> None:
    with pytest.raises(BadKey) as caught:
        Vault(keys)
    assert not any(key in f"{caught.value}{caught.value.hint}" for key in keys)
    assert caught.value.__cause__ is None


def test_a_key_file_is_named_where_its_keys_are_wrong_or_missing(tmp_path: Path) -> None:
    file = tmp_path / "credential.key"
    for text, told in (("", "There is no credential key in"), ("short", "number 1 in")):
        file.write_text(text)
        with pytest.raises(BadKey, match=f"{told} the key file credential.key") as caught:
            Vault.from_file(file)
        assert "CREDENTIAL_KEYS" not in str(caught.value.hint)
    file.write_text(Fernet.generate_key().decode())
    with pytest.raises(BadKey) as caught:
        Vault.from_file(file).decrypt(b"junk")
    assert caught.value.hint == "Put the former key back at the end of the key file credential.key."


def test_a_key_that_cannot_be_written_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(BadKey, match="cannot be used: No space left on device"):
        Vault.from_file(tmp_path / "credential.key")
    assert list(tmp_path.iterdir()) == []


def test_what_a_key_has_to_be_is_said() -> None:
    with pytest.raises(BadKey) as caught:
        Vault([Fernet.generate_key().decode(), "short"])
    assert (
        caught.value.sentence == "Credential key number 2 in CREDENTIAL_KEYS is not a Fernet key."
    )
    assert caught.value.hint == (
        "A Fernet key is 32 random bytes in URL-safe base64: 44 characters."
    )


def test_a_key_is_named_by_eight_digits_that_say_nothing_of_it(key: str) -> None:
    [name] = Vault([key]).fingerprints
    assert re.fullmatch("[0-9a-f]{8}", name)
    assert name == fingerprint(key)


def test_keys_that_come_into_the_file_count_at_once(tmp_path: Path, key: str) -> None:
    path = tmp_path / "keys"
    running = Vault.from_file(path)
    write_keys(path, [key, *keys_in(path)])
    assert running.decrypt(Vault([key]).encrypt(SECRETS)) == SECRETS


def test_the_keys_in_use_stay_while_their_file_is_broken(tmp_path: Path, key: str) -> None:
    path = tmp_path / "keys"
    running = Vault.from_file(path)
    sealed = running.encrypt(SECRETS)
    path.write_text("half a k")
    assert running.decrypt(sealed) == SECRETS
    with pytest.raises(BadKey, match="not configured"):
        running.decrypt(Vault([key]).encrypt(SECRETS))


def test_a_vault_shows_nothing(key: str) -> None:
    assert repr(Vault([key])) == "Vault()"


def test_a_key_file_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "var" / "data" / "keys"
    sealed = Vault.from_file(path).encrypt(SECRETS)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert Vault.from_file(path).decrypt(sealed) == SECRETS
    assert list(path.parent.iterdir()) == [path]


async def test_many_who_start_at_once_get_one_key(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    vaults = await asyncio.gather(*(asyncio.to_thread(Vault.from_file, path) for _ in range(16)))
    sealed = vaults[0].encrypt(SECRETS)
    assert all(each.decrypt(sealed) == SECRETS for each in vaults)
    assert os.listdir(tmp_path) == [path.name]  # noqa: PTH208 - a test has time


def test_a_key_file_may_hold_several_keys_newest_first(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    old = Vault.from_file(path)
    path.write_text(f"{Fernet.generate_key().decode()}\n{path.read_text()}")
    assert Vault.from_file(path).decrypt(old.encrypt(SECRETS)) == SECRETS


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"not a key"])
def test_an_unusable_key_file_is_never_replaced(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "keys"
    path.write_bytes(content)
    with pytest.raises(BadKey):
        Vault.from_file(path)
    assert path.read_bytes() == content


def test_a_key_file_out_of_reach_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "words").write_text("ключ", encoding="utf-8")
    for path in (tmp_path / "file" / "keys", tmp_path / "words"):
        with pytest.raises(BadKey, match="cannot be used") as refused:
            Vault.from_file(path)
        assert refused.value.hint == (
            "Check that it is a text file that the bot may read, in a directory with room that it "
            "may write to."
        )
