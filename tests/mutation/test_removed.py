"""The list of safety rules that are taken out one at a time fits the code as it is."""

import re

from tests.mutation.__main__ import ROOT
from tests.mutation.removed import GUARDS, Guard, guards
from tests.sizes import sizes_of


def test_each_safety_rule_still_stands_where_the_list_says() -> None:
    known = guards()
    assert len(known) > 100, GUARDS
    stale = [
        guard.rule
        for guard in known
        if (ROOT / guard.file).read_text("utf-8").count(guard.kept_by) != 1
    ]
    assert stale == []


def test_whoever_notices_a_missing_rule_is_there() -> None:
    gone = []
    for guard in guards():
        for named in guard.tests:
            file, _, test = named.partition("::")
            path = ROOT / file
            there = path.exists() and (
                not test or re.search(rf"def {test.partition('[')[0]}\(", path.read_text("utf-8"))
            )
            if not there:
                gone.append(named)
    assert gone == []


def test_whoever_runs_the_quick_tests_notices_each_missing_rule() -> None:
    assert [guard.rule for guard in guards() if not _is_noticed_soon(guard)] == []


def _is_noticed_soon(guard: Guard) -> bool:
    for named in guard.tests:
        file, _, test = named.partition("::")
        known = sizes_of(ROOT / file)
        meant = {test.partition("[")[0]} if test else known.all
        if meant - known.slow:
            return True
    return False
