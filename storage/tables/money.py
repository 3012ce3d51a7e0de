"""What rentals cost and who used them. All moments are blocks, all amounts whole numbers."""

from sqlalchemy import BigInteger, Boolean, Column, Index, Table, Text

from storage.tables.columns import metadata

# What was paid for one stretch of a rental: for the first one when it was rented, for each other
# one when it was renewed. Planck are text, since they have more digits than an integer has.
order_payments = Table(
    "order_payments",
    metadata,
    Column("order_id", Text, primary_key=True),
    Column("begins", BigInteger, primary_key=True),
    Column("ends", BigInteger, nullable=False),
    Column("gpus", BigInteger, nullable=False),
    Column("planck", Text, nullable=False),
    Column("micro", BigInteger, nullable=False),  # 10^-6 USD
    Column("is_usd_exact", Boolean, nullable=False),
    Column("avg_price", BigInteger, nullable=False),  # 10^-6 USD for a DBC
    Column("fee", Text, nullable=False),
    Column("block", BigInteger, nullable=False),
    Column("basis", Text, nullable=False),
)

# From when to when a machine held how many GPUs of a rental, as seen. A row without a task says
# from when to when somebody looked: what is in no such row, nobody knows.
machine_uses = Table(
    "machine_uses",
    metadata,
    Column("order_id", Text, primary_key=True),
    Column("task", Text, primary_key=True),
    Column("begins", BigInteger, primary_key=True),
    Column("ends", BigInteger, nullable=False),
    Column("gpus", BigInteger, nullable=False),
    Column("label", Text, nullable=False),
    Column("maker", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Index(None, "ends"),
)

# When blocks were made, by the chain's own time in milliseconds: what months consist of.
block_times = Table(
    "block_times",
    metadata,
    Column("block", BigInteger, primary_key=True, autoincrement=False),
    Column("made_ms", BigInteger, nullable=False),
    Index(None, "made_ms"),
)
