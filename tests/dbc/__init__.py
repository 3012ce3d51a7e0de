"""Tests of the DBC client."""
