"""Lines of a usage that were pasted as they stand."""

import pytest

from bot.commands.rows import command_table
from bot.errors import Refused
from bot.language.parse import Parse, Parsed
from bot.language.parse import parse as parse_line
from bot.language.table import Command

TABLE = command_table()


def parse(line: str) -> Parse:
    """A line as Slack sends it."""
    return parse_line(TABLE, line.replace("<", "&lt;").replace(">", "&gt;"))


@pytest.mark.parametrize(
    "line",
    [
        "vm list [<node>]",
        "/dbc vm list [<node>]",
        "metal list [<manager>]",
        "session check [<node>]",
    ],
)
def test_an_optional_placeholder_says_nothing(line: str) -> None:
    parsed = parse(line)
    assert isinstance(parsed, Parsed)
    assert parsed.values == {}
    unescaped = parse_line(TABLE, line)
    assert isinstance(unescaped, Parsed)
    assert unescaped.values == {}


@pytest.mark.parametrize("command", list(TABLE), ids=lambda command: command.id)
def test_of_every_usage_what_has_to_be_filled_in_is_asked_for(command: Command) -> None:
    usage = command.usage
    required = [word for word in usage.split() if word.startswith("<") and word.endswith(">")]
    if not required:
        return
    with pytest.raises(Refused, match=r"in place of|after"):
        parse(usage)


def test_a_filled_in_line_keeps_what_was_filled_in() -> None:
    parsed = parse("vm logs train-01 [tail|head] [<lines>]")
    assert isinstance(parsed, Parsed)
    assert parsed.values == {"vm": "train-01"}
    parsed = parse("image download ubuntu.qcow2 [from=…] [directory=…] [replace] [on <node>]")
    assert isinstance(parsed, Parsed)
    assert parsed.values == {"image": "ubuntu.qcow2"}


def test_what_has_to_be_filled_in_is_named() -> None:
    with pytest.raises(Refused, match="Put a value in place of “<machine>”"):
        parse("vm restart <machine> [force]")


def test_in_quotes_a_placeholder_is_a_name() -> None:
    parsed = parse('vm show "<machine>"')
    assert isinstance(parsed, Parsed)
    assert parsed.values == {"vm": "<machine>"}
