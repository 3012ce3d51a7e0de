"""What is wrong beside the settings themselves: the database's address, the rules.

Needs the table of all commands, which takes a second to import: see `bot.cli.settings.load`.
"""

from pydantic import ValidationError

from bot.commands.rows import command_table
from bot.config import DatabaseSettings, PolicySettings, places
from bot.errors import BotError
from bot.language.canonical import known_arguments
from bot.reply import line, plain
from bot.reviews.policy_file import read_policy
from storage import check_address


def address_faults() -> list[str]:
    """What is wrong with the database's address, whatever else is wrong with the settings.

    Nothing where it cannot be read, or is none: that is a fault of the setting itself.
    """
    try:
        check_address(DatabaseSettings().database_url)
    except BotError as error:
        said = plain(line(error.words, " ", error.hint))
        return [places().told(f"DATABASE_URL: it {said.removeprefix('DATABASE_URL ')}")]
    except (ValidationError, OSError, UnicodeDecodeError):  # told already
        pass
    return []


def faults_of_rules() -> list[str]:
    """What is wrong with the rules, said beside what else is."""
    try:
        file = PolicySettings().policy_file
        read_policy(file, known_arguments(command_table()))
    except ValidationError:  # it is among the faults already
        return []
    except BotError as error:
        return [f"POLICY_FILE: {fault}" for fault in error.sentence.splitlines()]
    return []
