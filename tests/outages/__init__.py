"""What nobody requested, in parts that no scenario reaches by itself."""
