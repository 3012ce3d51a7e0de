"""The command language: one table of rows from which everything else derives."""
