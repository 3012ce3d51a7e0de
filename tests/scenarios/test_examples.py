"""Sentences that need a rare fault to be said, each with exemplary values, in both languages.

After a wanted change: `make snapshots`, and read the difference. Slack and the SDK's own models
take each of them; where and when it is said is what the tests of its room show.
"""

from collections.abc import Iterator, Sequence

import pytest
from babel.messages.catalog import Message
from slack_sdk.web.async_client import AsyncWebClient
from syrupy.assertion import SnapshotAssertion

from bot.reply import Language, Line, Para, Reply, catalogue, line, with_words
from handlers.render import message
from sandbox.slack import Workspace
from tests.scenarios import golden
from tests.scenarios.examples import examples
from tests.scenarios.stage import CHANNEL, MANIFEST
from tests.scenarios.surfaces import KEEP_THEM, TextFile, of_message

LANGUAGES: dict[str, Language] = {"en-US": "en", "zh-CN": "zh"}
# Files, or directories, whose sentences each need a fault of their own; by what fails.
ROOMS = {
    "the machine, the settings or the database of the bot": (
        "bot/causes.py", "bot/config.py", "bot/doctor", "bot/errors.py", "bot/health.py",
        "bot/monitoring", "bot/setting_names.py", "bot/setting_sources.py",
        "bot/services/beginning.py", "bot/services/credential_keys.py", "bot/services/damage.py",
        "bot/services/database.py", "bot/services/ticker.py", "storage",
    ),
    "Slack, or what its workspace lets the bot do": (
        "bot/messages/elsewhere.py", "bot/ports.py", "handlers",
    ),
    "DBC's answer": ("bot/dbc",),
    "the chain, or what comes of a rental there at a bad moment": (
        "bot/chain", "bot/commands/order_notes.py", "bot/commands/order_rescue.py", "bot/orders",
        "bot/pipeline/order_presses.py",
    ),
    "what DBC was told to do, and a look at it shows how": (
        "bot/watches/late_looks.py", "bot/watches/machine_ends.py", "bot/watches/observers",
        "bot/watches/put_back.py", "bot/watches/unseen.py",
    ),
    "nodes, daemons and SSH, one after the other or several at once": ("bot/outages",),
    "what was shown, requested or decided: it is another now, or cannot be read any more": (
        "bot/messages/facts.py", "bot/messages/parts.py", "bot/pipeline/as_meant.py",
        "bot/pipeline/covered.py", "bot/pipeline/failing.py", "bot/pipeline/obsolete.py",
        "bot/pipeline/readable.py", "bot/pipeline/works.py", "bot/reviews",
    ),
    "a renter's proof": ("bot/services/renters.py",),
}  # fmt: skip
PER_MESSAGE = 40  # Slack takes 50 blocks


def _said(rooms: Sequence[str]) -> Iterator[Message]:
    wanted = golden.said_by(*rooms)
    yield from (one for one in golden.templates() if golden.name(one) in wanted)


def _replies(lines: Sequence[Line]) -> Iterator[Reply]:
    for first in range(0, len(lines), PER_MESSAGE):
        some = lines[first : first + PER_MESSAGE]
        yield Reply("examples", tuple(Para(one) for one in some))


@pytest.mark.parametrize("locale", LANGUAGES)
async def test_sentences_that_need_a_rare_fault(locale: str, snapshot: SnapshotAssertion) -> None:
    words = catalogue(LANGUAGES[locale])
    shown = []
    async with Workspace(manifest=MANIFEST) as ws:
        web, alice = AsyncWebClient(token=ws.bot_token, base_url=ws.api_url), ws.member("alice")
        for what, rooms in ROOMS.items():
            shown.append(f"== {what}")
            lines = [line(one) for said in _said(rooms) for one in examples(said)]
            for reply in _replies(lines):
                sent = message(with_words(reply, words))
                await web.chat_postMessage(channel=CHANNEL, text=sent.text, blocks=sent.blocks)
                shown.append(of_message(alice.last(CHANNEL)).partition("\n")[2])
    assert "\n".join(shown) + "\n" == snapshot(extension_class=TextFile), KEEP_THEM
