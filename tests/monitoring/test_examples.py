"""The example dashboard and alert rules ask for metrics, labels and values that the bot has."""

import json
import re
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from ruamel.yaml import YAML

from bot.metrics import Metrics

DEPLOY = Path(__file__).parents[2] / "deploy" / "monitoring"
_NAME = re.compile(r"\bdbc_bot_\w+")
_MATCHER = re.compile(r"(dbc_bot_\w+)\{(\w+)")
_BY = re.compile(r"by \(([\w, ]+)\)[^d]*(dbc_bot_\w+)")


def expressions() -> list[str]:
    """Every query in the examples."""
    rules: dict[str, Any] = YAML(typ="safe").load(DEPLOY / "alerts.yaml")
    asked = [rule["expr"] for group in rules["groups"] for rule in group["rules"]]
    board = json.loads((DEPLOY / "dashboard.json").read_text())
    return asked + [target["expr"] for panel in board["panels"] for target in panel["targets"]]


@pytest.fixture
def labels() -> Mapping[str, frozenset[str]]:
    """The labels of each series that a bot has once everything has happened."""
    metrics, second = Metrics("1"), timedelta(seconds=1)
    metrics.delivered("command", "acknowledged", second)
    metrics.commanded("vm.start", "done")
    metrics.called_dbc("/tasks", "ok", second)
    metrics.called_slack("chat.postMessage", "ratelimited", 1)
    metrics.refused("secret")
    metrics.lost_lease("message")
    metrics.transacted(1, "undone")
    metrics.job_failed("outbox")
    metrics.standing.commands_open.labels("waiting").set(1)
    found: dict[str, frozenset[str]] = {}
    for family in text_string_to_metric_families(metrics.text().decode()):
        for sample in family.samples:
            found[sample.name] = frozenset(sample.labels) | {"instance", "job"}
    return found


def test_each_query_asks_for_metrics_that_there_are(
    labels: Mapping[str, frozenset[str]],
) -> None:
    asked = {name for expression in expressions() for name in _NAME.findall(expression)}
    assert asked - set(labels) == set()


def test_each_query_goes_by_labels_that_its_metric_has(
    labels: Mapping[str, frozenset[str]],
) -> None:
    for expression in expressions():
        for name, label in _MATCHER.findall(expression):
            assert label in labels[name], expression
        for listed, name in _BY.findall(expression):
            assert set(listed.split(", ")) <= labels[name], expression


def test_every_metric_of_the_bot_is_on_the_dashboard_or_in_an_alert(
    labels: Mapping[str, frozenset[str]],
) -> None:
    asked = {name for expression in expressions() for name in _NAME.findall(expression)}
    stems = {re.sub(r"_(bucket|count|sum)$", "", name) for name in asked}
    own = {re.sub(r"_(bucket|count|sum)$", "", name) for name in labels if "dbc_bot" in name}
    assert own - stems == {"dbc_bot_build_info"}


def test_each_alert_says_what_is_wrong_and_what_to_do() -> None:
    rules: dict[str, Any] = YAML(typ="safe").load(DEPLOY / "alerts.yaml")
    for rule in rules["groups"][0]["rules"]:
        assert set(rule["annotations"]) == {"summary", "action"}
        assert rule["labels"]["severity"] in {"page", "ticket"}
