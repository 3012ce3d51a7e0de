"""Cards keep of an order its block too, and warn of its end apart: former versions fail at both."""

revision = "rentals_on_cards"
down_revision = "approvals_joined"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing but the mark, at which an older version stands down (decision 0025)."""


def downgrade() -> None:
    """Nothing to undo."""
