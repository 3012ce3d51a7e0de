"""What holds for all tests."""

from hypothesis import settings

from tests import janitor

janitor.watch()

# How long an example takes depends on the machine and on what else it does.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
