"""The App Home: a person's machines and sessions, with buttons that work."""

from bot.commands.context import Services
from bot.commands.groups.shown import OPEN_FORM, machine_row, stacked
from bot.model import Machine
from bot.reply import (
    Actions,
    Button,
    Divider,
    Heading,
    Line,
    Note,
    Para,
    Part,
    Reply,
    bold,
    code,
    line,
    time,
)


async def home(services: Services, user: str) -> Reply:
    """What `user` sees, from what is known here: no node is asked."""
    sessions = await services.sessions.usable(user)
    machines = await services.inventory.machines(user)
    async with services.store.read() as tx:
        watches = await tx.watches.open(asked_by=user)
    parts: list[Part] = [Heading("Your machines"), *await _machines(services, machines)]
    if watches:
        rows = [line("• ", bold(w.label), f": {w.status or 'queued'}") for w in watches]
        parts += [Divider(), Heading("Under way"), Para(stacked(rows))]
    labels = [
        await services.inventory.label(session.node) + " (shared)" * (session.user != user)
        for session in sessions
    ]
    parts += [
        Divider(),
        Heading("Your sessions"),
        Para(line(", ".join(labels) if labels else "None yet: add one to see your machines.")),
        Actions(
            (
                Button("Create a machine", OPEN_FORM, "vm.create", "primary" if sessions else ""),
                Button("Add a session", OPEN_FORM, "session.add", "" if sessions else "primary"),
            )
        ),
        Note(line("Everything else: ", code(f"{services.slash_command} help"))),
    ]
    return Reply("Your machines", tuple(parts))


async def _machines(services: Services, machines: list[Machine]) -> list[Part]:
    if not machines:
        return [Para(line("None that I know of."))]
    by_node: dict[str, list[Line]] = {}
    for machine in machines:
        by_node.setdefault(machine.node, []).append(machine_row(machine))
    parts: list[Part] = [
        Para(stacked([line(bold(await services.inventory.label(node))), *rows]))
        for node, rows in by_node.items()
    ]
    parts.append(Note(line("As last seen ", time(min(m.seen_at for m in machines)), ".")))
    return parts
