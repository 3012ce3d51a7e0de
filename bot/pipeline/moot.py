"""Whether there is anything to ask for, by what was just read of the machine. No I/O."""

from collections.abc import Mapping

from bot.dbc.models import phase_of
from bot.errors import Conflict
from bot.language.table import Command
from bot.messages import machine_buttons
from bot.messages.cards import Subject
from bot.messages.facts import STATE
from bot.model import Execution, Fact


def require_use_of_it(
    command: Command, execution: Execution, subject: Subject, shown: Mapping[str, Fact]
) -> None:
    """Raise Conflict where the node would refuse it in the state that was just read.

    So nobody is asked for what comes to nothing. A state that could not be read refuses nothing.
    """
    state, moot = shown.get(STATE), command.moot
    if moot is None or state is None or state.unread or phase_of(state.text) is not moot.phase:
        return
    given = {"machine": subject.label, "node": subject.node_label}
    refusal = Conflict(moot.told.filled(given.__getitem__), field="vm")
    refusal.offers = tuple(
        machine_buttons.button(verb, execution.node, execution.task) for verb in moot.offers
    )
    raise refusal
