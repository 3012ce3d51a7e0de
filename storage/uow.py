"""A unit of work: one transaction with every repository. No network while one is open."""

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import cached_property

from bot.clock import SystemClock
from bot.model import Execution
from storage.connection import OpenConnection
from storage.handover import Handover
from storage.repositories.access import Access
from storage.repositories.aliases import Aliases
from storage.repositories.approvals import Approvals
from storage.repositories.audit import Audit
from storage.repositories.defaults import Defaults
from storage.repositories.details import Details
from storage.repositories.executions import Executions
from storage.repositories.figures import FigureReader
from storage.repositories.freezes import Freezes
from storage.repositories.inventory import Inventory
from storage.repositories.leases import Leases
from storage.repositories.leavers import Leavers
from storage.repositories.leftovers import Leftovers
from storage.repositories.messages import Messages
from storage.repositories.money import Money
from storage.repositories.names import Names
from storage.repositories.open_work import OpenWork
from storage.repositories.orders import Orders
from storage.repositories.outages import Outages
from storage.repositories.probe import Probe
from storage.repositories.readers import Readers
from storage.repositories.renters import Renters
from storage.repositories.sessions import Sessions
from storage.repositories.sightings import Sightings
from storage.repositories.strangers import Strangers
from storage.repositories.streams import Streams
from storage.repositories.suggestions import Suggestions
from storage.repositories.turns import Turns
from storage.repositories.votes import Votes
from storage.repositories.watches import Watches
from storage.vault import Vault

_KEEPERS = ("executions", "sessions", "renters", "details")  # of secrets

_NOW = SystemClock().now


class UnitOfWork:
    """What `Store.read` and `Store.write` give: all or nothing of it happens.

    A repository is made when it is first asked for; most units of work need one or two.
    `restored` is the row of the audit with which a backup was put back last; 0 for none.
    """

    def __init__(
        self,
        connection: OpenConnection,
        vault: Vault,
        restored: int = 0,
        shown: Callable[[datetime], datetime] = lambda at: at,
        handover: Handover | None = None,
        now: Callable[[], datetime] = _NOW,
    ) -> None:
        self._connection = connection
        self._vault = vault
        self._restored = restored
        self._shown = shown
        self._handover = handover
        self._now = now

    @cached_property
    def audit(self) -> Audit:
        """What happened, in order."""
        return Audit(self._connection, self._shown)

    @cached_property
    def executions(self) -> Executions:
        """The ledger."""
        return Executions(self._connection, self._vault, self.audit)

    @cached_property
    def approvals(self) -> Approvals:
        """Reviews."""
        return Approvals(self._connection, self.executions)

    @cached_property
    def votes(self) -> Votes:
        """Clicks on reviews."""
        return Votes(self._connection, self.executions)

    @cached_property
    def watches(self) -> Watches:
        """What is followed to an end."""
        return Watches(self._connection)

    @cached_property
    def orders(self) -> Orders:
        """Rentals on the chain."""
        return Orders(self._connection)

    @cached_property
    def money(self) -> Money:
        """What rentals cost."""
        return Money(self._connection)

    @cached_property
    def outages(self) -> Outages:
        """Silent nodes, and machines as they were left."""
        return Outages(self._connection)

    @cached_property
    def messages(self) -> Messages:
        """What is said in Slack."""
        return Messages(self._connection, self._restored, self._handover)

    @cached_property
    def sessions(self) -> Sessions:
        """Credentials for nodes."""
        return Sessions(self._connection, self._vault, self._now)

    @cached_property
    def access(self) -> Access:
        """Requests for access."""
        return Access(self._connection)

    @cached_property
    def renters(self) -> Renters:
        """What renters have under way."""
        return Renters(self._connection, self._vault)

    @cached_property
    def details(self) -> Details:
        """What was last read of machines."""
        return Details(self._connection, self._vault)

    @cached_property
    def names(self) -> Names:
        """Names that people gave."""
        return Names(self._connection)

    @cached_property
    def readers(self) -> Readers:
        """Who reads in which language."""
        return Readers(self._connection)

    @cached_property
    def freezes(self) -> Freezes:
        """Whether changes are stopped."""
        return Freezes(self._connection)

    @cached_property
    def turns(self) -> Turns:
        """Changes of one machine that wait for each other."""
        return Turns(self._connection)

    @cached_property
    def streams(self) -> Streams:
        """What is passed on to others, and how far."""
        return Streams(self._connection)

    @cached_property
    def leavers(self) -> Leavers:
        """People who have left."""
        return Leavers(self._connection)

    @cached_property
    def defaults(self) -> Defaults:
        """Nodes that are meant where none is named."""
        return Defaults(self._connection)

    @cached_property
    def probe(self) -> Probe:
        """Whether the database takes writes."""
        return Probe(self._connection)

    @cached_property
    def aliases(self) -> Aliases:
        """People's own words for commands."""
        return Aliases(self._connection)

    @cached_property
    def inventory(self) -> Inventory:
        """Machines and nodes as last seen."""
        return Inventory(self._connection)

    @cached_property
    def sightings(self) -> Sightings:
        """Images, disks and the like as last seen."""
        return Sightings(self._connection)

    @cached_property
    def strangers(self) -> Strangers:
        """What this version cannot read."""
        return Strangers(self._connection)

    @cached_property
    def suggestions(self) -> Suggestions:
        """What a line may have meant."""
        return Suggestions(self._connection, self._vault)

    @cached_property
    def leases(self) -> Leases:
        """Who works on what."""
        return Leases(self._connection)

    @cached_property
    def leftovers(self) -> Leftovers:
        """What has had its time."""
        return Leftovers(self._connection)

    @cached_property
    def open_work(self) -> OpenWork:
        """What there is to do."""
        return OpenWork(self._connection)

    @cached_property
    def figures(self) -> FigureReader:
        """How much is open."""
        return FigureReader(self._connection)

    async def flush(self) -> None:
        """Write what is written last. The store's own; nobody else calls it."""
        if self.has_news:
            await self.audit.flush()

    @property
    def has_news(self) -> bool:
        """Whether something was appended to the audit and not written yet."""
        return "audit" in vars(self) and self.audit.is_pending

    @property
    def ended(self) -> Sequence[Execution]:
        """The commands that came to their ends."""
        return self.executions.ended if "executions" in vars(self) else ()

    @property
    def erased(self) -> bool:
        """Whether secrets were erased, so that no trace of them should stay in a journal."""
        made = vars(self)
        return any(made[name].erased for name in _KEEPERS if name in made)
