"""The rules: what needs whose approval, and what came of it."""
