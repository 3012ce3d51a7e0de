"""What stands behind the ⋮ of a setting: its choices, each one tap.

A button says which setting and which choice; a click is the request that the typed line would be.
"""

from collections.abc import Iterable

from bot.reply import Button, Text

CHOOSE = "setting.choose"
LESS = "setting.less"  # chooses only where that is less than what was chosen
NODES = "settings"  # the command that sets which node is meant without a name
SETTINGS = "settings"  # the group of the others


def choice(label: Text, command: str, parameter: str, value: str, action: str = CHOOSE) -> Button:
    """One choice of a setting."""
    return Button(label, action, f"{command} {parameter} {value}")


def choices(command: str, parameter: str, labels: Iterable[tuple[str, Text]]) -> tuple[Button, ...]:
    """All choices of a setting, by value and label."""
    return tuple(choice(label, command, parameter, value) for value, label in labels)


def meant(value: str) -> tuple[str, str, str] | None:
    """The command, parameter and value that a button carries; None: none of a setting."""
    match value.split(" "):
        case [command, parameter, chosen] if command == NODES or command.startswith(f"{SETTINGS}."):
            return command, parameter, chosen
    return None
