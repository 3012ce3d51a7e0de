import asyncio
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from storage import BadKey, Vault

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


@pytest.mark.parametrize("work", [Vault.decrypt, Vault.rotate])
@pytest.mark.parametrize("spoil", [lambda sealed: sealed[:-9] + b"AAAAAAAA=", lambda _: b"junk"])
def test_what_was_altered_or_sealed_with_a_lost_key_is_refused(
    vault: Vault, work: Callable[[Vault, bytes], object], spoil: Callable[[bytes], bytes]
) -> None:
    sealed = vault.encrypt(SECRETS)
    with pytest.raises(BadKey, match="not configured, or was altered"):
        work(vault, spoil(sealed))
    with pytest.raises(BadKey):
        work(Vault([Fernet.generate_key().decode()]), sealed)


@pytest.mark.parametrize("keys", [[], ["short"], ["ключ"], ["x" * 44]])
def test_a_bad_key_is_named_without_being_shown(keys: list[str]) -> None:
    with pytest.raises(BadKey) as caught:
        Vault(keys)
    assert not any(key in f"{caught.value}{caught.value.hint}" for key in keys)
    assert caught.value.__cause__ is None


def test_a_vault_shows_nothing(key: str) -> None:
    assert repr(Vault([key])) == "Vault()"


def test_a_key_file_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "data" / "keys"
    sealed = Vault.from_file(path).encrypt(SECRETS)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
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
    with pytest.raises(BadKey, match="cannot be used"):
        Vault.from_file(tmp_path / "file" / "keys")
