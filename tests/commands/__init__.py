"""The command language by itself: parsing, the table, what derives from it."""
