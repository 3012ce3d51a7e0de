"""What is shipped to deploy the bot with: sound by itself, and of one mind with the settings."""

import configparser
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from bot.__main__ import REFUSED_BY_SLACK
from bot.cli.settings import WRONG_SETTINGS
from bot.config import SECRETS, Settings
from bot.ports import LARGEST_FILE
from bot.setting_sources import holds_secret

ROOT = Path(__file__).parents[1]
CHART = ROOT / "deploy" / "helm" / "dbc-bot"
COMPOSE = ("compose.yaml", "compose.postgres.yaml")
UNIT = ROOT / "deploy" / "systemd" / "dbc-bot.service"
KNOWN = {name.upper() for name in Settings.model_fields} | {
    f"{name.upper()}_FILE" for name in SECRETS
}
IMAGE = (ROOT / "Dockerfile").read_text(encoding="utf-8")


def read(path: Path) -> Any:
    return YAML(typ="safe").load(path)


def checked(*arguments: str) -> None:
    command = [sys.executable, "-m", "check_jsonschema", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def bots() -> Iterator[dict[str, Any]]:
    for name in COMPOSE:
        yield read(ROOT / name)["services"]["bot"]


def test_the_images_check_is_a_command_of_the_bot() -> None:
    (check,) = re.findall(r"^HEALTHCHECK.*\\\n +CMD (\[.+\])$", IMAGE, re.MULTILINE)
    assert json.loads(check) == ["python", "-m", "bot.cli.health"]


@pytest.mark.parametrize("name", COMPOSE)
def test_compose_files_are_as_the_specification_says(name: str) -> None:
    checked("--builtin-schema", "vendor.compose-spec", name)


def test_the_charts_values_fit_their_schema() -> None:
    checked("--schemafile", str(CHART / "values.schema.json"), str(CHART / "values.yaml"))
    schema = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))
    assert set(schema["properties"]) - {"global"} == set(read(CHART / "values.yaml"))


def test_several_replicas_on_one_sqlite_file_do_not_fit_the_charts_schema(tmp_path: Path) -> None:
    values = read(CHART / "values.yaml") | {"replicas": 3}
    (tmp_path / "values.json").write_text(json.dumps(values))
    with pytest.raises(AssertionError, match="replicas"):
        checked("--schemafile", str(CHART / "values.schema.json"), str(tmp_path / "values.json"))


def test_whatever_is_set_is_a_setting_of_the_bot() -> None:
    python = {"PATH", "PYTHONPATH", "PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE"}
    python |= {"HOME"}
    image = set(re.findall(r"\b([A-Z][A-Z_]+)=", IMAGE.partition("\nENV ")[2].partition("\n\n")[0]))
    compose = {name for bot in bots() for name in bot["environment"]}
    chart = set(re.findall(r"name: ([A-Z_]+)\b", (CHART / "templates/deployment.yaml").read_text()))
    unit = set(re.findall(r"(?:Environment=| )([A-Z_]+)=", UNIT.read_text(encoding="utf-8")))
    for names in (image, compose, chart, unit):
        assert names
        assert names - python <= KNOWN


def test_no_secret_is_in_the_environment_of_what_is_shipped() -> None:
    for bot in bots():
        given = {name.lower(): value for name, value in bot["environment"].items()}
        plain = {name: value.rpartition(":-")[2].strip("}") for name, value in given.items()}
        assert not {name for name in set(plain) & set(SECRETS) if holds_secret(name, plain[name])}
    assert not re.search(r"Environment=.*(TOKEN|SECRET|KEYS)", UNIT.read_text(encoding="utf-8"))


def test_the_units_credentials_are_secrets_that_the_bot_looks_for() -> None:
    loaded = re.findall(r"^LoadCredential=(\w+):", UNIT.read_text(encoding="utf-8"), re.MULTILINE)
    assert set(loaded) == {"slack_bot_token", "slack_app_token"}
    assert set(loaded) <= set(SECRETS)


def test_the_documented_doctor_gets_what_the_unit_sets() -> None:
    page = (ROOT / "docs/deployment.md").read_text(encoding="utf-8")
    (command,) = re.findall(r"systemd-run (?:[^\n]*\\\n)+[^\n]*-m bot doctor\n", page)
    unit = UNIT.read_text(encoding="utf-8")
    for given in re.findall(r"LoadCredential=\S+|(?:DATABASE_URL|HEALTH_PORT)=\S+", unit):
        assert given in command


def test_everything_runs_as_nobody_in_particular_on_what_it_cannot_change() -> None:
    assert re.search(r"^USER 10001:10001$", IMAGE, re.MULTILINE)
    for bot in bots():
        assert (bot["user"], bot["read_only"], bot["cap_drop"]) == ("10001:10001", True, ["ALL"])
    unit = configparser.RawConfigParser(strict=False)
    unit.read(UNIT, encoding="utf-8")
    service = unit["Service"]
    assert (service["dynamicuser"], service["protectsystem"]) == ("yes", "strict")
    never = {str(WRONG_SETTINGS), str(REFUSED_BY_SLACK)}
    assert {*service["restartpreventexitstatus"].split()} == never
    assert (service["restart"], unit["Unit"]["startlimitintervalsec"]) == ("always", "0")


def test_there_is_room_for_the_largest_export_and_not_in_memory() -> None:
    for bot in bots():
        assert "tmpfs" not in bot
        assert [one for one in bot["volumes"] if one.rpartition(":")[2] == "/tmp"]
    assert "--tmpfs" not in (ROOT / "docs" / "deployment.md").read_text(encoding="utf-8")
    template = (CHART / "templates" / "deployment.yaml").read_text(encoding="utf-8")
    (room,) = re.findall(r"- name: tmp\n(?: +#.*\n)* +emptyDir: \{ sizeLimit: (\d+)Gi \}", template)
    assert int(room) * 1024**3 > LARGEST_FILE


def test_there_is_time_to_stop() -> None:
    for bot in bots():
        assert bot["stop_grace_period"] == "30s"
    assert "TimeoutStopSec=30" in UNIT.read_text(encoding="utf-8")
    deployment = (CHART / "templates/deployment.yaml").read_text(encoding="utf-8")
    assert "terminationGracePeriodSeconds: 30" in deployment


def test_the_image_takes_along_all_that_the_bot_imports() -> None:
    copied = set(re.findall(r"^COPY (\w+) ", IMAGE, re.MULTILINE))
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8")
    assert copied == {"bot", "handlers", "storage"}
    files = ("requirements.txt", "requirements-otel.txt")
    assert all(f"!{name}" in ignored for name in (*copied, *files))
    assert "--require-hashes" in IMAGE
