"""What is asked about each kind of thing that is followed, and what the answers mean."""

from collections.abc import Mapping

from bot.clock import Clock
from bot.dbc.client import DbcClient
from bot.model import MACHINE_GOALS, Goal
from bot.services.inventory import Inventory
from bot.watches.observers.changes import Changes
from bot.watches.observers.disks import Disks
from bot.watches.observers.look import Observer
from bot.watches.observers.machines import Machines
from bot.watches.observers.snapshots import Snapshots
from bot.watches.observers.transfers import Downloads, Uploads
from storage import Store


def observers(
    store: Store, dbc: DbcClient, inventory: Inventory, clock: Clock
) -> Mapping[Goal, Observer]:
    """Who looks, by what is looked for."""
    disks = Disks(dbc, clock)
    return {
        **dict.fromkeys(MACHINE_GOALS, Machines(store, dbc, inventory, clock)),
        Goal.DOWNLOADED: Downloads(dbc, clock),
        Goal.UPLOADED: Uploads(dbc, clock),
        Goal.SNAPSHOT: Snapshots(dbc, clock),
        Goal.DISK_ADDED: disks,
        Goal.DISK_GROWN: disks,
        Goal.DISK_DELETED: disks,
        Goal.CHANGED: Changes(dbc, clock),
    }
