"""Settings as people, containers and systemd write them: files, quotes, marks, whole addresses."""

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from cryptography.fernet import Fernet
from pydantic import SecretStr, ValidationError

from bot.__main__ import main
from bot.config import SECRETS, Settings, faults_of
from bot.reviews.policy_file import read_policy
from storage import keys_in
from tests.cli.test_run import started

KEY, FORMER = (Fernet.generate_key().decode() for _ in range(2))
GIVEN = {
    "SLACK_BOT_TOKEN": "xoxb-s3cret",
    "SLACK_APP_TOKEN": "xapp-s3cret",
    "SLACK_SIGNING_SECRET": "s3cret0123",
    "CREDENTIAL_KEYS": f"{KEY},{FORMER}",
    "DATABASE_URL": "postgresql+asyncpg://bot:s3cret@db/bot",
    "DBC_CLIENT_URLS": "http://boss:s3cret@a:5050,http://b:5050",
    "CHAIN_RPC_URLS": "https://a/v3/s3cret,https://b",
    "SLACK_API_URL": "http://me:s3cret@proxy/api/",
    "OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector/s3cret",
    "OTEL_EXPORTER_OTLP_HEADERS": "key=s3cret",
}


@pytest.fixture(autouse=True)
def nothing_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
        monkeypatch.delenv(f"{name.upper()}_FILE", raising=False)


def held(settings: Settings) -> dict[str, str]:
    """The secrets of some settings, written as they are given."""
    return {name: _written(getattr(settings, name.lower())) for name in GIVEN}


def _written(value: Any) -> str:
    if isinstance(value, tuple):
        return ",".join(map(_written, value))
    return value.get_secret_value() if isinstance(value, SecretStr) else str(value)


def faults() -> list[str]:
    with pytest.raises(ValidationError) as raised:
        Settings()
    return faults_of(raised.value)


def read() -> Settings:
    return Settings()


class Later(Settings):
    """With settings that a later version may have."""

    webhook_secret: SecretStr
    webhook_keys: tuple[SecretStr, ...] = ()
    webhook_tries: int = 3


def test_a_new_setting_that_is_secret_is_masked_like_the_others() -> None:
    words: dict[str, object] = {"slack_bot_token": "xoxb-1", "slack_app_token": "xapp-1"}
    keys = (SecretStr("k3y-one"), SecretStr("k3y-two"))
    settings = Later(**words, webhook_secret=SecretStr("s3cret"), webhook_keys=keys)  # type: ignore[arg-type]
    assert {"xoxb-1", "xapp-1", "s3cret", "k3y-one", "k3y-two"} <= {*settings.secrets}
    named = [name for name, one in Settings.model_fields.items() if "Secret" in str(one.annotation)]
    assert [name for name in named if name not in SECRETS] == []  # may be in a file, too


def test_a_fault_that_only_pydantic_knows_is_told_in_our_words(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in {"SLACK_BLOCKS": "no", "WEBHOOK_TRIES": "many"}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ValidationError) as raised:
        Later()
    told = faults_of(raised.value)
    assert "WEBHOOK_SECRET: it is not set." in told
    assert "WEBHOOK_TRIES: it must be a valid integer." in told
    assert "SLACK_BLOCKS: it must be 'auto' or 'classic'." in told


def test_every_secret_can_be_in_a_file_that_a_setting_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in GIVEN.items():
        (tmp_path / name).write_text(value + "\n")
        monkeypatch.setenv(f"{name}_FILE", str(tmp_path / name))
    assert held(read()) == GIVEN


def test_the_names_of_files_can_be_in_dot_env(tmp_path: Path) -> None:
    for name, value in GIVEN.items():
        (tmp_path / name).write_text(value)
    lines = [f"{name}_FILE='{tmp_path / name}'" for name in GIVEN]
    (tmp_path / ".env").write_text("\n".join(lines))
    assert held(read()) == GIVEN


@pytest.mark.parametrize("spelled", [str.upper, str.lower])
def test_every_secret_can_be_a_credential_of_systemd(
    spelled: type[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in GIVEN.items():
        (tmp_path / spelled(name)).write_text(value)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert held(read()) == GIVEN


def test_every_setting_that_may_hold_a_secret_can_be_a_file() -> None:
    hidden = {
        name
        for name, field in Settings.model_fields.items()
        if SecretStr.__name__ in str(field.annotation) or name.endswith(("_url", "_urls"))
    }
    assert hidden <= {name.lower() for name in GIVEN} == set(SECRETS)


def test_keys_in_a_file_stand_on_a_line_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "keys").write_text(f"{KEY}\n{FORMER}\n")
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-1")
    monkeypatch.setenv("SLACK_APP_TOKEN", "xapp-1")
    monkeypatch.setenv("CREDENTIAL_KEYS_FILE", str(tmp_path / "keys"))
    assert [key.get_secret_value() for key in read().credential_keys] == [KEY, FORMER]


def test_all_that_is_wrong_with_files_is_said_at_once_and_shows_none_of_them(
    tmp_path: Path,
) -> None:
    (tmp_path / "empty").write_text("\n")
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "token").write_text("xapp-s3cret")
    told = started(
        tmp_path,
        SLACK_BOT_TOKEN_FILE="xoxb-s3cret",  # the secret itself, where its file is named
        SLACK_SIGNING_SECRET_FILE=str(tmp_path / "empty"),
        CREDENTIAL_KEYS_FILE=str(tmp_path),
        DATABASE_URL_FILE=str(tmp_path / "binary"),
        SLACK_APP_TOKEN="xapp-s3cret",
        SLACK_APP_TOKEN_FILE=str(tmp_path / "token"),
        LOG_LEVEL="loud",
    )
    named = "cannot be used: the file that it names"
    for sentence in (
        f"SLACK_BOT_TOKEN: SLACK_BOT_TOKEN_FILE {named} does not exist.",
        f"SLACK_SIGNING_SECRET: SLACK_SIGNING_SECRET_FILE {named} is empty.",
        f"CREDENTIAL_KEYS: CREDENTIAL_KEYS_FILE {named} is a directory.",
        f"DATABASE_URL: DATABASE_URL_FILE {named} is not a text file in UTF-8.",
        "SLACK_APP_TOKEN: it is set by SLACK_APP_TOKEN and by SLACK_APP_TOKEN_FILE: leave all but",
        "LOG_LEVEL: give one of debug",
    ):
        assert sentence in told
    assert len(told.splitlines()) == 8  # with a first line and a last one


