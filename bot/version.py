"""Which version of the bot this is."""

from typing import Final

VERSION: Final = "0.1.0"
