"""Names that are no setting of the bot: told in its own file, and near misses elsewhere."""

import logging
from pathlib import Path

import pytest
from click.testing import CliRunner

from bot.__main__ import main
from bot.config import Settings
from bot.setting_names import strangers

KEY = "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3I"
GIVEN = {"SLACK_BOT_TOKEN": "xoxb-1", "HOME": "/root", "PATH": "/bin"}


def told(**environment: str) -> list[str]:
    return [str(one.told) for one in strangers(environment)]


@pytest.fixture(autouse=True)
def somewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_in_the_bots_own_file_every_name_has_to_be_one_of_its_own(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(
        "SLACK_BOT_TOKEN=xoxb-1\nslack_app_token=xapp-1\nKEEPDAYS=3\nDBC_URLS =http://x\n"
        "POLICY_PATH=x\nFROBNICATE=1\nHTTPS_PROXY=http://proxy\nCOMPOSE_PROJECT_NAME=x\n"
        f"CREDENTIAL_KEYS_FILE=keys\n{KEY}=\n8f742231b10e8888abcd99\nSLACK_BOT_TOKEN_OLD=xoxb-0\n"
        "OF_THE_UNIT=1\n"
    )
    assert told(OF_THE_UNIT="1") == [
        "KEEPDAYS in .env is no setting of the bot. Did you mean KEEP_DAYS?",
        "DBC_URLS in .env is no setting of the bot. Did you mean DBC_CLIENT_URLS?",
        "POLICY_PATH in .env is no setting of the bot, and has no effect.",
        "FROBNICATE in .env is no setting of the bot, and has no effect.",
        "HTTPS_PROXY in .env has no effect: it is read from the environment alone.",
        "SLACK_BOT_TOKEN_OLD in .env is no setting of the bot, and has no effect.",
    ]


def test_a_line_that_cannot_be_read_is_told_by_its_number_and_nothing_of_it(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text('SLACK_BOT_TOKEN=xoxb-1\nSLACK_APP_TOKEN="xapp-1\n')
    assert told() == [
        "Line 2 of .env cannot be read and has no effect. Is a quotation mark in it not closed?"
    ]
    done = CliRunner().invoke(main, ["doctor", "--json"])
    assert "Line 2 of .env cannot be read" in done.stdout
    assert "dotenv" not in done.output
    assert logging.getLogger("dotenv.main").getEffectiveLevel() > logging.WARNING


def test_a_secret_that_stands_twice_in_the_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(
        "SLACK_BOT_TOKEN=xoxb-new\nSLACK_APP_TOKEN=xapp-1\nslack_bot_token='xoxb-old'\n"
        "SLACK_APP_TOKEN='xapp-1'\n"
    )
    done = CliRunner().invoke(main, ["run"], env={"SLACK_BOT_TOKEN": None})
    assert done.exit_code == 2
    assert "SLACK_BOT_TOKEN: it stands in .env more than once: leave all but one" in done.output
    assert "SLACK_APP_TOKEN" not in done.output
    assert "xoxb" not in done.output


def test_of_values_that_are_no_secret_or_do_not_count_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(
        "DBC_CLIENT_URLS=http://10.0.0.1:5050\nDBC_CLIENT_URLS=http://10.0.0.2:5050\n"
        "CREDENTIAL_KEYS=one\nCREDENTIAL_KEYS=two\nCHAIN_RPC_URLS=https://node.example/api?key=8f742231b10e8888\n"
        "CHAIN_RPC_URLS=https://node.example/api?key=9f742231b10e8889\n"
    )
    assert told(CREDENTIAL_KEYS=KEY) == [
        "DBC_CLIENT_URLS is set several times, with different values. What counts is the last one "
        "in .env.",
        "CREDENTIAL_KEYS is set several times, with different values. What counts is the "
        "environment, not .env.",
    ]
    done = CliRunner().invoke(main, ["doctor"], env={"CREDENTIAL_KEYS": KEY})
    refused = [line for line in done.output.splitlines() if "more than once" in line]
    assert len(refused) == 1, done.output
    assert "CHAIN_RPC_URLS: it stands in .env more than once" in refused[0]


def test_a_value_that_hides_another_is_told(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(
        "KEEP_DAYS=3\nKEEP_DAYS=4\nLOG_LEVEL=info\nSLACK_BOT_TOKEN=xoxb-1\n"
        "SLACK_APP_TOKEN='xapp-1'\nCREDENTIAL_KEYS=$KEYS\nDATABASE_URL=sqlite:///x.db\n"
    )
    given = {"SLACK_BOT_TOKEN": "xoxb-2", "SLACK_APP_TOKEN": "xapp-1", "LOG_LEVEL": "debug"}
    given |= {"CREDENTIAL_KEYS": KEY, "DATABASE_URL": "sqlite:///y.db"}
    assert told(**given) == [
        "KEEP_DAYS is set several times, with different values. What counts is the last one in "
        ".env.",
        "SLACK_BOT_TOKEN is set several times, with different values. What counts is the "
        "environment, not .env.",
    ]


def test_a_name_one_letter_off_a_setting_that_is_there_is_that_one(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("HEALTH_PORT=1\nHEALT_PORT=2\n")
    assert told() == ["HEALT_PORT in .env is no setting of the bot. Did you mean HEALTH_PORT?"]


def test_the_variables_of_others_are_their_own(tmp_path: Path) -> None:
    others = {
        "HTTP_PROXY": "x", "LANG": "C", "LOGNAME": "me", "DATABASE": "x", "POSTGRES_USER": "x",
        "SLACK_WEBHOOK": "x", "DBC_BOT_PORT": "tcp://10.0.0.1:80", "HEALTH_SERVICE_HOST": "x",
        "OTEL_SERVICE_NAME": "x", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "x",
        # What is set under its own name is not what was misspelt.
        "SLACK_TOKEN": "another", "SLACK_BOT_TOKEN_FILE": "x",
        "SLACK_APP_TOKEN": "x", "SLACK_SIGNING_SECRET": "x",
    }  # fmt: skip
    assert told(**others) == []


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("SALCK_BOT_TOKEN", "SLACK_BOT_TOKEN"),
        ("SLACK_TOKEN", "SLACK_BOT_TOKEN"),
        ("DBC_CLIENT_URL", "DBC_CLIENT_URLS"),
        ("LOGLEVEL", "LOG_LEVEL"),
        ("HEALTH_PROT", "HEALTH_PORT"),
        ("LOG_LEVLE", "LOG_LEVEL"),
        ("SLACK_BOTTOKEN_FILE", "SLACK_BOT_TOKEN_FILE"),
        ("AUDIT_STREAM_FILE", "AUDIT_STREAM"),
    ],
)
def test_near_misses_of_a_setting_that_is_missing_are_told(name: str, meant: str) -> None:
    said = f"{name} in the environment is no setting of the bot. Did you mean {meant}?"
    assert told(**{name: "x"}) == [said]


def test_files_of_credentials_are_looked_at_as_well(tmp_path: Path) -> None:
    for name in ("slack_bot_tokn", "slack_app_token", "tls.key"):
        (tmp_path / name).touch()
    assert told(CREDENTIALS_DIRECTORY=str(tmp_path)) == [
        "slack_bot_tokn in CREDENTIALS_DIRECTORY is no setting of the bot. Did you mean "
        "SLACK_BOT_TOKEN?"
    ]


def test_a_language_that_is_not_spoken_is_told_where_it_is_the_bots_own(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("LANGUAGE=fr\n")
    assert told() == [
        "LANGUAGE=fr in .env counts as English: the bot speaks English (en) and Chinese (zh)."
    ]
    assert told(LANGUAGE="zh_CN") == []  # which counts in its place
    for spoken in ("zh", "en_GB.UTF-8:en", "de:zh", "C", "no language at all", ""):
        (tmp_path / ".env").write_text(f"LANGUAGE={spoken}\n")
        assert told(LANGUAGE="") == []
    (tmp_path / ".env").unlink()
    for system in ("fr_FR:fr", "fr_FR.UTF-8", "de:fr"):
        assert told(LANGUAGE=system) == []
    for given in ("fr", "cn"):
        assert told(LANGUAGE=given) == [
            f"LANGUAGE={given} in the environment counts as English: the bot speaks English (en) "
            "and Chinese (zh)."
        ]
    assert told(LANGUAGE="ZH") == told(LANGUAGE="EN") == []


@pytest.mark.parametrize(("given", "language"), [("ZH", "zh"), ("Zh-cn", "zh"), ("EN", "en")])
def test_a_language_may_be_in_capitals(
    given: str, language: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANGUAGE", given)
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-1")
    monkeypatch.setenv("SLACK_APP_TOKEN", "xapp-1")
    assert Settings().language == language
