"""What can be switched in the sandbox is documented, all of it."""

import re
from pathlib import Path
from typing import get_args

import pytest

from sandbox.chain_control import HEALTH
from sandbox.dbc.faults import FaultName
from sandbox.slack.control import _CONTROLS
from sandbox.slack.faults import FaultKind
from sandbox.slack.socket_faults import SocketFaultKind

DOCS = (Path(__file__).parents[2] / "docs" / "sandbox.md").read_text()


@pytest.mark.parametrize("word", [*FaultName, *get_args(FaultKind), *get_args(SocketFaultKind)])
def test_every_fault_is_documented(word: str) -> None:
    assert f"`{word}`" in DOCS


@pytest.mark.parametrize("lever", sorted(_CONTROLS))
def test_every_lever_is_documented(lever: str) -> None:
    assert re.search(rf"(control|…)/{lever}\b", DOCS)


@pytest.mark.parametrize("lever", ["state", "rent", "orders/1287/end", "orders/1287/renew"])
def test_every_lever_of_the_chain_is_documented(lever: str) -> None:
    assert f"$S/chain-control/{lever}" in DOCS


@pytest.mark.parametrize("health", HEALTH)
def test_every_illness_of_the_chain_is_documented(health: str) -> None:
    assert f'"{health}"' in DOCS
