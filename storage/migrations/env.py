"""What Alembic runs for every command: it works on the connection that it was given."""

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext

from storage.tables import UtcDateTime, metadata


def _render(kind: str, item: Any, _context: AutogenContext) -> str | Literal[False]:
    # A revision stays as it was written: it must not follow later changes of our own type.
    if kind == "type" and isinstance(item, UtcDateTime):
        return "sa.DateTime(timezone=True)"
    return False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_item=_render,
    render_as_batch=True,  # SQLite cannot alter a column in place
)
with context.begin_transaction():
    context.run_migrations()
