"""The messages about outages and changes outside the bot. Pure builders."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum, auto

from bot.chain.models import MachineOnChain
from bot.dbc.models import said_state
from bot.ids import NodeId, TaskId
from bot.messages import machine_buttons, ways
from bot.messages.machine_buttons import May
from bot.model import Kept
from bot.reply import (
    Actions,
    Button,
    Line,
    Note,
    Para,
    Part,
    Phrase,
    Reply,
    Row,
    Rows,
    Text,
    Words,
    all_of,
    bold,
    emoji,
    line,
    say,
    say_number,
    time,
)

_MOST = 10  # lines
_MOST_RETRIES = 3  # buttons
_ENDED = emoji("small_blue_diamond")  # before the end of a part of an alarm


@dataclass(frozen=True, slots=True)
class SilentNode:
    """A node, when it last answered, how many machines somebody sees there, and what the chain
    says of it.
    """

    node: NodeId
    label: str
    since: datetime
    machines: int
    chain: Text = ""


def silent(nodes: Sequence[SilentNode], lasts: timedelta = timedelta()) -> Reply:
    """Nodes that do not respond. `lasts`: that one is back is told once it is so for so long."""
    if len(nodes) == 1:
        told = say(
            "{node} has not responded since {time}.",
            node=bold(nodes[0].label), time=time(nodes[0].since),
        )  # fmt: skip
        parts: list[Part] = [Para(line(emoji("warning"), " ", told))]
        notes = [_seen_there(nodes[0].machines), nodes[0].chain]
        parts += [Note(line(one)) for one in notes if one]
    else:
        told = say_number("{number} node is not responding.", "{number} nodes are not responding.",
                          len(nodes))  # fmt: skip
        parts = [Para(line(emoji("warning"), " ", told)), *_listed([_line(one) for one in nodes])]
    again = [ways.again(one.node, one.label) for one in nodes[:_MOST_RETRIES]]
    parts += [Note(line(_again(lasts))), Actions((*again, ways.ENDS_ONLY))]
    return Reply(line(told), tuple(parts))


def _again(lasts: timedelta) -> Text:
    if not lasts:
        return say("You are told when it responds again.")
    return say_number(
        "This comes and goes: you are told once it has responded for {number} minute without a "
        "break.",
        "This comes and goes: you are told once it has responded for {number} minutes without a "
        "break.",
        lasts // timedelta(minutes=1),
    )


def is_promise(part: Part) -> bool:
    """Whether a part of an alarm says when its end is told."""
    promises = {
        one.template
        for one in (_again(timedelta()), _again(timedelta(minutes=1)))
        if isinstance(one, Phrase)
    }
    return isinstance(part, Note) and any(
        isinstance(one, Phrase) and one.template in promises for one in part.text
    )


def is_alarm(told: Reply) -> bool:
    """Whether a message warns of what still is so, as all alarms here do until they are closed."""
    head = told.parts[0] if told.parts else None
    return isinstance(head, Para) and head.text[:1] == line(emoji("warning"))


def with_end(alarm: Reply, end: Reply) -> Reply:
    """An alarm that notes the end of a part of what it tells, above its buttons."""
    noted = Note(line(_ENDED, " ", *line(end.summary)))
    if noted in alarm.parts:
        return alarm
    at = next((i for i, one in enumerate(alarm.parts) if isinstance(one, Actions)), None)
    at = len(alarm.parts) if at is None else at
    return replace(alarm, parts=(*alarm.parts[:at], noted, *alarm.parts[at:]))


def ends_in(alarm: Reply) -> list[Line]:
    """The ends of parts of it that an alarm notes."""
    notes = [one.text for one in alarm.parts if isinstance(one, Note)]
    return [text[2:] for text in notes if text[:1] == line(_ENDED)]


def _line(node: SilentNode) -> Line:
    told = line(say("{node} since {time}", node=bold(node.label), time=time(node.since)))
    for one in (_seen_there(node.machines), node.chain):
        told = line(*told, " · ", one) if one else told
    return told


def _seen_there(machines: int) -> Text:
    if not machines:
        return ""
    return say_number(
        "{number} machine was last seen there.", "{number} machines were last seen there.", machines
    )


# What the chain calls a machine's state, as people say it; another word stands as it is.
_ON_CHAIN: Mapping[str, Text] = {"rented": say("rented"), "online": say("not rented")}


def of_chain(machine: MachineOnChain | None) -> Text:
    """What the chain says of a node."""
    if machine is None:
        return say("The chain does not know it.")
    if machine.offline_since is not None:
        return say(
            "The chain has it reported offline since block {block}.",
            block=f"{machine.offline_since:,}",
        )
    status = _ON_CHAIN.get(machine.status.lower(), machine.status)
    return say("The chain lists it as “{status}”.", status=status)


def answers_again(nodes: Sequence[tuple[str, datetime]]) -> Reply:
    """Nodes that respond again."""
    if len(nodes) == 1:
        told = say(
            "{node} is responding again. It was silent since {time}.",
            node=bold(nodes[0][0]), time=time(nodes[0][1]),
        )  # fmt: skip
    else:
        names = all_of(line(bold(label)) for label, _ in nodes)
        told = say("{nodes} are responding again.", nodes=names)
    return Reply(line(told), (Para(line(emoji("white_check_mark"), " ", told)),))


def unwatched(nodes: Sequence[tuple[str, datetime]]) -> Reply:
    """Nodes that were silent, and that nobody has a session for any more."""
    names = all_of(line(bold(label)) for label, _ in nodes)
    if len(nodes) == 1:
        told = say(
            "{node} is no longer watched, since nobody has a session for it any more. It was "
            "silent since {time}.",
            node=names, time=time(nodes[0][1]),
        )  # fmt: skip
    else:
        told = say(
            "{nodes} are no longer watched, since nobody has a session for them any more.",
            nodes=names,
        )
    return Reply(line(told), (Para(line(told)),))


def no_access(node: str) -> Reply:
    """Somebody who was told that a node is silent may see it no longer."""
    told = say(
        "You are told no more of this, since you have no access to {node} any more.",
        node=bold(node),
    )
    return Reply(line(told), (Para(line(told)),))


def switched_off() -> Reply:
    """The rules no longer have silence told."""
    told = say("By the rules, silent nodes are no longer watched. No end of this is told.")
    return Reply(line(told), (Para(line(told)),))


def daemons_silent(since: datetime) -> Reply:
    """No daemon leads to any node."""
    told = say("No DBC daemon has been reachable since {time}.", time=time(since))
    why = say(
        "Until then the bot sees no node and can send no command. Machines keep running. Whoever "
        "runs this bot has to check the daemon."
    )
    return Reply(line(told), (Para(line(emoji("warning"), " ", told)), Note(line(why))))


def daemons_answer_again(since: datetime) -> Reply:
    """One does again."""
    told = say("A DBC daemon can be reached again. None could since {time}.", time=time(since))
    return Reply(line(told), (Para(line(emoji("white_check_mark"), " ", told)),))


# Machines


@dataclass(frozen=True, slots=True)
class At:
    """A machine, by what its buttons need to know of it."""

    node: NodeId
    task: TaskId
    status: str


def at(kept: Kept) -> At:
    """A machine as it is kept."""
    return At(kept.node, kept.task, kept.status)


@dataclass(frozen=True, slots=True)
class Changed:
    """What a machine was and is: states or sizes; `now` is empty for one that is gone.

    `at` is the machine, with the state that it is in.
    """

    at: At
    label: str
    before: str
    now: str
    sizes: tuple[Line, Line] | None = None  # what was another one before, and what it is now

    @property
    def told(self) -> Text:
        """`*train-01* is off (it was running)`."""
        machine = bold(self.label)
        if not self.now:
            return say("{machine} no longer exists", machine=machine)
        if self.sizes is not None:
            before, now = self.sizes
            return say(
                "{machine} now has {now} (before: {before})",
                machine=machine, now=now, before=before,
            )  # fmt: skip
        return say(
            "{machine} is now “{now}” (before: “{before}”)",
            machine=machine, now=said_state(self.now), before=said_state(self.before),
        )  # fmt: skip


def changed(
    node: str, machines: Sequence[Changed], may: May, lasts: timedelta = timedelta()
) -> Reply:
    """Machines of a node that were changed outside the bot.

    `lasts`: of what comes and goes, what follows is told once it has lasted so long.
    """
    acts = _acts([one.at for one in machines if one.now], may)
    notes = (Note(line(_comes_and_goes(lasts))),) if lasts else ()
    if len(machines) == 1:
        told: Line = line(
            say("Outside this bot, on {node}: {change}.", node=bold(node), change=machines[0].told)
        )
        return Reply(told, (Para(line(emoji("warning"), " ", *told)), *notes, acts))
    head = say_number(
        "{number} machine on {node} was changed outside this bot.",
        "{number} machines on {node} were changed outside this bot.",
        len(machines), node=bold(node),
    )  # fmt: skip
    shown = [
        Row(line("• ", one.told), {}, _menu(one.at, may) if one.now else ())
        for one in machines[:_MOST]
    ]
    if len(machines) > _MOST:
        shown.append(Row(line(_more(len(machines) - _MOST)), {}))
    parts = (Para(line(emoji("warning"), " ", head)), Rows(tuple(shown)), *notes, acts)
    return Reply(line(head), parts)


def _comes_and_goes(lasts: timedelta) -> Text:
    return say_number(
        "This comes and goes: the next change is told once it has lasted for {number} minute.",
        "This comes and goes: the next change is told once it has lasted for {number} minutes.",
        lasts // timedelta(minutes=1),
    )


def _menu(at: At, may: May) -> tuple[Button, ...]:
    return machine_buttons.menu(at.node, at.task, at.status, may)


def _acts(machines: Sequence[At], may: May) -> Actions:
    """What can be done with a machine, where it is only one, and to hear less of such things."""
    own: tuple[Button, ...] = ()
    if len(machines) == 1:
        (at,) = machines
        own = machine_buttons.beside(at.node, at.task, at.status, besides="", may=may).buttons
    return Actions((*own, ways.ENDS_ONLY))


def as_before(node: str, machines: Sequence[tuple[str, str]]) -> Reply:
    """Machines that are again what they were."""
    if len(machines) == 1:
        told = say(
            "{machine} on {node} is “{state}” again.",
            machine=bold(machines[0][0]), node=bold(node), state=said_state(machines[0][1]),
        )  # fmt: skip
    else:
        told = say_number(
            "{number} machine on {node} is again as it was before.",
            "{number} machines on {node} are again as they were before.",
            len(machines), node=bold(node),
        )  # fmt: skip
    return Reply(line(told), (Para(line(emoji("white_check_mark"), " ", told)),))


def otherwise_since(node: str, machines: Sequence[tuple[str, str]]) -> Reply:
    """Machines that are no longer as was told, by the bot or by an end of a rental.

    Each by its label and its state, which is empty for one that is gone.
    """
    if len(machines) > 1:
        told = say_number(
            "{number} machine on {node} is no longer in that state.",
            "{number} machines on {node} are no longer in that state.",
            len(machines), node=bold(node),
        )  # fmt: skip
    else:
        ((label, state),) = machines
        machine = bold(label)
        if state:
            told = say(
                "{machine} on {node} is now “{state}”.",
                machine=machine, node=bold(node), state=said_state(state),
            )  # fmt: skip
        else:
            told = say("{machine} on {node} no longer exists.", machine=machine, node=bold(node))
    return Reply(line(told), (Para(line(told)),))


# SSH


def ports_shut(node: str, machines: Sequence[tuple[str, At]], may: May) -> Reply:
    """Running machines whose SSH port does not answer."""
    told = say_number(
        "SSH does not answer on {node}, although the node says the machine is running: {machines}.",
        "SSH does not answer on {node}, although the node says the machines are running: "
        "{machines}.",
        len(machines), node=bold(node), machines=_names([label for label, _ in machines]),
    )  # fmt: skip
    menus = [Row(line("• ", bold(label)), {}, _menu(at, may)) for label, at in machines[:_MOST]]
    below = (Rows(tuple(menus)),) if len(menus) > 1 else ()
    why = say("Checked from where this bot runs, which could connect before.")
    parts = (Para(line(emoji("warning"), " ", told)), *below, Note(line(why)))
    return Reply(line(told), (*parts, _acts([at for _, at in machines], may)))


def ports_open(node: str, machines: Sequence[str]) -> Reply:
    """Those whose SSH port answers again."""
    told = say(
        "SSH answers again on {node}: {machines}.",
        node=bold(node), machines=_names(machines),
    )  # fmt: skip
    return Reply(line(told), (Para(line(emoji("white_check_mark"), " ", told)),))


class PortOver(Enum):
    """Why a dead SSH port is watched no longer."""

    OFF = auto()
    DELETED = auto()
    RENTAL = auto()
    UNSEEN = auto()


def port_over(node: str, machines: Sequence[str], why: PortOver) -> Reply:
    """Machines whose dead SSH port is watched no longer."""
    number = len(machines)
    if why is PortOver.UNSEEN:  # whoever has no session may not know their names any more
        told = say(
            "SSH is no longer checked on {node}, since no session shows the machine any more.",
            node=bold(node),
        )
        return Reply(line(told), (Para(line(told)),))
    reason = {
        PortOver.OFF: say_number("it is off", "they are off", number),
        PortOver.DELETED: say_number("it no longer exists", "they no longer exist", number),
        PortOver.RENTAL: say_number("its rental has ended", "their rental has ended", number),
    }[why]
    told = say(
        "SSH of {machines} on {node} is no longer checked, since {reason}.",
        machines=_names(machines), node=bold(node), reason=reason,
    )  # fmt: skip
    return Reply(line(told), (Para(line(told)),))


def ports_switched_off() -> Reply:
    """The rules no longer have SSH ports checked."""
    told = say("By the rules, SSH ports are no longer checked. No end of this is told.")
    return Reply(line(told), (Para(line(told)),))


def _names(machines: Sequence[str]) -> Line:
    shown: list[Words] = [line(bold(one)) for one in machines[:_MOST]]
    if len(machines) > _MOST:
        shown.append(_more(len(machines) - _MOST))
    return all_of(shown)


def _listed(lines: Sequence[Words]) -> tuple[Part, ...]:
    shown = [Para(line("• ", *line(one))) for one in lines[:_MOST]]
    if len(lines) > _MOST:
        shown.append(Para(line(_more(len(lines) - _MOST))))
    return tuple(shown)


def _more(number: int) -> Text:
    return say_number("{number} more", "{number} more", number)
