"""Words in a column of text: their English, and behind it what makes them up, for any language."""

from pydantic import TypeAdapter

from bot.reply.text import SEPARATOR, Line, Phrase, Text, Words, as_phrase, line, plain

_lines: TypeAdapter[Line] = TypeAdapter(Line)


def keep(words: Words) -> str:
    """The words as a text that `kept` reads; whoever reads the column itself finds the English."""
    if isinstance(words, str):
        return words.replace(SEPARATOR, "")
    if not words:
        return ""
    return f"{plain(words)}{SEPARATOR}{_lines.dump_json(line(words)).decode()}"


def kept(text: str) -> Words:
    """What `keep` wrote; a text of a former version as it stands."""
    english, separator, parts = text.partition(SEPARATOR)
    if not separator:
        return text
    try:
        found = _lines.validate_json(parts)
    except ValueError:  # damaged, or of a newer version
        return english
    return found[0] if len(found) == 1 and isinstance(found[0], Phrase) else found


def kept_text(text: str) -> Text:
    """The same of what has no style."""
    found = kept(text)
    return as_phrase(found) if isinstance(found, tuple) else found
