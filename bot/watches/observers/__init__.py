"""What is asked about each kind of thing that is followed, and what the answers mean."""

from collections.abc import Mapping

from bot.clock import Clock
from bot.dbc.client import DbcClient
from bot.model import MACHINE_GOALS, Goal
from bot.services.inventory import Inventory
from bot.watches.observers.changes import Changes
from bot.watches.observers.disks import Disks
from bot.watches.observers.look import Deeds, Observer
from bot.watches.observers.machines import Machines
from bot.watches.observers.snapshots import Snapshots
from bot.watches.observers.transfers import DOWNLOAD, UPLOAD, Transfers
from storage import Store


def observers(
    store: Store, dbc: DbcClient, inventory: Inventory, clock: Clock, deeds: Deeds
) -> Mapping[Goal, Observer]:
    """Who looks, by what is looked for. `deeds` tells what a command does, by its id."""
    disks = Disks(dbc, clock)
    return {
        **dict.fromkeys(MACHINE_GOALS, Machines(store, dbc, inventory, clock, deeds)),
        Goal.DOWNLOADED: Transfers(dbc, clock, deeds, DOWNLOAD),
        Goal.UPLOADED: Transfers(dbc, clock, deeds, UPLOAD),
        Goal.SNAPSHOT: Snapshots(dbc, clock),
        Goal.DISK_ADDED: disks,
        Goal.DISK_GROWN: disks,
        Goal.DISK_DELETED: disks,
        Goal.CHANGED: Changes(dbc, clock, deeds),
    }
