"""What a running bot does over and over: which job, how often, and what brings it forward."""

from datetime import timedelta
from functools import partial

from bot.messages.copies import Copies
from bot.messages.gathering import part_given_up
from bot.messages.outbox import Outbox
from bot.orders.books import Books
from bot.orders.ended_on_nodes import EndedOnNodes
from bot.outages.outages import Outages
from bot.pipeline.context import Services
from bot.pipeline.desk import Desk
from bot.pipeline.obsolete import Obsolete
from bot.pipeline.pipeline import Pipeline
from bot.pipeline.reminders import Reminders
from bot.pipeline.rentals_on_cards import RentalsOnCards
from bot.services.damage import Damage
from bot.services.look_around import LookAround
from bot.services.retention import Leftovers
from bot.services.ticker import Job
from storage import Open
from storage.heartbeat import HEARTBEAT


def jobs_of(
    services: Services,
    desk: Desk,
    pipeline: Pipeline,
    outbox: Outbox,
    copies: Copies,
    leftovers: Leftovers,
    damage: Damage,
    outages: Outages,
) -> tuple[Job, ...]:
    """Every job of a running bot, in the order in which a tick by hand does them."""
    second = timedelta(seconds=1)
    obsolete = Obsolete(services, outbox)
    store, clock, reviewing = services.store, services.clock, services.reviews
    reminders = Reminders(store, reviewing, reviewing.deliver, clock)
    reviews = frozenset({Open.REVIEW})
    return (
        Job("leases", HEARTBEAT, services.leases.beat),
        Job("policy", second, services.audit.record_policy),
        Job("recover", 10 * second, desk.recover, about=frozenset({Open.COMMAND, Open.CLICK})),
        Job("turns", 2 * second, pipeline.take_turns, about=frozenset({Open.COMMAND})),
        Job("expire", 5 * second, reviewing.expire, about=reviews),
        Job("damaged rows", timedelta(minutes=1), damage.look),
        Job("obsolete", 5 * second, obsolete.close, about=reviews),
        Job("measure", 5 * second, reviewing.measuring.look, about=reviews),
        Job("rentals on cards", 5 * second, RentalsOnCards(services).look, about=reviews),
        Job("remind", 5 * second, reminders.remind, about=reviews),
        # A poll of a silent node takes 40 s: others must not wait for it.
        Job("watches", second, services.watches.poll_due, 50, frozenset({Open.WATCH})),
        # One after the other in a tick by hand; new ones are found beside those that are known.
        Job("new orders", 5 * second, services.orders.find_due),
        Job("orders", 5 * second, services.orders.poll_due),
        Job("outbox", second, outbox.deliver_due, 5, frozenset({Open.MESSAGE})),
        Job("copies", 10 * second, copies.look, about=frozenset({Open.COPY})),
        Job("joint ends", 10 * second, partial(part_given_up, store, clock)),
        Job("audit head", timedelta(minutes=5), services.audit.post_head),
        Job("renters", timedelta(minutes=5), services.renters.forget_expired),
        Job("access", 5 * second, services.access.look, about=frozenset({Open.SHARE, Open.ACCESS})),
        Job("aliases", timedelta(minutes=1), services.aliases.refresh),
        Job("languages", 5 * second, services.languages.refresh),
        *_looking_around(services, outages),
        Job("leftovers", timedelta(hours=1), leftovers.forget),
    )


def _looking_around(services: Services, outages: Outages) -> tuple[Job, ...]:
    """What looks at the nodes whether or not somebody asks, and what goes by what that has seen."""
    often, minute = timedelta(seconds=5), timedelta(minutes=1)
    store, clock = services.store, services.clock
    around = LookAround(store, services.dbc, services.inventory, services.sightings, clock)
    ended = EndedOnNodes(store, services.orders, services.dbc, services.inventory, clock)
    books = Books(store, services.orders, services.inventory, services.last_known, clock)
    return (
        Job("inventory", minute, around.everywhere),
        # By itself: what some nodes leave unanswered must not keep machines from being listed.
        Job("closer looks", minute, around.closer),
        Job("new sessions", often, around.at_new_sessions),
        # After both: it goes by the living orders and the machines that were found.
        Job("ended orders", often, ended.look),
        # Compares what was seen last; in a tick by hand, what the look around has just seen.
        Job("outages", minute, outages.look),
        Job("books", minute, books.keep),
        Job("budgets", minute, services.budgets.look),
    )
