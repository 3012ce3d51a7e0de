"""The rules in force, and how a file of new ones takes their place."""

from pathlib import Path

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
        """Read the file again. Raises FaultyPolicy and keeps the old policy if it is faulty."""
        try:
            self.current = read_policy(self._path, self._commands)
        except FaultyPolicy as faulty:
            self.faults = faulty.faults
            raise
        self.faults = ()

    def lockouts(self) -> list[str]:
        """What nobody can do under the rules in force, in whole sentences."""
        return lockouts(self.current, self._commands)

    def has_nobody_entitled(self, command: str) -> bool:
        """Whether a command gives the first right to a node, or is about none."""
        guarded = self._commands.get(command)
        return guarded is not None and (guarded.begins or not guarded.has_node)
