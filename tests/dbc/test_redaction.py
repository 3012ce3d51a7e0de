"""What is taken out of a text, and what is left as it is."""

import base64
import html
import json
import logging
import random
import time
from collections.abc import Callable, Mapping
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.redaction import MASK, Redactor, is_distinctive

PASSWORD = "kT4b[9_QxZ/7m@aP"
OTHERS = ('it\'s-"q"-S3cret', "pä55-wörd-XY", "b+a*c$9Z%41")
_NAMES = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"  # as task ids are made
SPELLINGS: Mapping[str, Callable[[str], str]] = {
    "plain": str,
    "repr": repr,
    "json": json.dumps,
    "json in json": lambda text: json.dumps(json.dumps(text)),
    "unicode escapes": lambda text: "".join(f"\\u{ord(char):04x}" for char in text),
    "url": lambda text: quote(text, safe=""),
    "url twice": lambda text: quote(quote(text, safe=""), safe=""),
    "every byte": lambda text: "".join(f"%{byte:02x}" for byte in text.encode()),
    "html": html.escape,
    "shell": lambda text: "'" + text.replace("'", "'\\''") + "'",
    "base64 with a name": lambda text: base64.b64encode(f"dbc:{text}".encode()).decode(),
    "base64 in a text": lambda text: base64.b64encode(f"a{text}zzz".encode()).decode(),
    "hex": lambda text: text.encode().hex(),
    "colours": "\x1b[1m".join,
    "written colours": r"\e[0m".join,
    "octal colours": r"\033[0m".join,
    "no width": "\u200b".join,
    "two lines": lambda text: f"{text[:5]}\n{text[5:]}",
    "upper case": str.upper,
}


@pytest.mark.parametrize("secret", [PASSWORD, *OTHERS])
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_distinctive_secret_is_found_in_any_spelling(secret: str, spelling: str) -> None:
    spelled = SPELLINGS[spelling](secret)
    redacted = Redactor([secret]).redact(f"login dbc {spelled} ok")
    assert MASK in redacted
    assert redacted.startswith("login dbc ")
    assert redacted.endswith(" ok")
    assert len(redacted) <= len(f"login dbc {MASK} ok") + 10


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_what_is_found_does_not_depend_on_how_much_was_looked_through(spelling: str) -> None:
    redactor = Redactor([PASSWORD])
    assert redactor.redact("x" * 100_000) == "x" * 100_000
    assert MASK in redactor.redact(f"login dbc {SPELLINGS[spelling](PASSWORD)} ok")
    redactor.learn(OTHERS)
    assert MASK in redactor.redact(SPELLINGS[spelling](OTHERS[1]))


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_secrets_learned_one_by_one_are_all_found_in_texts_of_any_length(spelling: str) -> None:
    redactor = Redactor()
    secrets = [f"{PASSWORD[number % 9 :]}{number}" for number in range(60)]
    for secret in secrets:
        redactor.learn([secret])
    for around in ("", "y" * 1_000, "\ud83d" * 1_000):
        for secret in secrets:
            assert MASK in redactor.redact(f"{around} {SPELLINGS[spelling](secret)} {around}")


def test_half_a_character_in_a_secret_does_not_hide_it() -> None:
    secret = "\ud83d4b[9_Q\udc00xZ/7"
    for around in ("", "y" * 1_000):
        assert Redactor([secret]).redact(f"{around}{secret}.") == f"{around}{MASK}."


@pytest.mark.slow
def test_looking_for_thousands_of_secrets_takes_little_longer_than_for_hundreds() -> None:
    chance = random.Random(3)
    secrets = ["".join(chance.choices(_NAMES, k=12)) for _ in range(4_900)]
    texts = ["".join(chance.choices(_NAMES, k=22 * (1 + number % 40))) for number in range(300)]

    def takes(redactor: Redactor) -> float:
        tries = []
        for _ in range(5):
            began = time.process_time()
            assert [redactor.redact(text) for text in texts] == texts
            tries.append(time.process_time() - began)
        return min(tries)

    few, many = Redactor(secrets[:200]), Redactor()
    for secret in secrets:
        many.learn([secret])
    for redactor in (few, many):
        redactor.redact("x" * 1_000_000)
    assert takes(many) < 10 * takes(few)


@pytest.mark.parametrize(
    "word",
    ["123456", "dbc", "ubuntu", "password", "train-01", "gpu1", "ubuntu-22.04", "hunter2", "----",
     "2024-06-11", "Administrator", "aaaaaaaaaaaaaaaaaaaa"],
)  # fmt: skip
def test_an_ordinary_password_stays_in_ordinary_texts(word: str) -> None:
    text = f"{word} is here, {word}.qcow2 too"
    assert Redactor([word]).redact(text) == text


def test_an_ordinary_password_is_masked_as_a_word_of_its_own_text() -> None:
    redact = Redactor().redact
    text = "login ubuntu, pw 'ubuntu', ubuntu.qcow2 my-ubuntu ubuntu."
    assert redact(text, ["ubuntu"]) == "login ******, pw '******', ubuntu.qcow2 my-ubuntu ******."
    assert redact("dbc is dbc", ["dbc"]) == "dbc is dbc"


def test_a_signature_is_masked_without_being_known() -> None:
    assert Redactor().redact(f"sign {'ca89' * 32}.") == "sign ******."
    assert Redactor().redact(f"node {'ca89' * 16}.") == f"node {'ca89' * 16}."


@given(st.text(max_size=200), st.text(max_size=200))
def test_a_secret_never_survives_and_other_text_does(before: str, after: str) -> None:
    redactor = Redactor([PASSWORD])
    assert PASSWORD not in redactor.redact(before + PASSWORD + after)
    assert redactor.redact(before) == before


def test_what_was_seen_last_is_remembered_longest() -> None:
    secrets = [f"s3cret#{number:05}!" for number in range(5_001)]
    redactor = Redactor(secrets)
    redactor.learn([secrets[0]])
    assert redactor.finds(secrets[-1])
    assert all(is_distinctive(secret) for secret in secrets)
    assert not redactor.finds(secrets[1])


def test_values_of_any_shape_are_redacted_and_kept_where_nothing_is_found() -> None:
    redactor = Redactor([PASSWORD])
    value = ("a", {"b": [f"x{PASSWORD}", 1]}, logging.INFO)
    assert redactor.redacted(value) == ("a", {"b": ["x******", 1]}, logging.INFO)
    same = ("a", ("b", 2))
    assert redactor.redacted(same) is same
