"""How columns of JSON are read."""

import json
from typing import Any


def lenient(text: str) -> Any:
    """What a JSON column holds; None where it cannot be read, for the sake of the other rows."""
    try:
        return json.loads(text)
    except ValueError:
        return None
