"""Numbers with their nouns."""


def counted(number: int, noun: str, several: str = "") -> str:
    """`1 machine`, `2 machines`; `several` is the noun's plural where it takes more than an s."""
    return f"{number} {noun if number == 1 else several or noun + 's'}"
