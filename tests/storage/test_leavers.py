"""Nothing of somebody who has left is forgotten by whoever adds a table."""

from storage.repositories.leavers import _THEIRS
from storage.tables import metadata

_OF_PEOPLE = frozenset({"user", "owner", "asker", "actor", "person"})
# Records that stay, and the inventory, which is what a node has shown.
_SHOWN = frozenset({"machines", "kept_machines", "kept_owners"})
_STAY = _SHOWN | {"audit", "executions", "approvals", "votes", "watches", "freezes"}


def test_whatever_names_a_person_is_theirs_or_is_a_record() -> None:
    erased = {table.name for _, table in _THEIRS}
    named = {t.name for t in metadata.sorted_tables if _OF_PEOPLE & set(t.columns.keys())}
    assert named - erased == named & _STAY
