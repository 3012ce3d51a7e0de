"""What addresses hold beyond their hosts is in no line of the log and of the doctor."""

import json
from pathlib import Path

import pytest

from bot import log
from bot.addresses import keys_in, places_of
from bot.config import Settings, secrets_in_env_file
from tests import forked, janitor
from tests.cli.test_run import ENOUGH

KEY = "Zk29sKJx0aPqYt7H"
ADDRESSES = {
    "CHAIN_RPC_URLS": f"https://127.0.0.1:9/v3/{KEY}, https://127.0.0.1:9/?key=0p3n-Sesame",
    "DBC_CLIENT_URLS": "http://boss:hunter2two@127.0.0.1:9/tok3n-of-it, http://127.0.0.1:9/other",
    "SLACK_API_URL": "http://me:pr0xy-word@127.0.0.1:9/api/",
    "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9/otlp/k3y-of-otel",
    "AUDIT_STREAM": "syslog+tcp://sys:l0g-word@127.0.0.1:9",
    "DATABASE_URL": "postgresql+asyncpg://bot:p%2Fss-w0rd@127.0.0.1:9/bot",
    "HTTPS_PROXY": "http://u5er:pr0xied!@127.0.0.1:9",
}  # fmt: skip
SECRETS = [
    KEY, "0p3n-Sesame", "hunter2two", "boss:hunter2two", "tok3n-of-it", "pr0xy-word", "k3y-of-otel",
    "l0g-word", "p%2Fss-w0rd", "p/ss-w0rd", "pr0xied!",
]  # fmt: skip


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch) -> Settings:
    for name, value in {**ENOUGH, **ADDRESSES, "CREDENTIAL_KEYS": f"{'A' * 43}="}.items():
        monkeypatch.setenv(name, value)
    return Settings()


def test_each_of_them_is_masked_wherever_it_may_be_logged(settings: Settings) -> None:
    masked = log.masking(settings.secrets)
    for secret in SECRETS:
        assert secret not in masked(f"tried {secret} twice")
    for url in ", ".join(ADDRESSES.values()).split(", "):
        shown = masked(f"tried {url}")
        assert "127.0.0.1:9" in shown
        assert [one for one in SECRETS if one in shown] == []


def test_the_settings_themselves_show_none_of_them(settings: Settings) -> None:
    for told in (str(settings.described), repr(settings)):
        assert [one for one in SECRETS if one in told] == []
    assert settings.described["daemons"] == "127.0.0.1:9 (number 1), 127.0.0.1:9 (number 2)"


def test_the_doctor_tells_of_each_address_by_its_host(tmp_path: Path) -> None:
    env = {**janitor.inherited(), **ENOUGH, **ADDRESSES, "CREDENTIAL_KEYS": f"{'A' * 43}="}
    done = forked.run(["doctor"], env, tmp_path)
    told = done.stdout + done.stderr
    assert "chain 127.0.0.1:9" in told
    assert "DBC 127.0.0.1:9 (number 2)" in told
    assert [one for one in SECRETS if one in told] == []


ORDINARY = {
    "DBC_CLIENT_URLS": "http://dbc-bot@127.0.0.1:9/status",
    "CHAIN_RPC_URLS": "https://me:warning@127.0.0.1:9/?network=production",
}


def test_ordinary_words_of_addresses_stay_in_what_the_doctor_tells(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("HEALT_PORT=1\n")
    env = {**janitor.inherited(), **ENOUGH, **ORDINARY}
    found = json.loads(forked.run(["doctor", "--json"], env, tmp_path).stdout)
    levels = {one["level"] for one in found}
    assert {"warning", "fault"} <= levels <= {"ok", "warning", "fault"}
    assert "data/dbc-bot.db" in str(found)


def test_ordinary_words_of_addresses_stay_in_the_log(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {**ENOUGH, **ORDINARY}.items():
        monkeypatch.setenv(name, value)
    line = "the status of data/dbc-bot.db in production"
    assert log.masking(Settings().address_secrets)(line) == line


@pytest.mark.parametrize(
    ("name", "urls", "is_secret"),
    [
        ("CHAIN_RPC_URLS", "https://a/v3/Zk29sKJx0aPq", True),
        ("CHAIN_RPC_URLS", "https://a", False),
        ("DBC_CLIENT_URLS", "http://a:5050/api/v1, http://boss:hunter2two@b/api/v1", True),
        ("DBC_CLIENT_URLS", "http://a:5050/api/v1", False),
        ("SLACK_API_URL", "https://slack.com/api/", False),
    ],
)
def test_an_address_in_env_file_counts_as_secret_where_it_holds_a_key(
    name: str, urls: str, is_secret: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path(".env").write_text(f"{name}={urls}\n")
    assert secrets_in_env_file() == [name] * is_secret


@pytest.mark.parametrize("name", ["CHAIN_RPC_URLS", "DBC_CLIENT_URLS"])
def test_addresses_in_a_file_stand_on_a_line_each(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("urls").write_text("https://me:hunter2two@a\nhttps://b,\nhttps://c\n")
    for setting, value in {**ENOUGH, f"{name}_FILE": "urls"}.items():
        monkeypatch.setenv(setting, value)
    found = getattr(Settings(), name.lower())
    assert found == ("https://me:hunter2two@a", "https://b", "https://c")


@pytest.mark.parametrize("url", ["http://me:secretly@a", "http://a/?api_key=secretly"])
def test_what_is_meant_as_a_secret_is_one_also_as_an_ordinary_word(url: str) -> None:
    assert "secretly" in keys_in(url)


def test_what_is_an_ordinary_word_of_a_path_is_no_secret() -> None:
    assert keys_in("https://rpc.example.org") == ()
    assert keys_in("https://rpc.example.org/rpc/v3") == ("rpc/v3",)
    assert keys_in("http://dbc-bot@daemon:5050/status") == ()
    assert "production" not in keys_in("http://daemon:5050?network=production")
    assert places_of(["https://a/x", "http://me:word@b:1/y?k=1"]) == ["a", "b:1"]
