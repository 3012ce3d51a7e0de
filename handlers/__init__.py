"""The Slack edge: the only room that knows Slack.

Turns deliveries into `Invocation`s, presses and submissions for the core, and `Reply`s into
messages. Knows nothing of commands, SQL or DBC.
"""
