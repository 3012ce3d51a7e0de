"""Every sentence of the catalogue stands in a golden file in both languages, or in a list with the
reason why it does not: a new message cannot be left out unseen.
"""

import tomllib

import pytest

from tests.scenarios import golden

UNSHOWN = golden.ROOT / "tests/scenarios/unshown.toml"


def _listed() -> dict[str, list[str]]:
    """The sentences that are shown nowhere, by the reason."""
    return dict(tomllib.loads(UNSHOWN.read_text(encoding="utf-8")))


def test_a_sentence_is_shown_or_the_list_says_why_not() -> None:
    listed = {one for some in _listed().values() for one in some}
    unseen = sorted({golden.name(one) for one in golden.templates()} - golden.shown() - listed)
    assert unseen == [], (
        "No golden file shows these in both languages. Show them: a line in a walk of "
        "tests/scenarios/test_surfaces*.py, then `make snapshots`."
    )


def test_the_list_shrinks() -> None:
    every = [one for some in _listed().values() for one in some]
    assert sorted(set(every) & golden.shown()) == [], f"These are shown: strike them in {UNSHOWN}."
    known = {golden.name(one) for one in golden.templates()}
    assert sorted(set(every) - known) == [], f"Nothing says these: strike them in {UNSHOWN}."
    assert len(every) == len(set(every))


@pytest.mark.parametrize(
    ("text", "template", "stands"),
    [
        ("  section: gpu1 is off now.", "{node} is off.", False),
        ("  section: gpu1 is off.", "{node} is off.", True),
        ("  section: *gpu1* is `off`. Wait.", "{node} is {state}. Wait.", True),
        ("  actions: Restart", "Start", False),
        ("  actions: Start", "Start", True),
        ("gpu1 is\noff.", "{node} is {state}.", False),
    ],
)
def test_what_stands_in_a_text(text: str, template: str, stands: bool) -> None:
    assert golden.stands_in(text.replace("*", "").replace("`", ""), template) is stands
