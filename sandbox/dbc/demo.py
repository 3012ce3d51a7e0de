"""The demo's machine room: three GPU nodes, two image servers, two bare-metal machines."""

from sandbox.dbc.clock import Clock
from sandbox.dbc.keys import Wallet
from sandbox.dbc.values import GIB
from sandbox.dbc.world import World

RENTER = "demo renter"
HUB_IMAGES = {
    "ubuntu-20.04.qcow2": 4 * GIB,
    "ubuntu-22.04-cuda-12.qcow2": 14 * GIB,
    "windows10.qcow2": 22 * GIB,
    "pytorch-2.4.qcow2": 18 * GIB,
}
BACKUP_IMAGES = {"ubuntu-22.04-cuda-12.qcow2": 14 * GIB, "stable-diffusion.qcow2": 31 * GIB}
LOCAL_IMAGES = {"ubuntu-20.04.qcow2": 4 * GIB, "ubuntu-22.04-cuda-12.qcow2": 14 * GIB}


def demo_renter() -> Wallet:
    """The wallet that rents everything in the demo."""
    return Wallet.from_seed(RENTER)


def demo_world(clock: Clock | None = None) -> World:
    """gpu1 with two machines running, gpu2 idle, gpu3 known but dead; one renter for all."""
    world = World(clock)
    renter = demo_renter()
    world.add_image_server("hub", HUB_IMAGES)
    world.add_image_server("backup", BACKUP_IMAGES)
    gpu1 = world.add_node("gpu1", gpus=8, images=LOCAL_IMAGES)
    gpu2 = world.add_node(
        "gpu2", gpus=4, cpu_cores=60, memory_gib=251, data_gib=3576, images=LOCAL_IMAGES
    )
    gpu3 = world.add_node("gpu3", gpus=8)
    gpu3.silent = True
    for node in (gpu1, gpu2, gpu3):
        node.rent(renter)
    for index, (desc, gpus) in enumerate((("Ada's training run", [0, 1]), ("inference", [2]))):
        gpu1.running_task(
            renter,
            desc=desc,
            gpus=gpus,
            image_name="ubuntu-22.04-cuda-12.qcow2",
            cpu_cores=8,
            memory=64 * GIB,
            ssh_port=5684 + index,
            vnc_port=5904 + index,
        )
    manager = world.add_metal_manager("rack7")
    for number in (1, 2):
        machine = manager.add_machine(
            f"3156995b-da18-4268-9734-f8d168e90a{number:02}",
            ip=f"198.51.100.{3 + number}",
            os="Ubuntu 22.04",
            desc=f"rack 7, slot {number}",
            ipmi_hostname=f"192.0.2.{110 + number}",
            ipmi_username="admin",
            ipmi_password=f"ipmi-secret-{number}",
            deeplink_id=f"12345678{number}",
            deeplink_password=f"aAbBcC{number}",
        )
        machine.rent(renter)
    return world
