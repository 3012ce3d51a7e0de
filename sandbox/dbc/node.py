"""A GPU node: its host, and how machines come to be there.

Everything here is what the node *is*; what it answers is in `endpoints`.
"""

from sandbox.dbc import jobs, values
from sandbox.dbc.host import Host
from sandbox.dbc.keys import Wallet
from sandbox.dbc.task import Status, Task


class Node(Host):
    """A GPU node of the world; attributes may be changed at any time by a test."""

    def add_task(self, task: Task, *, disk_size: int, data_file: str = "") -> Task:
        """Put a new machine on the books, its disks only by name, and queue its creation."""
        self.enlist(task, disk_size=disk_size, data_file=data_file)
        self.push("create", task, jobs.create(self, task))
        return task

    def running_task(self, wallet: Wallet, **fields: object) -> Task:
        """A machine that runs already: for setting a scene without waiting for its creation.

        `fields` are those of Task; a data disk of 100 GiB is added.
        """
        task = Task(
            task_id=values.task_id(self.random),
            wallet=wallet.address,
            created_at=self.now,
            login_password=values.password(self.random),
        )
        for field, value in fields.items():
            setattr(task, field, value)
        task.vnc_password = task.vnc_password or task.login_password[:8]
        self.enlist(task, disk_size=100 * values.GIB)
        jobs.define(self, task)
        task.forwards = True
        task.login_user = task.default_user
        task.status = Status.RUNNING
        return task
