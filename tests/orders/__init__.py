"""Rentals that are watched."""
