"""Rentals: watched on the chain, so that nobody loses a machine to a date they did not know of."""
