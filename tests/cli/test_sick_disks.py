"""A disk that is full, one that takes nothing, a damaged file: told as that, with what helps."""

from pathlib import Path

import pytest

from tests.cli.test_run import KEY, kept
from tests.small_disk import FULL, READ_ONLY, said


@pytest.fixture
def content(tmp_path: Path) -> Path:
    """What is on the disk: a bot's database and a sound backup of it."""
    directory = tmp_path / "content"
    directory.mkdir()
    file = kept(directory / "bot.db")
    (directory / "backup.db").write_bytes(file.read_bytes())
    return directory


@pytest.mark.slow
def test_a_file_system_that_takes_nothing_is_no_matter_of_the_account(
    tmp_path: Path, content: Path
) -> None:
    code, told = said(tmp_path / "disk", content, READ_ONLY, "run")
    assert (code, "cannot be used: read-only file system. Mount it writable" in told) == (2, True)
    assert "account" not in told
    code, told = said(tmp_path / "disk", content, READ_ONLY, "doctor")
    (line,) = [one for one in told.splitlines() if "database:" in one]
    assert line.startswith("✘ database: ")
    assert "It cannot be used: read-only file system. Mount it writable" in line
    code, told = said(tmp_path / "disk", content, f"rm bot.db backup.db; {READ_ONLY}", "doctor")
    assert "nobody can make it in" in told
    assert ": read-only file system. Mount it writable" in told


@pytest.mark.slow
@pytest.mark.parametrize("command", ["run", "doctor"])
def test_a_full_disk_is_told_as_that(tmp_path: Path, content: Path, command: str) -> None:
    why = "its disk is full, 0 KiB are free"
    _, told = said(tmp_path / "disk", content, FULL, command, until=why if command == "run" else "")
    assert why in told, told
    assert "I/O error" not in told


@pytest.mark.slow
@pytest.mark.parametrize("command", ["backup", "restore"])
def test_a_full_disk_casts_no_doubt_on_what_is_copied(
    tmp_path: Path, content: Path, command: str
) -> None:
    disk = tmp_path / "disk"
    file = disk / ("new.db" if command == "backup" else "backup.db")
    code, told = said(disk, content, FULL, command, str(file))
    assert (code, f"{disk} cannot be written: its disk is full" in told) == (1, True), told
    assert "says nothing against" in told
    assert "no database" not in told


@pytest.mark.slow
def test_a_key_that_finds_no_room_is_said_not_to_be_written(tmp_path: Path, content: Path) -> None:
    disk = tmp_path / "disk"
    prepared = f"unset CREDENTIAL_KEYS; echo {KEY} > credential.key; {FULL}"
    code, told = said(disk, content, prepared, "keys", "add")
    why = f"The key file {disk}/credential.key cannot be used: No space left on device."
    assert (code, why in told) == (1, True), told


@pytest.mark.slow
def test_of_a_damaged_file_a_backup_is_the_way_out(tmp_path: Path, content: Path) -> None:
    file = content / "bot.db"
    file.write_bytes(file.read_bytes()[: 16 * 4096])
    for command in ("run", "doctor"):
        _, told = said(tmp_path / "disk", content, ":", command)
        assert "database disk image is malformed" in told
        assert "Stop the bot and restore a backup: python -m bot restore FILE" in told
        assert "See DATABASE_URL" not in told
