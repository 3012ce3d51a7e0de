"""Rows of records, and back: what the repositories say of a kind is checked as it is imported."""

import pytest

from bot.model import Vote
from storage.repositories.mapper import Mapper, place
from storage.tables import votes


def test_a_field_that_the_record_does_not_have_is_refused() -> None:
    with pytest.raises(TypeError, match="Vote has no where"):
        Mapper(Vote, votes, where=place)
