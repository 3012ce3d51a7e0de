"""What this is, and which version of it."""

from typing import Final

NAME: Final = "dbc-bot"
VERSION: Final = "0.1.0"
