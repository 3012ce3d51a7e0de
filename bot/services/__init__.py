"""What is known and kept: sessions, nodes and machines, renters, aliases, retention, the tick."""
