"""What of a thing a wish is about."""

import pytest

from bot.commands.rows import command_table
from bot.language.mood import Mood
from bot.language.synonyms import nearest
from bot.language.vocabulary import PARTS

TABLE = command_table()


def offered(before: str, behind: str) -> list[str]:
    """What is offered for a line about a machine, which stands between these words."""
    found = nearest(TABLE, [*before.split(), *behind.split()], Mood.REQUEST, ("vm.show",))
    return [command.id for command in found.commands]


@pytest.mark.parametrize(
    ("before", "behind", "first"),
    [
        ("turn off the alerts for", "", "watch.list"),
        ("关掉", "的通知", "watch.list"),
        ("shut down port 22 on", "", "vm.modify"),
        ("关掉", "的 22 端口", "vm.modify"),
        ("delete the nickname of", "", "vm.name"),
        ("删掉", "的日志", "vm.logs"),
        ("kill the python process on", "", "vm.show"),
        ("停掉", "上的训练", "vm.show"),
        ("drop", "from my watch list", "watch.list"),
        ("add 2 gpus to", "", "vm.modify"),
        ("给", "加内存", "vm.modify"),
        ("give", "more memory", "vm.modify"),
        ("new password for", "", "vm.passwd"),
    ],
)
def test_a_part_of_a_machine_is_not_the_machine(before: str, behind: str, first: str) -> None:
    found = offered(before, behind)
    assert found[0] == first
    assert not {"vm.delete", "vm.shutdown", "vm.poweroff", "vm.restart"} & set(found)


@pytest.mark.parametrize(
    ("before", "behind", "verb"),
    [
        ("turn off the power of", "", "vm.shutdown"),
        ("get rid of", "", "vm.delete"),
        ("do a hard reset for", "", "vm.reset"),
        ("stop the machine of", "", "vm.shutdown"),
        ("把", "的机器关掉", "vm.shutdown"),
        ("给", "重启一下", "vm.restart"),
        ("给", "关个机", "vm.shutdown"),
        ("delete everything on", "", "vm.delete"),
    ],
)
def test_a_machine_itself_is_still_meant(before: str, behind: str, verb: str) -> None:
    assert verb in offered(before, behind)


@pytest.mark.parametrize("word", sorted(PARTS))
def test_every_part_leads_to_commands_that_there_are(word: str) -> None:
    assert all(TABLE.get(command) is not None for command in PARTS[word])
