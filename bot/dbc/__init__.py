"""The DBC client: the only place of the bot that speaks HTTP as a client.

Start at `client.DbcClient`. Knows neither Slack, nor SQL, nor commands.
"""
