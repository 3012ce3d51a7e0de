"""What a click on a machine's or a silent node's button means: the same request as a typed line.

Everything about it is decided at the click, for whoever clicked: what the button is about by ids,
whether they may see or do it by the same rules and sessions as for a line.
"""

from collections.abc import Awaitable, Callable, Mapping
from functools import partial

from bot.errors import Refused, from_error
from bot.ids import ExecutionId, NodeId, TaskId, UserId
from bot.language.row_parts import Listing
from bot.messages import cards, machine_buttons
from bot.messages.machine_buttons import ACTS, MORE, RESCUE
from bot.model import Machine, Place, Press, Source
from bot.pipeline.context import Services
from bot.pipeline.ended import may_still
from bot.pipeline.formatting import RETRY_VM, lamp, machine_row
from bot.pipeline.rights import no_such_machine, visible_to
from bot.pipeline.wish import Wish
from bot.pipeline.works import Ask, Open, outdated, saying
from bot.ports import MACHINES_NAMED, Answer, Work
from bot.reply import Note, Para, Reply, Row, Rows, bold, command, line, say, time
from bot.services.shown import mentioned

_MOST = 10  # machines that a message names


class MachinePresses:
    """Takes clicks on machines; `ask` takes the request that each stands for, `opens` its form."""

    def __init__(self, services: Services, ask: Ask, opens: Open) -> None:
        self._services = services
        self._ask = ask
        self._open = opens
        self._shows = services.table.details(Listing.MACHINES).id
        self.actions: Mapping[str, Callable[[Press], Awaitable[Work]]] = {
            machine_buttons.ACT: self._act,
            cards.CONNECT: self._connect,
            RETRY_VM: self._retry_vm,
            MACHINES_NAMED: self._named,
        }

    async def _act(self, press: Press) -> Work:
        meant = machine_buttons.meant(press.value)
        if meant is None:
            return outdated()
        verb, task, begins = meant
        node = await self._node(begins)
        if node is None:
            return saying(from_error(no_such_machine()))
        if verb == MORE:
            return partial(self._show_all, press.actor, press.place, NodeId(node), TaskId(task))
        act = ACTS[verb]
        if verb == RESCUE:
            return await self._rescues(press, {"vm": task, "on": node, **act.given})
        return await self._pressed(press, act.command, {"vm": task, "on": node, **act.given})

    async def _rescues(self, press: Press, values: Mapping[str, str]) -> Work:
        """Open the form of a snapshot, filled in with its name and, of several, a server."""
        servers = [one.name for one in await self._services.sightings.servers()]
        to = {"server": servers[0]} if len(servers) > 1 else {}
        command = self._services.table[ACTS[RESCUE].command]
        return await self._open(command, {**values, **to}, press.actor, press.place)

    async def _named(self, press: Press) -> Work:
        """The machines that a message names, as far as whoever asks may see them."""
        return partial(self._show_named, press)

    async def _show_named(self, press: Press, answer: Answer) -> None:
        seen = await visible_to(self._services, press.actor, press.place)
        found = mentioned(seen, press.value)
        by_id = [one for one in found if one.task in press.value or one.task[:8] in press.value]
        found = await self._services.inventory.moments(by_id or found)
        if not found:
            raise Refused(
                say("This message names no machine of yours."),
                hint=line(say("See: {command}", command=command("vm list"))),
            )
        labels = {one.node: await self._services.inventory.label(one.node) for one in found}
        may = await may_still(self._services, press.actor, press.place.channel, [*labels])
        if len(found) == 1:
            await answer.say(actions_of(found[0], labels[found[0].node], may))
            return
        rows = tuple(
            Row(
                line(machine_row(one), " · ", labels[one.node]),
                {},
                machine_buttons.menu(one.node, one.task, one.status, may),
            )
            for one in found[:_MOST]
        )
        told = say("This message names several machines.")
        if len(found) > _MOST:
            told = say(
                "This message names {count} machines. These are the first {most}; "
                "{command} lists all of yours.",
                count=len(found),
                most=_MOST,
                command=command("vm list"),
            )
        parts = Para(line(told)), Rows(rows)
        await answer.say(Reply(told, parts, private=True, is_look=True))

    async def _connect(self, press: Press) -> Work:
        async with self._services.store.read() as tx:
            execution = await tx.executions.get(ExecutionId(press.value))
        values = {"vm": execution.task, "on": execution.node}
        return await self._pressed(press, self._shows, values)

    async def _retry_vm(self, press: Press) -> Work:
        return await self._pressed(press, self._shows, {"vm": press.value, "retry": "true"})

    async def _pressed(self, press: Press, name: str, values: Mapping[str, str]) -> Work:
        row = self._services.table[name]
        by_id = "vm" in values
        wish = Wish(press.key, press.actor, press.place, Source.BUTTON, row, values, by_id=by_id)
        return await self._ask(wish, {})

    async def _node(self, begins: str) -> str | None:
        """The whole id of the node that a button means; None where nobody knows it any more."""
        known = await self._services.store.known()
        found = {node.id for node in known.nodes() if node.id.startswith(begins)}
        return found.pop() if len(found) == 1 else None

    async def _show_all(
        self, actor: UserId, place: Place, node: NodeId, task: TaskId, answer: Answer
    ) -> None:
        """Show whoever may see the machine all that can be done with it. Raises Refused."""
        services = self._services
        seen = await visible_to(services, actor, place)
        found = [one for one in seen if (one.node, one.task) == (node, task)]
        if not found:
            raise no_such_machine()
        (machine,) = await services.inventory.moments(found[:1])
        may = await may_still(services, actor, place.channel, [node])
        await answer.say(actions_of(machine, await services.inventory.label(node), may))


def actions_of(machine: Machine, node: str, may: machine_buttons.May) -> Reply:
    """A machine as last seen, and all that can be done with it and is not surely denied."""
    names = {"machine": bold(machine.label), "node": bold(node)}
    head = line(say("{machine} on {node}", **names), "  ", lamp(machine.status))
    return Reply(
        say("What to do with {machine} on {node}", machine=machine.label, node=node),
        (
            Para(head),
            machine_buttons.everything(machine.node, machine.task, machine.status, may),
            Note(line(say("As last seen {when}.", when=time(machine.seen_at)))),
        ),
        private=True,
        is_look=True,
    )
