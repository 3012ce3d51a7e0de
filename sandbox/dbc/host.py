"""The host of a GPU node: hardware, files, machines, and the process that looks after them.

Everything here is what the node *is*; what it answers is in `endpoints`.
"""

from collections import deque
from datetime import datetime, timedelta
from pathlib import PurePosixPath
from random import Random

from sandbox.chain import Chain, Rental
from sandbox.dbc import values
from sandbox.dbc.authority import Gatekeeper
from sandbox.dbc.chain import MachineOnChain, MachineState, RentOrder
from sandbox.dbc.images import ImageFile, Transfers
from sandbox.dbc.keys import Wallet
from sandbox.dbc.site import Site
from sandbox.dbc.task import SYSTEM_DISK, Disk, Domain, Libvirt, Status, Task
from sandbox.dbc.worker import Durations, Job, Worker

OVERLAY_BYTES = 192 * 1024  # a fresh qcow2 overlay
FORGOTTEN_AFTER = timedelta(seconds=300)
PRUNE_EVERY = timedelta(seconds=900)
KEPT_PER_ORDER = timedelta(days=3)
KEPT_BLOCKS = 43_200  # three days
KEPT_WHOLE_MACHINE = timedelta(days=10)
KEPT_WHOLE_BLOCKS = 144_000  # ten days


