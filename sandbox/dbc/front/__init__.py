"""The HTTP front of a client daemon: routing, validation, forwarding, its own answers.

Source: docs/dbc-api.md §1.
"""
