"""A plugin of pytest that runs the tests of a module in the order of its guards, on SQLite."""

import tomllib
from pathlib import Path

import pytest

GUARDS = tomllib.loads((Path(__file__).parent / "guards.toml").read_text(encoding="utf-8"))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Sort what mutmut has selected, which it names in no order; a PostgreSQL takes too long."""
    slow = [item for item in items if _needs_postgresql(item)]
    config.hook.pytest_deselected(items=slow)
    order = {test: at for guard in GUARDS.values() for at, test in enumerate(guard["tests"])}
    kept = [item for item in items if item not in slow]
    items[:] = sorted(kept, key=lambda item: order.get(item.nodeid.partition("::")[0], len(order)))


def _needs_postgresql(item: pytest.Item) -> bool:
    return "[postgresql" in item.name or "postgres" in getattr(item, "fixturenames", ())
