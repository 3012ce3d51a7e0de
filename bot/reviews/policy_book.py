"""The rules in force, and how a file of new ones takes their place."""

from pathlib import Path

from bot.errors import BotError
from bot.reply import Text, say
from bot.reviews.lockouts import lockouts
from bot.reviews.policy import Policy
from bot.reviews.policy_file import FaultyPolicy, read_policy
from bot.reviews.rule_arguments import Known


class PolicyBook:
    """The policy in force; replaced as a whole, never in part. `commands` are all there are."""

    def __init__(self, path: Path | None, commands: Known) -> None:
        self._path = path
        self._commands = commands
        self.current: Policy = read_policy(path, self._commands)
        self.faults: tuple[str, ...] = ()  # of the file that was not taken last, if any

    def reload(self) -> None:
        """Read the file again. Raises BotError and keeps the old policy where it cannot be used."""
        try:
            self.current = read_policy(self._path, self._commands)
        except BotError as error:
            known = error.faults if isinstance(error, FaultyPolicy) else (error.sentence,)
            self.faults = known
            raise
        self.faults = ()

    def impairments(self) -> list[Text]:
        """That the file is not what is in force; what is wrong with it is in the log."""
        if not self.faults:
            return []
        return [say("POLICY_FILE has faults: the rules before stay in force. See policy.faulty in "
            "the log.")]  # fmt: skip

    def lockouts(self) -> list[str]:
        """What nobody can do under the rules in force, in whole sentences."""
        return lockouts(self.current, self._commands)

    def has_nobody_entitled(self, command: str) -> bool:
        """Whether a command gives the first right to a node, or is about none."""
        guarded = self._commands.get(command)
        return guarded is not None and (guarded.begins or not guarded.has_node)
