"""Mirrors the rooms; `scenarios` enters by the front door, `benchmarks` measures."""