@pytest.mark.parametrize("quote", ['"', "'"])
def test_quotes_around_values_are_no_part_of_them(
    quote: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (GIVEN | {"HTTP_PORT": "3001", "LOG_FORMAT": "json"}).items():
        monkeypatch.setenv(name, f" {quote}{value}{quote} ")
    monkeypatch.setenv("POLICY_FILE", quote * 2)  # as good as nothing
    settings = read()
    assert held(settings) == GIVEN
    assert (settings.http_port, settings.log_format) == (3001, "json")
    assert settings.policy_file is None


def test_each_daemon_that_is_no_bare_address_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-1")
    monkeypatch.setenv("SLACK_APP_TOKEN", "xapp-1")
    urls = ("http://a:5050/api/v1/", "http://a?token=s3cret", "http://a/api/v1/tasks", "http://b:x")
    monkeypatch.setenv("DBC_CLIENT_URLS", ",".join(urls))
    (told,) = faults()
    assert told.startswith("DBC_CLIENT_URLS: numbers 2, 3 and 4 of 4 are not addresses like ")
    assert "s3cret" not in told


@pytest.mark.parametrize("value", ["“xoxb-s3cret”", '"xoxb-s3cret', "xoxb-s3cret'"])
def test_quotes_that_are_no_pair_are_named(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLACK_BOT_TOKEN", value)
    monkeypatch.setenv("SLACK_APP_TOKEN", "xapp-1")
    assert faults() == [
        "SLACK_BOT_TOKEN: it begins or ends with a quotation mark: write the value without quotes."
    ]


def test_a_daemons_address_may_be_the_base_of_its_api(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN"):
        monkeypatch.setenv(name, GIVEN[name])
    monkeypatch.setenv("DBC_CLIENT_URLS", "http://a:5050/api/v1,http://b:5050/api/v1/,http://c/x/")
    assert read().dbc_client_urls == ("http://a:5050", "http://b:5050", "http://c/x")


def test_a_mark_before_a_file_is_no_part_of_it(tmp_path: Path) -> None:
    mark = "\ufeff"
    token = tmp_path / "token"
    token.write_text(f"{mark}{GIVEN['SLACK_APP_TOKEN']}", encoding="utf-8")
    lines = f"SLACK_BOT_TOKEN={GIVEN['SLACK_BOT_TOKEN']}\r\nSLACK_APP_TOKEN_FILE={token}\r\n"
    (tmp_path / ".env").write_text(mark + lines, encoding="utf-8", newline="")
    settings = read()
    assert held(settings)["SLACK_BOT_TOKEN"] == GIVEN["SLACK_BOT_TOKEN"]
    assert held(settings)["SLACK_APP_TOKEN"] == GIVEN["SLACK_APP_TOKEN"]
    keys, rules = tmp_path / "credential.key", tmp_path / "policy.toml"
    keys.write_text(f"{mark}{KEY}\n", encoding="utf-8")
    rules.write_text(f"{mark}[defaults]\nchange = {{ confirm = true }}\n", encoding="utf-8")
    assert keys_in(keys) == [KEY]
    assert read_policy(rules).defaults.change.confirm


def test_a_file_of_settings_that_is_no_text_hides_no_other_fault(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"SLACK_BOT_TOKEN=\xff")
    done = CliRunner().invoke(main, ["audit", "verify", "--database", "sqlite:///none.db"])
    assert done.exit_code == 1
    assert done.output.startswith("Error: ")


def test_rules_alone_need_no_token(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("SLACK_BOT_TOKEN_FILE=nowhere\n")
    assert CliRunner().invoke(main, ["policy", "show"]).exit_code == 0


def test_what_is_wrong_in_a_file_is_said_with_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "token").write_text("s3cret")
    (tmp_path / "credential_keys").write_text("s3cret")
    monkeypatch.setenv("SLACK_BOT_TOKEN_FILE", str(tmp_path / "token"))
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    monkeypatch.setenv("SLACK_APP_TOKEN", "s3cret")
    told = {one.partition(":")[0]: one for one in faults()}
    token, keys = told["SLACK_BOT_TOKEN"], told["CREDENTIAL_KEYS"]
    assert token.endswith(". SLACK_BOT_TOKEN is in the file that SLACK_BOT_TOKEN_FILE names.")
    assert keys.endswith(". CREDENTIAL_KEYS is the file credential_keys in CREDENTIALS_DIRECTORY.")
    assert told["SLACK_APP_TOKEN"].endswith("which begins with xapp-.")
    assert "s3cret" not in "".join(told.values())
