"""The sandbox's DBC daemon against recordings of the real one, and on its own."""
