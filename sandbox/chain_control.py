"""The chain's levers over HTTP: orders end, are confirmed, renewed, rented; its nodes fall ill.

The bot goes by this machine's clock, which nobody can hurry along: so an order's end is moved.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from aiohttp import web

from sandbox.chain import Chain, Rental, RpcNode
from sandbox.chain.blocks import SLOT
from sandbox.chain.ledger import CONFIRM_WITHIN, HALF_HOUR, MOST_AHEAD, PER_DAY, ChainRefused
from sandbox.dbc import World
from sandbox.dbc.chain import RentOrder
from sandbox.dbc.demo import demo_renter
from sandbox.dbc.host import KEPT_BLOCKS
from sandbox.dbc.task import Libvirt
from sandbox.posted import posted

HEALTH = ("well", "unreadable", "stuck", "contradicting")
_WHY = {
    "NoOrderExist": "This order is not running: confirm it first, or it has ended or lapsed.",
    "ExpiredConfirm": "The 15 minutes for its confirmation are over.",
    "ReletTooShort": "A renewal is for 10 minutes at least.",
    "GPUNotEnough": "The machine has no GPU left that is not rented.",
    "OnlyHalfHourAllowed": "An order is for half hours.",
}

Answer = dict[str, Any]


class ChainControl:
    """The routes over one chain, the nodes that tell of it, and the machines that it rents out."""

    def __init__(self, chain: Chain, nodes: Sequence[RpcNode], world: World, renter: str) -> None:
        self._chain = chain
        self._nodes = nodes
        self._world = world
        self._names = {node.node_id: node.name for node in world.nodes.values()}
        self._renter = renter
        self._health = "well"

    def application(self) -> web.Application:
        """`GET /state`, `POST /orders/{number}/end|renew|confirm`, `/rent`, `/ended`, `/health`."""
        app = web.Application()
        app.add_routes(
            [
                web.get("/state", self._state),
                web.post("/orders/{number:\\d+}/{what:end|renew|confirm}", self._order),
                web.post("/rent", self._rent),
                web.post("/ended", self._had_ended),
                web.post("/health", self._fall_ill),
            ]
        )
        return app

    async def _state(self, _: web.Request) -> web.Response:
        return web.json_response(self._shown())

    async def _order(self, request: web.Request) -> web.Response:
        """`end` in so long from now (below 0: so long ago); `renew` for so long; `confirm`."""
        number = int(request.match_info["number"])
        if number not in self._chain.rentals:
            return _refused(f"There is no order {number}.", 404)
        given = await posted(request)
        acts: dict[str, Callable[[], None]] = {
            "end": lambda: self._chain.move_end(number, _blocks(given)),
            "renew": lambda: self._chain.relet(number, _blocks(given)),
            "confirm": lambda: self._chain.confirm(number),
        }
        return self._done(acts[request.match_info["what"]])

    async def _rent(self, request: web.Request) -> web.Response:
        """Rent a `node`'s free GPUs for so long; the order waits for its confirmation."""
        given = await posted(request)
        machine = self._machine(given)
        if machine is None:
            return self._no_node()

        def rent() -> None:
            head = self._chain.blocks.head
            taken = sum(len(one.gpus) for one in self._chain.of_machine(machine, head))
            free = self._chain.machines[machine].gpu_num - taken
            length = max(_blocks(given) // HALF_HOUR, 1) * HALF_HOUR
            self._chain.rent(self._renter, machine, max(free, 1), blocks=length)

        return self._done(rent)

    async def _had_ended(self, request: web.Request) -> web.Response:
        """A `node` has a machine of an order that ended long ago, and deletes it in so long."""
        given = await posted(request)
        machine = self._machine(given)
        if machine is None:
            return self._no_node()

        def leave() -> None:
            left = _blocks(given)
            if not 0 < left < KEPT_BLOCKS:
                raise ValueError("A node deletes within 72 hours after the end of an order.")
            node = self._world.nodes[machine]
            gpus, ago = [node.gpus - 1], KEPT_BLOCKS - left
            order = self._chain.ended(self._renter, machine, gpus, ago)
            number = str(order.number)
            node.chain.orders[number] = RentOrder(number, self._renter, gpus, rent_end=order.end)
            task = node.running_task(
                demo_renter(), desc=f"left-of-{number}", gpus=gpus, rent_order=number,
                created_at=node.now - ago * SLOT - timedelta(hours=1),
            )  # fmt: skip
            if task.domain is not None:
                task.domain.state = Libvirt.SHUT_OFF

        return self._done(leave)

    def _machine(self, given: Mapping[str, Any]) -> str | None:
        """The id of the `node` that is named; None where it is none of these."""
        named = {name: machine for machine, name in self._names.items()}
        return named.get(str(given.get("node", "")))

    def _no_node(self) -> web.Response:
        return _refused(f"A node is one of {', '.join(sorted(self._names.values()))}.")

    async def _fall_ill(self, request: web.Request) -> web.Response:
        health = (await posted(request)).get("is")
        if health not in HEALTH:
            return _refused(f"`is` is one of {', '.join(HEALTH)}.")
        self._health = health
        head = self._chain.blocks.head
        for node in self._nodes:
            node.down = health == "unreadable"
            node.stuck_at = head if health == "stuck" else None
        self._nodes[-1].denies = set(self._chain.rentals) if health == "contradicting" else set()
        return web.json_response(self._shown())

    def _done(self, act: Callable[[], None]) -> web.Response:
        try:
            act()
        except ChainRefused as error:
            return _refused(_WHY.get(str(error), str(error)))
        except (ValueError, TypeError, OverflowError) as error:
            return _refused(str(error))
        for node in self._world.nodes.values():
            if node.ledger is not None:
                node.look_at_rentals(node.ledger)  # else it would never read a moved end
        return web.json_response(self._shown())

    def _shown(self) -> Answer:
        return {
            "health": self._health,
            "block": self._chain.blocks.head,
            "nodes": [it.name for it in self._world.nodes.values() if it.ledger is not None],
            "orders": [self._one(rental) for rental in self._chain.rentals.values()],
        }

    def _one(self, rental: Rental) -> Answer:
        head = self._chain.blocks.head
        there = rental.exists(head)
        state = "renting" if rental.is_confirmed(head) else "waiting"
        if not there or (state == "renting" and head >= rental.end):
            state = "ended" if rental.is_confirmed(head) else "lapsed"
        until = rental.start + CONFIRM_WITHIN if state in {"waiting", "lapsed"} else rental.end
        return {
            "number": rental.number,
            "node": self._names.get(rental.machine_id, rental.machine_id),
            "state": state,
            "gpus": len(rental.gpus),
            "block": until,
            "in_seconds": round(((until - head) * SLOT).total_seconds()),
        }


def _blocks(given: Mapping[str, Any]) -> int:
    """How many blocks make so many `minutes`, `hours` and `days`."""
    units = ("minutes", "hours", "days")
    wrong = sorted(given.keys() - {*units, "node"})
    if wrong or not given.keys() & set(units):
        raise ValueError("Say how long, in minutes, hours or days.")
    blocks = timedelta(**{unit: float(given[unit]) for unit in units if unit in given}) // SLOT
    if abs(blocks) > MOST_AHEAD:
        raise ValueError(f"No order is for longer than {MOST_AHEAD // PER_DAY} days.")
    return blocks


def _refused(sentence: str, status: int = 409) -> web.Response:
    return web.json_response({"error": sentence}, status=status)
