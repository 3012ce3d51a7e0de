"""What outlasts its answer, followed to its end."""
