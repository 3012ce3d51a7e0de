"""A plugin of pytest that runs the tests of a module in the order of its guards."""

import tomllib
from pathlib import Path

import pytest

GUARDS = tomllib.loads((Path(__file__).parent / "guards.toml").read_text(encoding="utf-8"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sort what mutmut has selected, which it names in no order."""
    order = {test: at for guard in GUARDS.values() for at, test in enumerate(guard["tests"])}
    items.sort(key=lambda item: order.get(item.nodeid.partition("::")[0], len(order)))
