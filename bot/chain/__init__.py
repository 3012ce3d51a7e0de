"""Reads DeepBrain Chain over JSON-RPC: heads, rentals, machines, prices.

Knows neither Slack nor SQL. It holds no key and sends no transaction: every request is a read.
"""
