"""Sentences that need a rare fault or state to be said, with exemplary values, in both languages.

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
        "bot/pipeline/covered.py", "bot/pipeline/failing.py", "bot/pipeline/holding.py",
        "bot/pipeline/obsolete.py", "bot/pipeline/readable.py", "bot/pipeline/works.py",
        "bot/reviews",
    ),
    "a renter's proof": ("bot/services/renters.py",),
    "approvals and reviews, in states that last a moment": (
        "bot/commands/approval.py", "bot/messages/access_cards.py", "bot/messages/cards.py",
        "bot/messages/decisions.py", "bot/messages/ends_together.py",
        "bot/messages/glass_cards.py", "bot/messages/machine_buttons.py",
        "bot/messages/question.py", "bot/messages/review_cards.py", "bot/messages/together.py",
        "bot/messages/turn_cards.py",
    ),
    "the way of a command, when something comes between": (
        "bot/language/alias.py", "bot/language/args.py", "bot/language/bounds.py",
        "bot/language/forms.py", "bot/language/help.py", "bot/language/kind.py",
        "bot/language/kinds.py",
        "bot/language/parse.py", "bot/language/placeholders.py", "bot/language/row_parts.py",
        "bot/language/sizes.py", "bot/language/times.py", "bot/language/unclear.py",
        "bot/pipeline", "bot/watches/end_words.py", "bot/watches/settling.py",
        "bot/watches/watches.py", "handlers/answer.py",
    ),
    "names, sessions and access": (
        "bot/commands/alias.py", "bot/commands/general.py", "bot/commands/here.py",
        "bot/commands/home.py", "bot/commands/home_access.py", "bot/commands/home_machines.py",
        "bot/commands/in_place.py", "bot/commands/languages.py", "bot/commands/nicknames.py",
        "bot/commands/notifications.py", "bot/commands/session.py",
        "bot/commands/session_ask.py", "bot/commands/taken.py", "bot/services",
    ),
    "nodes, machines and files in rare states": (
        "bot/commands/addresses.py", "bot/commands/disk.py",
        "bot/commands/disk_preconditions.py", "bot/commands/gpu_claims.py",
        "bot/commands/image.py", "bot/commands/image_list.py", "bot/commands/image_words.py",
        "bot/commands/lan.py", "bot/commands/metal.py", "bot/commands/metal_admin.py",
        "bot/commands/node.py", "bot/commands/node_lists.py", "bot/commands/room.py",
        "bot/commands/servers.py",
        "bot/commands/snapshot.py", "bot/commands/vm.py", "bot/commands/vm_create.py",
        "bot/commands/vm_details.py", "bot/commands/vm_list.py", "bot/commands/vm_modify.py",
        "bot/commands/vm_show.py",
        "bot/commands/watch.py",
    ),
    "records, costs and orders": (
        "bot/commands/audit.py", "bot/commands/audit_filters.py", "bot/commands/audit_rows.py",
        "bot/commands/cost.py", "bot/commands/cost_month.py",
        "bot/commands/doctor.py", "bot/commands/freezing.py", "bot/commands/node_orders.py",
        "bot/commands/order.py", "bot/commands/order_details.py",
        "bot/commands/order_odd.py", "bot/commands/renter.py",
    ),
}  # fmt: skip
PER_MESSAGE = 40  # Slack takes 50 blocks


def _said() -> Iterator[tuple[str, list[Message]]]:
    """What each room says, without what one before it says, too."""
    left = golden.templates()
    for what, rooms in ROOMS.items():
        wanted = golden.said_by(*rooms)
        yield what, [one for one in left if golden.name(one) in wanted]
        left = [one for one in left if golden.name(one) not in wanted]


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
        for what, said in _said():
            shown.append(f"== {what}")
            lines = [line(example) for one in said for example in examples(one)]
            for reply in _replies(lines):
                sent = message(with_words(reply, words))
                await web.chat_postMessage(channel=CHANNEL, text=sent.text, blocks=sent.blocks)
                shown.append(of_message(alice.last(CHANNEL)).partition("\n")[2])
    assert "\n".join(shown) + "\n" == snapshot(extension_class=TextFile), KEEP_THEM
