"""What can be switched in the sandbox is documented, all of it."""

import re
from pathlib import Path
from typing import get_args

import pytest

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
