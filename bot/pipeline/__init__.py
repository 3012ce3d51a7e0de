"""The way of a command, from the line to its end."""
