"""What the world was like when the bot sent each of its own recorded requests."""

from collections.abc import Callable

from sandbox.dbc.chain import MachineState
from sandbox.dbc.images import ImageFile
from sandbox.dbc.metal import MetalMachine
from sandbox.dbc.site import Network
from sandbox.dbc.task import Libvirt, Snapshot, Status, Task
from sandbox.dbc.values import GIB
from tests.sandbox.dbc.exchanges import Exchange
from tests.sandbox.dbc.rig import ALICE, Rig

NODE_ID = "867f31550e7083e042eb7e99e0961f5bdb0b91316845e66e27746c705c408b08"
MANAGER_ID = "d8439cabb460792f439a527b18119d3bcf93835593ce38e31c3becf63a672349"
MACHINE_ID = "e0541072fb30f9f2fec7cc209db28f117eb742db8cdde39482e802b24498562b"
SESSION = "62fmb7wpdaViP3QTpyeqzTThQyqz21efo6h8Z6LBmZy4WfPuwYKp1Rt"
METAL_SESSION = "3YcwZrabDe4SZjAhwzMhHFvTtmCDRCSKEEwy11wdjqasa9eLgXv5Mgy"
BIG = 60_198_748  # 57.41M
HUGE = 480_195_379  # 457.95M

Scene = Callable[[Rig], object]


def rig_for(exchange: Exchange) -> Rig:
    """A fresh world in the state that a row was answered in."""
    rig = Rig(with_node=exchange.row != 0, node_id=NODE_ID, with_manager=MANAGER_ID)
    rig.knows_session(METAL_SESSION, metal=True)
    if exchange.row != 0:
        rig.node.name, rig.node.lan_error, rig.node.temp_dir = "dbc-node", "", "/data"
        del rig.node.files["/data/win10.qcow2"]
        if exchange.row != 67:  # that session belonged to another node
            rig.knows_session(SESSION)
    SCENES.get(exchange.row, nothing)(rig)
    return rig


def nothing(_: Rig) -> None:
    """As it was at the beginning."""


def all_of(*scenes: Scene) -> Scene:
    """One after the other."""

    def run(rig: Rig) -> None:
        for scene in scenes:
            scene(rig)

    return run


def fault(name: str) -> Scene:
    """The next request meets this."""
    return lambda rig: rig.world.faults.on(name, count=1)


def made(
    task_id: str, desc: str, ports: tuple[int, int], *, gpus: int = 1, gib: int = 4, disk: int = 10
) -> Callable[[Rig], Task]:
    """A machine that runs."""

    def run(rig: Rig) -> Task:
        task = rig.node.running_task(
            ALICE, task_id=task_id, desc=desc, image_name="ubuntu.qcow2", ssh_port=ports[0],
            vnc_port=ports[1], cpu_cores=4 if gib == 8 else 2, memory=gib * GIB,
            gpus=list(range(gpus)),
        )  # fmt: skip
        task.disks["vdb"].size = disk * GIB
        return task

    return run


BIG_02 = made("p9qob4g4jJkKtJCt9jTeSl", "big-02", (5691, 5911), gpus=2, gib=8, disk=20)
NORMAL = made("apddXQKcWsLwgBLD9wSG7r", "normal-1", (25929, 45929))
LATE = made("GfCSz1gIM9sZAHHqO5ZotO", "late-2", (29668, 49668))
TWIN = made("durn23a2i0W2cziJbZR3PJ", "late-2", (26834, 46834))
HICCUP = made("ojMF7YEaSbpbsSVf2IC2LP", "hiccup", (0, 0))


def showing(make: Callable[[Rig], Task], status: Status) -> Scene:
    """It shows another status, whatever libvirt says."""

    def run(rig: Rig) -> None:
        make(rig).status = status

    return run


def off(rig: Rig) -> None:
    """big-02 is off."""
    task = BIG_02(rig)
    assert task.domain is not None
    task.domain.state, task.status = Libvirt.SHUT_OFF, Status.CLOSED


def undefined(task_id: str, desc: str, ports: tuple[int, int], *, gib: int, disk: int) -> Scene:
    """A machine whose creation failed before it had a domain."""

    def run(rig: Rig) -> None:
        task = made(task_id, desc, ports, gib=gib, disk=disk)(rig)
        task.domain, task.status = None, Status.CREATE_ERROR

    return run


def snapshot(rig: Rig) -> None:
    """big-02 is off and has a snapshot whose upload has ended."""
    off(rig)
    task = rig.node.tasks["p9qob4g4jJkKtJCt9jTeSl"]
    name = "before-upgrade"
    task.snapshots.append(Snapshot(name, "first try", rig.node.snapshot_file(), rig.node.now))
    task.snapshot_status[name] = "none"


def quoted(rig: Rig) -> None:
    """A machine has a quote in its description."""
    made("84p32fu3ohUpugLi5XQJiX", 'say "hi"', (5684, 5904))(rig)


def on_server(name: str, size: int) -> Scene:
    """The image server has a file."""

    def run(rig: Rig) -> None:
        rig.world.image_servers["ID_1"].images[name] = ImageFile(size)

    return run


def on_node(name: str, size: int) -> Scene:
    """The node has a file."""

    def run(rig: Rig) -> None:
        rig.node.files[f"/data/{name}"] = ImageFile(size)

    return run


