"""The sandbox servers, held to what the real ones do."""
