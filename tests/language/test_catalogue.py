"""What people read goes through the catalogue: a check that finds the words that do not."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import bot.app  # noqa: F401 - so that every class of failure is known
from bot.cli.catalogue import catalogue
from bot.errors import BotError

ROOT = Path(__file__).resolve().parents[2]
# The rooms that speak through the catalogue so far.
CONVERTED = (
    "bot/chain/errors.py", "bot/commands", "bot/dbc", "bot/doctor", "bot/errors.py", "bot/language",
    "bot/messages",
    "bot/pipeline", "bot/orders", "bot/outages", "bot/ports.py",
    "bot/reply", "bot/reviews/reviewers.py", "bot/watches",
    "bot/reviews/stricter.py", "bot/reviews/policy.py", "bot/reviews/audit.py",
    "bot/services", "handlers", "storage/heartbeat.py", "storage/intake.py", "storage/repositories",
    "storage/transaction.py", "storage/ways.py",
)  # fmt: skip
SAYS = frozenset({"say", "say_number"})
# What stands in these is no sentence of ours: a command, an id, a name, a program's own text.
NO_WORDS = frozenset(
    {"command", "code", "emoji", "mention", "channel", "time", "link", "CodeBlock"}
)
WORDS = frozenset(
    {"line", "joined", "listed", "all_of", "any_of", "of", "empty", "Reply", "Para", "Note"}
    | {"Heading", "Fields", "Button", "FactKind", "Choice", "FormField", "bold", "italic"}
)
# `why` is for the log.
NO_SENTENCES = frozenset(
    {"data", "dbc_text", "field", "example", "names", "choices", "word", "why"}
)
ALWAYS = frozenset({"hint", "asks", "loses", "called", "does", "button"})  # keywords of any call
LABELS = frozenset({"Arg", "Button", "Column", "Choice", "FormField", "Heading"})  # one word is one


def _failures(kind: type[BotError] = BotError) -> Iterator[str]:
    yield kind.__name__
    for one in kind.__subclasses__():
        yield from _failures(one)


FAILURES = frozenset(_failures())


def _name(call: ast.Call) -> str:
    return str(getattr(call.func, "id", getattr(call.func, "attr", "")))


def _spoken(call: ast.Call) -> Iterator[ast.expr]:
    """Those of a call's arguments that people read."""
    name = _name(call)
    if name == "Arg":
        yield from (call.args[0], *call.args[2:3])
    elif name in WORDS | FAILURES:
        yield from call.args
        yield from (one.value for one in call.keywords if one.arg not in NO_SENTENCES)
    else:
        yield from (one.value for one in call.keywords if one.arg in ALWAYS)


def _literals(node: ast.AST) -> Iterator[ast.Constant]:
    if isinstance(node, ast.Call) and _name(node) in SAYS | NO_WORDS:
        return
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and _is_words(node.value):
        yield node
    for child in ast.iter_child_nodes(node):
        yield from _literals(child)


def _is_words(text: str) -> bool:
    return any(c.isspace() for c in text) and any(c.isalpha() for c in text)


def bypassing(source: str) -> list[tuple[int, str]]:
    """The literals, by line, that people read and no catalogue has."""
    calls = [one for one in ast.walk(ast.parse(source)) if isinstance(one, ast.Call)]
    found = {
        (literal.lineno, str(literal.value))
        for call in calls
        for spoken in _spoken(call)
        for literal in _literals(spoken)
    }
    for call in calls:
        label = call.args[0] if _name(call) in LABELS and call.args else None
        if isinstance(label, ast.Constant) and any(map(str.isalpha, str(label.value))):
            found.add((label.lineno, str(label.value)))
    return sorted(found)


def unreadable(source: str) -> list[int]:
    """The lines where a template is no literal, so that Babel does not find it."""
    calls = [one for one in ast.walk(ast.parse(source)) if isinstance(one, ast.Call)]
    said = [one for one in calls if isinstance(one.func, ast.Name) and one.func.id in SAYS]
    return [
        one.lineno
        for one in said
        for template in one.args[: 1 if _name(one) == "say" else 2]
        if not isinstance(template, ast.Constant)
    ]


def _files(*rooms: str) -> Iterator[Path]:
    for room in rooms:
        path = ROOT / room
        yield from sorted(path.rglob("*.py")) if path.is_dir() else (path,)


FILES = tuple(_files(*CONVERTED))


@pytest.mark.parametrize("file", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_all_that_people_read_is_in_the_catalogue(file: Path) -> None:
    assert bypassing(file.read_text(encoding="utf-8")) == []


def test_every_template_is_a_literal() -> None:
    files = [one for one in _files("bot", "handlers") if one.name != "text.py"]
    found = {file.name: unreadable(file.read_text(encoding="utf-8")) for file in files}
    assert {name: lines for name, lines in found.items() if lines} == {}


def test_the_check_finds_what_bypasses_the_catalogue() -> None:
    for source in (
        'Refused("No such thing.")',
        'Refused(f"No {what}.", field="a b")',
        'call(hint="Try again.")',
        'Note(line("It ", bold(x)))',
        'Reply.of(say("{a}", a=1), " is done")',
        'Arg("A label", "word")',
        'Missing(x, hint=line("See: ", command("vm list")))',
    ):
        assert len(bypassing(source)) == 1, source
    for source in (
        'Refused(say("No such thing."))', 'Arg(say("Name"), "word", say("A hint"), "an example")',
        'ChainUnreachable(why="it is too slow")',
        'line(command("vm list"), " · ", code("a b"))', 'Reply(x, data={"a": "b c"})',
    ):  # fmt: skip
        assert bypassing(source) == []
    assert unreadable('say(f"It is {what}.")') == unreadable("say(TEMPLATE, a=1)") == [1]


@pytest.mark.slow
def test_babel_finds_the_templates() -> None:
    pytest.importorskip("babel")
    found = catalogue(ROOT)
    assert found is not None
    assert 'msgid "Your default node is now {node}."' in found
    assert 'msgid "{number} node"\nmsgid_plural "{number} nodes"' in found
    assert found == catalogue(ROOT)
