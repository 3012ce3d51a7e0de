"""Virtual machines (docs/dbc-api.md §3.2). A machine is a `task` to DBC."""

from dataclasses import dataclass
from functools import partial
from typing import Literal

from pydantic import SecretStr, TypeAdapter

from bot.dbc import fields
from bot.dbc.endpoint import Auth, Caller, LastAnswer, change, read
from bot.dbc.errors import DaemonUnavailable, DbcError, NodeTimeout
from bot.dbc.identity import Target
from bot.dbc.log_mask import mask_log
from bot.dbc.models import Modified, TaskDetail, TaskLog, TaskSummary
from bot.dbc.requests import CreateSpec, TaskChange
from bot.dbc.success import done, modified
from bot.redaction import Redactor, secrets_in

_LIST = read("/tasks", Auth.RENTER, TypeAdapter(tuple[TaskSummary, ...]), "list task")
_GET = read("/tasks/{task_id}", Auth.RENTER, TypeAdapter(TaskDetail), "list task")
_LOGS = read("/tasks/logs/{task_id}", Auth.RENTER, TypeAdapter(TaskLog))
_CREATE = change("/tasks/start", Auth.RENTER, TypeAdapter(TaskSummary).validate_python)
_START = change("/tasks/start/{task_id}", Auth.RENTER, done)
_SHUTDOWN = change("/tasks/shutdown/{task_id}", Auth.RENTER, done)
_POWEROFF = change("/tasks/poweroff/{task_id}", Auth.RENTER, done)
_RESTART = change("/tasks/restart/{task_id}", Auth.RENTER, done)
_RESET = change("/tasks/reset/{task_id}", Auth.RENTER, done)
_DELETE = change("/tasks/delete/{task_id}", Auth.RENTER, done)
_MODIFY = change("/tasks/modify/{task_id}", Auth.RENTER, modified)
_PASSWD = change("/tasks/passwd/{task_id}", Auth.RENTER, done)
_MUCH = 4 * 1024  # bytes of a log, of the 8 KiB that an answer holds (docs/dbc-api.md §3.2.9)


@dataclass(frozen=True, slots=True)
class MaskedLog:
    """Lines of a machine's log without its passwords.

    `is_vouched_for`: its present ones are known, so none is left, however it was spelled.
    `may_lack_some`: lines that were asked for may not have fitted into the answer.
    """

    lines: tuple[str, ...]
    is_vouched_for: bool
    may_lack_some: bool = False


class Tasks:
    """Calls about machines. Changes but `modify` and `passwd` are only queued when they return."""

    def __init__(self, caller: Caller, redactor: Redactor) -> None:
        self._caller = caller
        self._redactor = redactor

    async def list(self, target: Target, last: LastAnswer | None = None) -> tuple[TaskSummary, ...]:
        """The caller's machines on a node; none where it is the `last` answer once more.

        Unreadable if one machine's description holds a quote or line break; then `get` still works.
        """
        return await self._caller.call(_LIST, target, last=last)

    async def get(self, target: Target, task_id: str) -> TaskDetail:
        """One machine with its connection data. Raises TaskNotFound once it is deleted."""
        return await self._caller.call(_GET, target, task_id=fields.task_in_path(task_id))

    async def create(self, target: Target, spec: CreateSpec) -> TaskSummary:
        """Queue a creation; it takes minutes. Afterwards or when unknown, look `task_id` up (§4.3).

        Raises TaskExists if the id is taken: after an unanswered try, that proves success.
        """
        return await self._caller.call(_CREATE, target, spec.additional())

    async def start(self, target: Target, task_id: str) -> None:
        """Queue a start, or wake the machine."""
        await self._caller.call(_START, target, task_id=fields.task_in_path(task_id))

    async def shutdown(self, target: Target, task_id: str) -> None:
        """Queue a shutdown, which is a power cut on DBC (§3.2.4)."""
        await self._caller.call(_SHUTDOWN, target, task_id=fields.task_in_path(task_id))

    async def poweroff(self, target: Target, task_id: str) -> None:
        """Queue a power cut; allowed also while the machine is shutting down."""
        await self._caller.call(_POWEROFF, target, task_id=fields.task_in_path(task_id))

    async def restart(self, target: Target, task_id: str, *, force: bool = False) -> None:
        """Queue a restart. Without force, the guest may ignore it and still show `running`."""
        query = "force_reboot=true" if force else ""
        await self._caller.call(_RESTART, target, query=query, task_id=fields.task_in_path(task_id))

    async def reset(self, target: Target, task_id: str) -> None:
        """Queue a hard reset of a running machine."""
        await self._caller.call(_RESET, target, task_id=fields.task_in_path(task_id))

    async def delete(self, target: Target, task_id: str) -> None:
        """Queue the end of a machine with all its disks and snapshot files.

        TaskNotFound, too, for a machine whose creation failed early: it cannot be deleted (§4.4).
        """
        await self._caller.call(_DELETE, target, task_id=fields.task_in_path(task_id))

    async def logs(
        self, target: Target, task_id: str, end: Literal["head", "tail"] = "tail", lines: int = 10
    ) -> MaskedLog:
        """1 to 100 lines of the node's log about a machine, passwords masked (8 KiB at most).

        Asks for the machine's present passwords first, so that they are known in any spelling.
        """
        query = f"flag={fields.log_end(end)}&line_num={fields.log_lines(lines)}"
        own = await self._passwords(target, task_id)
        found = await self._caller.call(
            _LOGS, target, query=query, task_id=fields.task_in_path(task_id)
        )
        redact = partial(self._redactor.redact, own=own or ())
        masked = mask_log("\n".join(found.lines), redact).split("\n") if found.lines else ()
        size = sum(len(text.encode()) for text in found.lines)
        may_lack_some = len(found.lines) < lines and size > _MUCH
        return MaskedLog(tuple(masked), own is not None, may_lack_some)

    async def _passwords(self, target: Target, task_id: str) -> tuple[str, ...] | None:
        """The machine's passwords; None where its details cannot be read.

        Raises what says that the node does not answer at all.
        """
        try:
            return tuple(secrets_in(await self.get(target, task_id)))
        except (NodeTimeout, DaemonUnavailable):
            raise
        except DbcError:
            return None

    async def modify(self, target: Target, task_id: str, wanted: TaskChange) -> Modified:
        """Change one thing of a machine (see `TaskChange.steps`); done when it returns."""
        return await self._caller.call(
            _MODIFY, target, wanted.additional(), task_id=fields.task_in_path(task_id)
        )

    async def passwd(
        self, target: Target, task_id: str, username: str, password: SecretStr
    ) -> None:
        """Set a user's password in a running machine; done when it returns (3 s or more)."""
        additional = {
            "username": fields.not_empty(username, "username"),
            "password": fields.secret(password, "password"),
        }
        await self._caller.call(_PASSWD, target, additional, task_id=fields.task_in_path(task_id))
