"""The Web API: one file per family of methods, each a table of methods with what they need."""
