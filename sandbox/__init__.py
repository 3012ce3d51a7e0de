"""A DBC daemon with nodes and a strict Slack workspace, both in memory: demo and test double.

Shares no code with the bot.
"""
