"""What the names of a request meant when it was acknowledged, and whether they mean it still.

Names and defaults move while a request waits: for Slack, for a review, for its turn, for whoever
takes it up after a crash. What was meant is written down with it, as far as that is known here.
Of a name that only DBC knows, none counts that was given to a machine or node since.
"""

from collections.abc import Mapping
from dataclasses import replace

from bot.errors import ONCE_MORE, Refused
from bot.folding import plain
from bot.ids import NodeId, UserId
from bot.language.args import NODE_OPTION
from bot.language.joined_words import takes_node
from bot.language.kind import Kind
from bot.language.kinds import NODE
from bot.language.row_parts import Listing
from bot.language.table import Command
from bot.model import Execution, Machine, Meant, Nicknamed, Node, Place, Scope, Source
from bot.pipeline.context import Services
from bot.pipeline.meant import is_chosen
from bot.pipeline.rights import hidden_from
from bot.pipeline.targets import Bound
from bot.pipeline.wish import Wish
from bot.reply import say
from bot.services.inventory import NotKnownHere
from bot.services.machine_search import Sought
from bot.services.matching import is_machine_called, is_node_called, match_machine, match_node
from storage import Known, Store


async def meant_here(services: Services, wish: Wish) -> dict[str, Meant]:
    """What the names of a request mean now, as far as is known here; nobody is asked."""
    names = _names(wish.command, wish.values)
    return {name: await _meant(services, wish, *names[name]) for name in names}


async def _meant(services: Services, wish: Wish, kind: Kind, text: str) -> Meant:
    if wish.by_id and kind.is_machine:
        return Meant(text, is_sure=True)
    actor, place, inventory = wish.actor, wish.place, services.inventory
    try:
        if kind.is_machine:
            on = wish.values.get(NODE_OPTION, "")
            search = services.machine_search
            machine = await search.find(Sought(actor, text, on, place.channel, asking=False))
            return Meant(machine.task, await search.is_certain(machine, text))
        if not text:
            node = await inventory.default_node(actor, place, asking=False)
            return Meant(node.id, is_sure=True)
        node = await inventory.named_node(text, kind.nodes, asking=False)
        return Meant(node.id, is_node_called(node, text))
    except NotKnownHere:
        return Meant()
    except Refused:
        return Meant(is_sure=True)


async def as_chosen(
    services: Services,
    command: Command,
    values: Mapping[str, str],
    actor: UserId,
    place: Place,
    *,
    by_id: bool | None = None,
) -> Mapping[str, str]:
    """The texts to fill a form with: ids instead of whole names of what is known here.

    What is sent in minutes later is about what the form has shown, whatever is called so by then.
    A form tells nobody what a name means where they may not see it. `by_id` as of a wish; else
    whatever reads like a machine's id is one.
    """
    by_id = is_chosen(command, values) if by_id is None else by_id
    wish = Wish("", actor, place, Source.FORM, command, values, by_id=by_id)
    meant = await meant_here(services, wish)
    ids = {name: one for name, one in meant.items() if one.id and values.get(name)}
    if not ids:
        return values
    unseen = await hidden_from(services, actor, place, Listing.MACHINES, asking=False)()
    machines = await services.inventory.machines(actor, place.channel)
    nodes = (await services.store.known()).nodes()
    called: dict[str, tuple[str, ...]] = {
        n.id: (n.nickname, n.name, n.desc) for n in nodes if n.id not in unseen
    }
    called |= {one.task: (one.nickname, one.desc) for one in machines if one.node not in unseen}

    def is_called(one: Meant, text: str) -> bool:
        names = called.get(one.id)
        return names is not None and (one.is_sure or plain(text) in map(plain, names))

    shown = {name: one.id for name, one in ids.items() if is_called(one, values[name])}
    return {**values, **shown}


async def as_meant(
    store: Store, command: Command, execution: Execution, bound: Bound
) -> dict[str, Meant]:
    """What its names mean as they were looked up. Raises Refused where it was something else."""
    known = await store.known()
    now: dict[str, Meant] = {}
    for name, (_, text) in _names(command, execution.arguments).items():
        found: Machine | Node = bound.arguments.get(name, bound.node)
        then = execution.meant.get(name, Meant(_id(found)))
        if then.id != _id(found) and not _is_as_old(known, execution, then, found, text):
            raise moved(found, is_named=bool(text))
        now[name] = Meant(_id(found), is_sure=True)
    return now


def by_ids(command: Command, execution: Execution) -> dict[str, str]:
    """The texts of a request with ids in place of its names, also where none was given."""
    ids = {name: one.id for name, one in execution.meant.items() if one.is_sure}
    target = command.target
    if target is not None and target.arg.kind.is_machine:
        ids |= {target.name: execution.task, NODE_OPTION: execution.node}
    elif target is not None:
        ids[target.name] = execution.node
    return {**execution.arguments, **{name: one for name, one in ids.items() if one}}


class Moved(Refused):
    """A name means something else than it did: requested as it was, it is refused again."""


def moved(found: Machine | Node | None, *, is_named: bool) -> Moved:
    """For a name that has come to mean `found` since, or a default where it is not named."""
    told = say("The name means another node now than when this was requested.")
    if isinstance(found, Machine):
        told = say("The name means another machine now than when this was requested.")
    elif not is_named:
        told = say("Another node is meant without a name now than when this was requested.")
    return Moved(told, hint=ONCE_MORE)


def _is_as_old(
    known: Known, execution: Execution, then: Meant, found: Machine | Node, text: str
) -> bool:
    """Whether a text that was not sure to mean something may have meant this one all along."""
    if then.is_sure and (then.id or not text):
        return False
    if not text:
        place = execution.place.channel
        chosen = known.default(Scope.CHANNEL, place) or known.default(Scope.PERSON, execution.actor)
        return chosen is None  # it is the only node that was heard of
    kind = Nicknamed.MACHINE if isinstance(found, Machine) else Nicknamed.NODE
    given = known.given.get((kind, _id(found)))
    if given is not None and given.since is not None and given.since > execution.created_at:
        found = replace(found, nickname="")
    if isinstance(found, Machine):
        is_called = is_machine_called(found, text)
        fits = bool(match_machine([found], text, NodeId(""), known.nodes()))
    else:
        is_called, fits = is_node_called(found, text), bool(match_node([found], text))
    return is_called or (then == Meant() and fits)


def _id(found: Machine | Node) -> str:
    return found.task if isinstance(found, Machine) else found.id


def _names(command: Command, values: Mapping[str, str]) -> dict[str, tuple[Kind, str]]:
    """The names of machines and nodes by parameter; an empty one where a default is meant."""
    given = {p: values.get(p.name, "") for p in command.parameters if p.arg.kind.is_target}
    found = {
        p.name: (p.arg.kind, text)
        for p, text in given.items()
        if text or (p.required and p.arg.kind.has_default)
    }
    on = values.get(NODE_OPTION)
    if on and takes_node(command) and command.parameter(NODE_OPTION) is None:
        found[NODE_OPTION] = NODE, on
    return found
