"""What lasts longer than one command: sessions, inventory, reviews, watches, messages, the tick."""
