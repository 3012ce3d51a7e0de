"""Tests of what tells operators how the bot is."""
