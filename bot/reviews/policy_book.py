"""The rules in force, and how a file of new ones takes their place."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from bot.errors import BotError
from bot.reply import Text, say
from bot.reviews.lockouts import lockouts
from bot.reviews.policy import Policy
from bot.reviews.policy_file import FaultyPolicy, read_policy
from bot.reviews.rule_arguments import Known

_THEN = "The rules before stay in force."

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Read:
    """What the file said: rules, and what nobody can do under them; or why it cannot be used."""

    policy: Policy | BotError
    stuck: list[str] = field(default_factory=list)


class PolicyBook:
    """The policy in force; replaced as a whole, never in part. `commands` are all there are."""

    def __init__(self, path: Path | None, commands: Known) -> None:
        self._path = path
        self._commands = commands
        self.current: Policy = read_policy(path, self._commands)
        self.faults: tuple[str, ...] = ()  # of the file that was not taken last, if any
        self._is_wanted = False
        self._reloading: asyncio.Task[None] | None = None

    def reload(self) -> None:
        """Read the file again; a faulty one is logged, and the old policy stays in force."""
        self._take(self._read())

    def reload_aside(self) -> asyncio.Task[None]:
        """The same in a thread, and once more where it was wanted again meanwhile: until then.

        A long file takes seconds, in which the loop has other things to do. The rules before stay
        in force until these are there.
        """
        self._is_wanted = True
        if self._reloading is None or self._reloading.done():
            self._reloading = asyncio.create_task(self._reload(), name="reload policy")
        return self._reloading

    async def close(self) -> None:
        """Take nothing more."""
        if self._reloading is not None:
            self._reloading.cancel()
            with suppress(asyncio.CancelledError):
                await self._reloading

    async def name_lockouts(self) -> None:
        """Tell the operator what nobody can do under the rules in force: people see refusals."""
        _name(await asyncio.to_thread(lockouts, self.current, self._commands))

    def impairments(self) -> list[Text]:
        """That the file is not what is in force; what is wrong with it is in the log."""
        if not self.faults:
            return []
        return [say("POLICY_FILE has faults: the rules before stay in force. See policy.faulty in "
            "the log.")]  # fmt: skip

    def has_nobody_entitled(self, command: str) -> bool:
        """Whether a command gives the first right to a node, or is about none."""
        guarded = self._commands.get(command)
        return guarded is not None and (guarded.begins or not guarded.has_node)

    async def _reload(self) -> None:
        while self._is_wanted:
            self._is_wanted = False
            try:
                self._take(await asyncio.to_thread(self._read))
            except Exception:  # a fault of ours: whoever sent the signal must learn of it
                log.exception("policy.not_read", then=_THEN)

    def _read(self) -> _Read:
        """What the file says now; changes nothing, so that a thread may do it."""
        try:
            policy = read_policy(self._path, self._commands)
        except BotError as error:
            return _Read(error)
        return _Read(policy, lockouts(policy, self._commands))

    def _take(self, read: _Read) -> None:
        policy = read.policy
        if isinstance(policy, BotError):
            error = policy
            self.faults = error.faults if isinstance(error, FaultyPolicy) else (error.sentence,)
            log.warning("policy.faulty", faults=error.sentence.splitlines(), then=_THEN)
            return
        self.current, self.faults = policy, ()
        log.info("policy.reloaded", rules=len(self.current.rule))
        _name(read.stuck)


def _name(stuck: list[str]) -> None:
    for sentence in stuck:
        log.warning("policy.locks_out", sentence=sentence)
