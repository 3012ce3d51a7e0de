"""A unit of work: one transaction with every repository. No network while one is open."""

from collections.abc import Callable
from datetime import datetime

from storage.connection import OpenConnection
from storage.repositories.aliases import Aliases
from storage.repositories.approvals import Approvals
from storage.repositories.audit import Audit
from storage.repositories.defaults import Defaults
from storage.repositories.details import Details
from storage.repositories.executions import Executions
from storage.repositories.inventory import Inventory
from storage.repositories.leases import Leases
from storage.repositories.leftovers import Leftovers
from storage.repositories.messages import Messages
from storage.repositories.names import Names
from storage.repositories.probe import Probe
from storage.repositories.renters import Renters
from storage.repositories.sessions import Sessions
from storage.repositories.sightings import Sightings
from storage.repositories.strangers import Strangers
from storage.repositories.suggestions import Suggestions
from storage.repositories.votes import Votes
from storage.repositories.watches import Watches
from storage.vault import Vault


class UnitOfWork:
    """What `Store.read` and `Store.write` give: all or nothing of it happens.

    `restored` is the row of the audit with which a backup was put back last; 0 for none.
    """

    def __init__(
        self,
        connection: OpenConnection,
        vault: Vault,
        restored: int = 0,
        shown: Callable[[datetime], datetime] = lambda at: at,
    ) -> None:
        self.audit = Audit(connection, shown)
        self.executions = Executions(connection, vault, self.audit)
        self.approvals = Approvals(connection, self.executions)
        self.votes = Votes(connection, self.executions)
        self.watches = Watches(connection)
        self.messages = Messages(connection, restored)
        self.sessions = Sessions(connection, vault)
        self.renters = Renters(connection, vault)
        self.details = Details(connection, vault)
        self.names = Names(connection)
        self.defaults = Defaults(connection)
        self.probe = Probe(connection)
        self.aliases = Aliases(connection)
        self.inventory = Inventory(connection)
        self.sightings = Sightings(connection)
        self.strangers = Strangers(connection)
        self.suggestions = Suggestions(connection, vault)
        self.leases = Leases(connection)
        self.leftovers = Leftovers(connection)

    @property
    def erased(self) -> bool:
        """Whether secrets were erased, so that no trace of them should stay in a journal."""
        keepers = (self.executions, self.sessions, self.renters, self.details)
        return any(keeper.erased for keeper in keepers)
