"""Every operation of the DBC API can be used from Slack."""

import re
from pathlib import Path

from bot.commands.rows import command_table

API = Path(__file__).parents[2] / "docs" / "dbc-api.md"

# docs/dbc-api.md §3.1 to §3.7: which command makes the call.
COMMANDS = {
    "3.1.1": "node.show",
    "3.1.2": "session.request",
    "3.2.1": "vm.create",
    "3.2.2": "vm.show",
    "3.2.3": "vm.list",
    "3.2.4": "vm.shutdown",
    "3.2.5": "vm.poweroff",
    "3.2.6": "vm.start",
    "3.2.7": "vm.delete",
    "3.2.8": "vm.restart",
    "3.2.9": "vm.logs",
    "3.2.10": "vm.modify",
    "3.2.11": "vm.passwd",
    "3.3.1": "disk.list",
    "3.3.2": "disk.resize",
    "3.3.3": "disk.add",
    "3.3.4": "disk.delete",
    "3.4.1": "snapshot.list",
    "3.4.2": "snapshot.show",
    "3.4.3": "snapshot.create",
    "3.4.4": "snapshot.delete",
    "3.5.1": "image.servers",
    "3.5.2": "image.list",
    "3.5.3": "image.upload",
    "3.5.4": "image.download",
    "3.5.5": "image.progress",
    "3.5.6": "image.progress",
    "3.5.7": "image.stop",
    "3.5.8": "image.stop",
    "3.5.9": "image.delete",
    "3.6.1": "lan.create",
    "3.6.2": "lan.delete",
    "3.7.1": "metal.list",
    "3.7.2": "metal.add",
    "3.7.3": "metal.remove",
    "3.7.4": "metal.power",
    "3.7.5": "metal.boot",
}


def test_every_operation_has_its_command() -> None:
    sections = re.findall(r"^#### (3\.[1-7]\.\d+) ", API.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(sections) == 37
    assert sorted(sections) == sorted(COMMANDS)
    known = {command.id for command in command_table()}
    assert set(COMMANDS.values()) <= known
