"""How the command line takes paths."""

from pathlib import Path
from typing import Any

import click


class FilePath(click.Path):
    """A path as pathlib has it; an empty text, which pathlib takes for this directory, is none."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given, path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The path that is meant."""
        if value == "":
            self.fail("an empty text names no file.", param, ctx)
        return super().convert(value, param, ctx)
