"""A message as Slack's Web API takes it."""

from dataclasses import dataclass

from handlers.payloads import Json


@dataclass(frozen=True, slots=True)
class Rendered:
    """A message as the Web API takes it. `text` says all of it to notifications, screen readers."""

    text: str
    blocks: list[Json]

    @property
    def has_table(self) -> bool:
        """Whether a block of it is one that a workspace may refuse."""
        return any(block["type"] == "table" for block in self.blocks)
