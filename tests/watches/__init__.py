"""Pure parts of the services."""
