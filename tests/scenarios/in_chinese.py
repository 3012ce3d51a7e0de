"""A stage whose people and channel read Chinese, and a look for English in all that they read."""

import re
from collections.abc import Iterator
from typing import Any

from bot.commands.rows import command_table
from sandbox.slack import SeenMessage
from tests.scenarios.stage import Stage

# What may stand in Latin letters in a Chinese text: what is typed, ids, names, units, DBC's own
# words in quotes, and the lines of what is sent and of a node's log.
_OURS = re.compile(
    r"^ *[{}\"].*$|^\d\d:\d\d:\d\d [\w ]+: .*$"
    r"|`[^`]*`|“[^”]*”|<[^>]*>|:[a-z_]+:|https?://\S+|/dbc [a-z -]+|[a-z]+=\S+"
    r"|[^\s`\u4e00-\u9fff]*[\d_/.@-][^\s`\u4e00-\u9fff]*"
    r"|python -m bot [a-z -]+|rack 7, slot 1"
    r"|[a-z_ -]+(?: · [a-z_ -]+)+"
    r"|\b(?:training run|slot one|NVIDIA|GeForce|RTX|Intel|Xeon|Ubuntu|Platinum|Gold|Linux)\b"
    r"[^\u4e00-\u9fff]*",
    re.MULTILINE,
)
_ENGLISH = re.compile(r"[A-Za-z][a-z]+ [a-z]{2,}(?: [A-Za-z]+)*")
# A single word of ours beside Chinese. Names, units and the field's own words stay.
_WORD = re.compile(r"(?<![\w.=-])(?:[a-z]{3,}|[A-Z][a-z]{2,})(?![\w.=-])")
_NAMES = frozenset(
    {
        "Ada", "Alice", "Bob", "Carol", "alice", "bob", "carol", "dbc", "Slack", "inference",
        "rescue", "hub", "backup", "prod", "before", "rack", "slot", "session", "ssh", "nonce",
        "uuid", "pxe", "legacy", "uefi", "linux", "vda", "vdb", "GiB", "MiB", "reason", "Chassis",
        "Power", "Control", "manager", "Down", "Off", "off", "Asia", "Europe", "Amsterdam",
    }
)  # fmt: skip
_COMMANDS = re.compile("|".join(sorted((c.title for c in command_table()), key=len, reverse=True)))


def english_in(text: str) -> list[str]:
    """What reads like English in a text, beside what stands so in every language."""
    text = _COMMANDS.sub("·", text)
    return [found for line in text.splitlines() for found in _ENGLISH.findall(_OURS.sub("·", line))]


def words_in(text: str) -> list[str]:
    """The single English words in a text, beside names and the like."""
    text = _OURS.sub("·", _COMMANDS.sub("·", text))
    return [word for word in _WORD.findall(text) if word not in _NAMES]


def assert_chinese(text: str) -> None:
    """There is Chinese in it, and nothing that reads like English."""
    assert re.search(r"[\u4e00-\u9fff]", text), text
    assert english_in(text) == [], text


async def reads_chinese(stage: Stage) -> None:
    """Everybody's Slack is in Chinese, and the channel's language is."""
    for person in (stage.alice, stage.bob, stage.carol):
        person.speaks("zh-CN")
    await stage.ws.idle()
    await stage.asks(stage.alice, "/dbc settings channel-language zh")


def texts_in(blocks: Any) -> Iterator[str]:
    """Every text in blocks: buttons, menus, hints, and what Slack asks before a click counts."""
    if isinstance(blocks, list):
        for one in blocks:
            yield from texts_in(one)
    elif isinstance(blocks, dict):
        if blocks.get("type") in {"plain_text", "mrkdwn"}:
            yield str(blocks["text"])
        else:
            yield from texts_in(list(blocks.values()))


def unread(stage: Stage) -> list[SeenMessage]:
    """The bot's messages on all screens."""
    seen = [m for person in (stage.alice, stage.bob, stage.carol) for m in person.messages()]
    return [m for m in {(m.channel, m.ts): m for m in seen}.values() if m.user == "dbc"]


def told_in_english(stage: Stage, *, since: str = "") -> list[tuple[list[str], str]]:
    """What reads like English in all that stands on the screens since a moment."""
    said = [text for m in unread(stage) if m.ts > since for text in _texts(m)]
    for person in (stage.alice, stage.bob, stage.carol):
        if (modal := person.modal) is not None:
            said += [modal.title, modal.plain, *texts_in(modal.blocks)]
        if (home := person.home) is not None:
            said += [home.plain, *texts_in(home.blocks)]
    faults = [(english_in(text) + words_in(text), text) for text in dict.fromkeys(said)]
    return [(found, text) for found, text in faults if found]


def _texts(message: SeenMessage) -> list[str]:
    return [message.text, message.plain, *texts_in(message.blocks)]


def latest(stage: Stage) -> str:
    """The moment of the newest message on any screen."""
    return max((m.ts for m in unread(stage)), default="")
