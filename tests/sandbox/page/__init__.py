"""The browser page of the sandbox workspace, in a real browser."""
