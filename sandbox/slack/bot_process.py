"""The bot as a child process of the demo: started, watched, ended. Knows nothing of its code.

It gets exactly the environment it is given, in a directory of its own.
"""

import asyncio
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

# A bot that is asked to end gets this long (seconds) to finish what it is doing.
GRACE = 10.0


class BotProcess:
    """One bot at a time; its log goes where the sandbox's goes."""

    def __init__(
        self,
        environment: Callable[[], Mapping[str, str]],
        on_exit: Callable[[int], None],
        command: tuple[str, ...] = (sys.executable, "-m", "bot", "run"),
        directory: Path | None = None,
    ) -> None:
        self._directory = directory
        self._command = command
        self._environment = environment
        self._on_exit = on_exit
        self._process: asyncio.subprocess.Process | None = None
        self._watching: asyncio.Task[None] | None = None
        self._ending = False

    @property
    def running(self) -> bool:
        """Whether there is a live bot."""
        return self._process is not None and self._process.returncode is None

    @property
    def pid(self) -> int | None:
        """Its process id."""
        return self._process.pid if self._process else None

    async def start(self) -> bool:
        """Start the bot; False if one is running."""
        if self.running:
            return False
        # A session of its own, so that Ctrl-C reaches it once, through `stop`.
        self._process = await asyncio.create_subprocess_exec(
            *self._command,
            env=dict(self._environment()),
            cwd=self._directory,
            start_new_session=True,
        )
        self._watching = asyncio.create_task(self._watch(self._process))
        return True

    async def stop(self) -> None:
        """Ask the bot to end, and end it if it does not."""
        self._ending = True
        process = self._process
        if process is None or self._watching is None:
            return
        if process.returncode is None:
            process.terminate()
        try:
            await asyncio.wait_for(asyncio.shield(self._watching), GRACE)
        except TimeoutError:
            process.kill()
            await self._watching

    async def _watch(self, process: asyncio.subprocess.Process) -> None:
        code = await process.wait()
        if not self._ending:
            self._on_exit(code)
