"""Where the credential keys are: in the settings, else in a file beside the SQLite database."""

from pathlib import Path

from bot.config import KeySettings
from bot.reply import say
from storage import BadKey, Vault

KEY_FILE = "credential.key"  # beside the SQLite file
_RETIRED = ".retired-"  # and the key's fingerprint: backups may need it


def vault_of(settings: KeySettings, *, may_make: bool = False) -> Vault:
    """The keys from the settings, else from a file beside the SQLite database.

    Only a start, and whoever asks for a new key, `may_make` that file. Raises BadKey.
    """
    if (file := key_file_of(settings)) is not None:
        if not may_make and not file.exists():
            raise gone(file)
        return Vault.from_file(file)
    return Vault([key.get_secret_value() for key in settings.credential_keys])


def gone(file: Path) -> BadKey:
    """The failure that the key file is missing."""
    return BadKey(
        say("The key file {file} is gone.", file=str(file)),
        hint=say(
            "Put it back: nobody's session can be read without it. Where it is lost, "
            "{command} makes a new one, and everybody adds their sessions anew.",
            command="python -m bot keys add",
        ),
    )


def key_file_of(settings: KeySettings) -> Path | None:
    """Where the keys are kept that no setting names; None where CREDENTIAL_KEYS does."""
    file = settings.sqlite_file
    return None if settings.credential_keys or file is None else file.parent / KEY_FILE


def retired_file(file: Path, fingerprint: str) -> Path:
    """Where a key that was taken out of the key file `file` is kept."""
    return file.with_name(f"{file.name}{_RETIRED}{fingerprint}")


def retired_beside(file: Path) -> list[Path]:
    """The keys that were taken out of the key file `file` and are still kept beside it."""
    return sorted(file.parent.glob(f"{file.name}{_RETIRED}*"))
