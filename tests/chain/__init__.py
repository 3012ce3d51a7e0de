"""The chain as the bot reads it."""
