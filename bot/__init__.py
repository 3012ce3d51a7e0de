"""The core of the bot: DBC's semantics, the command language, watches.

Knows neither Slack nor SQL.
"""