class Host:
    """A GPU node without the ways that machines come to be there; tests change its attributes."""

    # What they all have in common, until a test says otherwise.
    cpu_name = "Intel(R) Xeon(R) Gold 6330 CPU @ 2.00GHz"
    cpu_hz = "2000MHz"
    cpu_sockets = 2
    cpu_usage = "3.25%"
    memory_host = 4 * values.GIB
    data_kind = "SSD"
    os_name = "Ubuntu 20.04.6 LTS (Focal Fossa) 5.15.0-91-generic GNU/Linux"
    version = "0.4.1.8"
    public_ip = "203.0.113.7"
    host_ip = "192.0.2.2"
    temp_dir = "/tmp"  # noqa: S108 - a path inside the sandbox's node
    silent = False
    stray_vm = False
    died_at: datetime | None = None
    lan_error = ""
    clock_off = timedelta()  # how far its own clock is ahead, as its logs show
    log_spelling = ""  # how its log writes a password, if not as the real node does

    def __init__(
        self,
        site: Site,
        name: str,
        *,
        node_id: str = "",
        gpus: int = 8,
        cpu_cores: int = 108,
        memory_gib: int = 471,
        data_gib: int = 7153,
        images: dict[str, int] | None = None,
        durations: Durations | None = None,
    ) -> None:
        self.site = site
        self.name = name
        self.node_id = node_id or values.node_id(name)
        self.random = Random(self.node_id)
        self.gpus = gpus
        self.cpu_cores = cpu_cores
        self.memory = memory_gib * values.GIB
        self.data_total = data_gib * values.GIB
        self.data_available = data_gib * values.GIB * 9 // 10
        self.durations = durations or Durations()
        self.chain = MachineOnChain()
        self.gate = Gatekeeper(self.random)
        self.worker = Worker()
        self.tasks: dict[str, Task] = {}
        self.directories = {"/data", self.temp_dir}
        self.files = {f"/data/{it}": ImageFile(size) for it, size in (images or {}).items()}
        self.transfers = Transfers(self.files)
        self.monitors: dict[str, list[str]] = {}
        self._failures: dict[str, deque[str]] = {}
        self._is_announced = True
        self._pruned_at = site.clock.now()
        self.ledger: Chain | None = None  # the chain that it asks; else rentals end by hand

    @property
    def now(self) -> datetime:
        """The moment of the job step being done, else the clock's."""
        return self.worker.time or self.site.clock.now()

    @property
    def known(self) -> bool:
        """Whether the daemons have it in their tables; the dead drop out after 300 s."""
        if self.died_at is not None and self.now - self.died_at >= FORGOTTEN_AFTER:
            return False
        return self._is_announced

    @known.setter
    def known(self, announced: bool) -> None:
        self._is_announced = announced

    @property
    def memory_free(self) -> int:
        """Free memory of the host, in bytes."""
        used = sum(task.memory for task in self.tasks.values() if task.is_running)
        return max(0, self.memory - self.memory_host - used)

    @property
    def data_free(self) -> int:
        """What /data has for data disks, in bytes: the system disk's size is set aside."""
        return max(0, min(self.data_total - SYSTEM_DISK, self.data_available))

    def rent(
        self, wallet: Wallet | str, *, gpus: list[int] | None = None, order: str = ""
    ) -> RentOrder:
        """Let a wallet rent the machine, or some GPUs under an order id, on the chain."""
        address = wallet if isinstance(wallet, str) else wallet.address
        return self.chain.rent(address, list(range(self.gpus)) if gpus is None else gpus, order)

    def end_rental(self, *, online: bool = True) -> None:
        """End every rental; the machine is then online, or still rented with expired orders."""
        for order in self.chain.orders.values():
            order.status = "rentExpired"
            order.ended_at = self.now
        if online:
            self.chain.state = MachineState.ONLINE

    def session_for(self, wallet: Wallet) -> tuple[str, str]:
        """The wallet's session id on this node and its signature."""
        session = self.gate.session(wallet.address)
        return session.session_id, wallet.sign(session.session_id)

    def lose_chain(self, seconds: float, *, orders_only: bool = False) -> None:
        """Let the node's chain endpoint fail for a while, wholly or for rentals only."""
        self.chain.lose(self.now + timedelta(seconds=seconds), orders_only=orders_only)

    def die(self) -> None:
        """Fall silent; the daemons forget the node 300 s later."""
        self.silent = True
        self.died_at = self.now

    def revive(self) -> None:
        """Come back with everything the disk still has."""
        self.silent = False
        self.died_at = None
        self.restart_process()

    def settle(self) -> None:
        """Catch up with the clock, jobs and transfers in the order of their moments."""
        now = self.site.clock.now()
        self.worker.catch_up(now, self.transfers.settle)
        self.transfers.settle(now)
        if self.ledger is not None:
            # Whether it is rented at all, it asks the chain for each request.
            alive = self.ledger.of_machine(self.node_id, self.ledger.blocks.head)
            self.chain.state = MachineState.RENTED if alive else MachineState.ONLINE
        if now - self._pruned_at >= PRUNE_EVERY:
            self._pruned_at = now
            if self.ledger is None:
                self._prune(now)
            else:
                self._prune_by(self.ledger)

    def look_at_rentals(self, ledger: Chain) -> list[Rental]:
        """Copy what the chain tells of its rentals."""
        alive = ledger.of_machine(self.node_id, ledger.blocks.head)
        for rental in alive:
            number = str(rental.number)
            copy = self.chain.orders.setdefault(
                number, RentOrder(number, rental.renter, rental.gpus)
            )
            copy.rent_end = rental.end
            if rental.renter in self.chain.orders:  # what it rents, whatever the order
                self.chain.orders[rental.renter].rent_end = rental.end
        return alive

    def _prune_by(self, ledger: Chain) -> None:
        """Switch off and delete by the chain's blocks, which never tell that an order has ended.

        It has no answer for one that is gone, so the node keeps its last copy, with the old end.
        """
        head, alive = ledger.blocks.head, self.look_at_rentals(ledger)
        for task in list(self.tasks.values()):
            order = self.chain.orders.get(task.rent_order or task.wallet)
            kept = KEPT_BLOCKS if task.rent_order else KEPT_WHOLE_BLOCKS
            if order is not None and head > order.rent_end + kept:
                self.drop(task)
            elif (not alive or (order is not None and head > order.rent_end)) and task.domain:
                task.domain.state = Libvirt.SHUT_OFF

    def _prune(self, now: datetime) -> None:
        """Power off machines whose rental has ended, delete them days later (§4.5)."""
        for task in list(self.tasks.values()):
            order = self.chain.orders.get(task.rent_order or task.wallet)
            if order is None or order.is_active or order.ended_at is None:
                continue
            kept = KEPT_PER_ORDER if task.rent_order else KEPT_WHOLE_MACHINE
            if now - order.ended_at >= kept:
                self.drop(task)
            elif task.is_running and task.domain is not None:
                task.domain.state = Libvirt.SHUT_OFF

    def push(self, kind: str, task: Task, job: Job) -> None:
        """Queue a job for the worker."""
        self.worker.push(kind, task.task_id, job, self.site.clock.now())

    def fail(self, kind: str, how: str = "error", *, times: int = 1) -> None:
        """Let the next jobs of a kind fail.

        `create` can fail with "no_domain", "no_lease", "no_forwards" or "no_agent" (the last only
        spoils the password); start, shutdown, poweroff, restart, reset, attach, detach, snapshot,
        passwd and filters with "error".
        """
        self._failures.setdefault(kind, deque()).extend([how] * times)

    def failure(self, kind: str) -> str:
        """How the job in hand fails; empty when it does not."""
        queue = self._failures.get(kind)
        return queue.popleft() if queue else ""

    def enlist(self, task: Task, *, disk_size: int, data_file: str = "") -> None:
        """Put a machine on the books without creating it."""
        self.tasks[task.task_id] = task
        task.root_backing = self._root_of(f"/data/{task.image_name}")
        if task.bios_mode != "pxe":
            vdb = f"/data/{data_file}" if data_file else self.data_file("/data")
            task.disks["vda"] = Disk("vda", self.vm_file(), 350 * values.GIB)
            task.disks["vdb"] = Disk("vdb", vdb, disk_size)
        network = self.site.networks.get(task.network_name)
        if network is not None:
            network.members.append(task.task_id)

    def make_files(self, task: Task) -> None:
        """Create a machine's disk files."""
        for disk in task.disks.values():
            backing = f"/data/{task.image_name}" if disk.name == "vda" else ""
            self.files.setdefault(disk.source_file, ImageFile(OVERLAY_BYTES, backing))

    def define(self, task: Task) -> None:
        """Give a machine its libvirt domain, powered on."""
        tail = ":".join(f"{byte:02x}" for byte in self.random.randbytes(3))
        task.domain = Domain(f"52:54:00:{tail}")
        self.make_files(task)

    def drop(self, task: Task) -> None:
        """Remove a machine with its disks, snapshots and network membership."""
        self.tasks.pop(task.task_id, None)
        for file in [it.source_file for it in task.disks.values()] + [
            it.file for it in task.snapshots
        ]:
            self.files.pop(file, None)
        for network in self.site.networks.values():
            if task.task_id in network.members:
                network.members.remove(task.task_id)
        task.domain = None

    def restart_process(self) -> None:
        """Restart the node's daemon; it forgets nonces, transfers, jobs and undefined machines."""
        self.settle()
        self.gate.nonces.clear()
        self.transfers.forget()
        self.worker.clear()
        for task in list(self.tasks.values()):
            if task.domain is None:
                self.drop(task)
                continue
            if task.status is Status.RUNNING:
                task.domain.state = Libvirt.RUNNING
            task.status = Status.RUNNING if task.is_running else Status.CLOSED
            task.snapshot_status = dict.fromkeys(task.snapshot_status, "none")

    def log(self, task: Task, source: str, line: int, function: str, text: str) -> None:
        """Append to a machine's management log, in the node's layout."""
        level = "error" if "failed" in text or "nullptr" in text else "info"
        stamp = (self.now + self.clock_off).strftime("%Y-%m-%d %H:%M:%S.%f")
        task.log.append(
            f"{stamp} | {task.task_id} | {level:<7} | {source} | {line} | {function} | {text}"
        )

    def vm_file(self) -> str:
        """A new system disk's path."""
        return f"/data/vm_{self.random.randrange(100_000)}_{values.file_time(self.now)}.qcow2"

    def data_file(self, directory: str) -> str:
        """A new data disk's path."""
        number = self.random.randrange(100_000)
        return str(PurePosixPath(directory) / f"data_{number}_{values.file_time(self.now)}.qcow2")

    def snapshot_file(self) -> str:
        """A new snapshot's path."""
        number = self.random.randrange(100_000)
        stamp = values.file_time(self.now)
        return f"{self.temp_dir}/dbc_snapshots/snap_{number}_{stamp}_vda.qcow2"

    def missing_backing(self, image: str) -> str:
        """The first file of an image's backing chain that is not there; empty when all are."""
        path = f"/data/{image}"
        while path:
            if path not in self.files:
                return path
            path = self.files[path].backing
        return ""

    def _root_of(self, path: str) -> str:
        while path in self.files and self.files[path].backing:
            path = self.files[path].backing
        return path