def files(*given: tuple[str, int]) -> Scene:
    """The node has these files, the last one made last."""
    return all_of(*(on_node(name, size) for name, size in given))


def downloading(rig: Rig) -> None:
    """5 % of a file have arrived."""
    rig.node.transfers.rate = HUGE / 100
    rig.node.transfers.download(
        "huge.qcow2", "/data", rig.world.image_servers["ID_1"], rig.node.now
    )
    rig.wait(5.5)


def uploading(rig: Rig) -> None:
    """6 % of a file have been sent."""
    rig.node.transfers.rate = HUGE / 100
    rig.node.transfers.upload("/data/up2.qcow2", rig.world.image_servers["ID_1"], rig.node.now)
    rig.wait(6.5)


def network(rig: Rig) -> None:
    """The network team01 is there."""
    rig.world.networks["team01"] = Network(
        "team01", "15512754", "192.168.66.0/24", "192.168.66.1", "192.168.66.254",
        "tapetgkxt83u8", NODE_ID, ALICE.address, rig.node.now,
    )  # fmt: skip


def slot(rig: Rig) -> MetalMachine:
    """The manager has the machine slot-1, rented by Alice."""
    machine = rig.manager.add_machine(
        "3156995b-1", node_id=MACHINE_ID, ip="192.0.2.1", os="Ubuntu", desc="slot-1",
        ipmi_hostname="10.0.0.110", ipmi_username="admin", ipmi_password="dbtu2017",
    )  # fmt: skip
    machine.rent(ALICE)
    return machine


def metal(rig: Rig) -> None:
    """There is slot-1."""
    slot(rig)


def unprivileged(rig: Rig) -> None:
    """The manager's IPMI user may not switch slot-1."""
    slot(rig).soft_failure = "Insufficient privilege level"


def out_of_reach(rig: Rig) -> None:
    """slot-1's BMC cannot be reached."""
    slot(rig).ipmi_error = "Error: Unable to establish IPMI v2 / RMCP+ session"


def public(rig: Rig) -> None:
    """A machine with an address of its own."""
    made("j3GvMPV2ODRV8DDHortBtG", "pub-1", (29621, 5999))(rig).public_ip = "203.0.113.9"


def not_rented(rig: Rig) -> None:
    """Nobody rents the node."""
    rig.node.chain.orders.clear()


def small_rental(rig: Rig) -> None:
    """A machine has taken one of the GPUs."""
    made("7SogeySLbhZ8YZvgW5qBAe", "other", (5684, 5904))(rig)


def monitored(rig: Rig) -> None:
    """An order of one GPU is rented beside."""
    rig.node.rent(ALICE, order="1")


def watched(rig: Rig) -> None:
    """A monitoring server has been set, under whatever name."""
    monitored(rig)
    rig.node.monitors[ALICE.address] = ["1:56010"]


def chain_down(rig: Rig) -> None:
    """The node cannot ask the chain."""
    HICCUP(rig)
    rig.set_chain(MachineState.UNKNOWN)


SCENES: dict[int, Scene] = {
    4: not_rented,
    11: undefined("o9ptzCQsFQWxbEIcDMMchx", "train-01", (5690, 5910), gib=8, disk=20),
    12: fault("dead_node"),
    **dict.fromkeys((14, 15, 17, 18, 19, 20, 21, 22, 24, 56, 57), BIG_02),
    23: showing(BIG_02, Status.RESTARTING),
    **dict.fromkeys((25, 26, 27, 28, 29, 30), off),
    31: fault("dead_node"),
    **dict.fromkeys((32, 33, 35), snapshot),
    34: on_server("snap_13097_20261128215240_vda.qcow2", 196_608),
    38: on_server("big.qcow2", BIG),
    39: files(("big.qcow2", BIG)),
    40: files(("big.qcow2", BIG), ("huge.qcow2", HUGE)),
    41: files(("big.qcow2", BIG), ("huge.qcow2", HUGE), ("up.qcow2", HUGE)),
    42: files(("big.qcow2", BIG), ("huge.qcow2", HUGE), ("up2.qcow2", HUGE)),
    44: files(("big.qcow2", BIG), ("up2.qcow2", HUGE)),
    43: all_of(on_node("up2.qcow2", HUGE), uploading),
    45: all_of(on_server("huge.qcow2", HUGE), downloading),
    46: on_node("big.qcow2", BIG),
    **dict.fromkeys((48, 49), network),
    **dict.fromkeys((51, 52, 53, 54, 55, 69, 71), metal),
    58: fault("dead_node"),
    61: showing(NORMAL, Status.CREATING),
    63: fault("unknown_node"),
    64: fault("unknown_node"),
    65: quoted,
    66: all_of(NORMAL, undefined("ZVlVS6VNoYozZ6Y9Brhhy0", "late-1", (5684, 5904), gib=4, disk=10)),
    68: out_of_reach,
    **dict.fromkeys((70, 96), unprivileged),
    73: all_of(showing(TWIN, Status.CREATING), showing(LATE, Status.CREATING)),
    74: TWIN,
    75: fault("dead_node"),
    76: LATE,
    77: TWIN,
    78: public,
    79: fault("disconnected"),
    **dict.fromkeys((80, 81, 82, 83), monitored),
    85: watched,
    87: small_rental,
    91: on_node("huge.qcow2", HUGE),
    **dict.fromkeys((93, 94), chain_down),
    95: quoted,
}
