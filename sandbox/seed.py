"""Prepares the demo through the front door: people add their sessions with the bot's own form.

Knows only what is on the screen; whatever cannot be done there is reported, never forced.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from sandbox.dbc import World
from sandbox.dbc.demo import demo_renter
from sandbox.slack import CannotDo, Person, SeenView, Workspace

# How long the bot gets for one step (seconds): it asks a node across the sandbox daemon.
PATIENCE = 15.0
NODES = ("gpu1", "gpu2")
PEOPLE = ("alice", "bob")
_WORKS = re.compile(r"\bworks\b")
_WAITS = ":hourglass_flowing_sand:"


@dataclass(frozen=True)
class Credential:
    """What a person needs to act on a node."""

    node: str
    node_id: str
    session_id: str
    session_id_sign: str

    def field(self, label: str) -> str | None:
        """What goes into the input with this label; None where it stays as it is."""
        for pattern, value in (
            (r"sign", self.session_id_sign),
            (r"session", self.session_id),
        ):
            if re.search(pattern, label, re.IGNORECASE):
                return value
        return None


def credentials(world: World) -> Iterator[Credential]:
    """The demo renter's sessions on the nodes that answer."""
    renter = demo_renter()
    for name in NODES:
        node = world.node(name)
        session_id, signature = node.session_for(renter)
        yield Credential(name, node.node_id, session_id, signature)
    for manager in world.managers.values():
        for number, machine in enumerate(manager.machines.values(), 1):
            session_id, signature = machine.session_for(renter)
            label = f"{manager.name}-{number}"
            yield Credential(label, machine.node_id, session_id, signature)


async def seed(ws: Workspace, world: World) -> list[str]:
    """Let the people add and name what they lack; what went wrong, in sentences."""
    problems: list[str] = []
    for name in PEOPLE:
        person = ws.member(name)
        try:
            known = await _answer(ws, person, "/dbc session list")
            for credential in credentials(world):
                if not _is_known(credential, known):
                    await _add(ws, person, credential)
            known = await _answer(ws, person, "/dbc session list")
            for credential in credentials(world):
                if credential.node not in known:
                    line = f"/dbc node name {credential.node_id} {credential.node}"
                    await _answer(ws, person, line)
            if name == PEOPLE[0]:
                await _name_managers(ws, person, world)
        except TimeoutError:
            problems.append(f"The bot did not answer {name} in time.")
        except (CannotDo, AssertionError) as problem:
            problems.append(f"{name}: {problem}")
        person.reloads()  # so that people begin with what matters
        person.reads("@dbc")
    return problems


async def _name_managers(ws: Workspace, person: Person, world: World) -> None:
    """Make the managers of bare metal known, and called by their names."""
    known = await _answer(ws, person, "/dbc metal list")
    for manager in world.managers.values():
        if f"*{manager.name}*" not in known:
            await _answer(ws, person, f"/dbc metal list {manager.node_id}")
            await _answer(ws, person, f"/dbc node name {manager.node_id} {manager.name}")


def _is_known(credential: Credential, listed: str) -> bool:
    return credential.node in listed or credential.node_id[:6] in listed


async def _answer(ws: Workspace, person: Person, line: str) -> str:
    """Type a command in the direct message with the bot and read what comes."""
    before = len(person.messages("@dbc"))
    await person.types(line, channel="@dbc")
    await ws.until(lambda: len(person.messages("@dbc")) > before, PATIENCE)
    return person.last("@dbc").plain


async def _add(ws: Workspace, person: Person, credential: Credential) -> None:
    await person.types(f"/dbc session add {credential.node_id}", channel="@dbc")
    form = await person.sees_modal(timeout=PATIENCE)
    values = {label: credential.field(label) for label in form.labels}
    empty = form.plain
    await person.submits({label: value for label, value in values.items() if value})
    await ws.until(lambda: _is_settled(person.modal, empty), PATIENCE)
    shown = person.modal
    if shown is None:
        return
    told = "; ".join(shown.errors.values()) or shown.trouble or shown.plain
    await person.closes()
    if not _WORKS.search(told):
        raise CannotDo(f"the form for {credential.node} says: {told}")


def _is_settled(shown: SeenView | None, before: str) -> bool:
    """Whether the form says how it ended: closed, complaining, or reading unlike before."""
    if shown is None or shown.errors or shown.trouble:
        return True
    return shown.plain != before and _WAITS not in shown.plain
