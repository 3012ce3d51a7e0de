"""What to say of a line that asks for help, or in which something was not understood."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from bot.errors import Refused, from_error
from bot.ids import UserId
from bot.language.glass import speaks_of_glass
from bot.language.help import help_reply, not_understood
from bot.language.mood import Mood
from bot.language.parse import HelpWanted, NotUnderstood, meant_by
from bot.language.row_parts import Listing
from bot.language.synonyms import MOST
from bot.language.table import Command
from bot.language.text import quoted
from bot.language.unclear import Surplus, Unclear
from bot.messages import machine_buttons
from bot.model import Effect, Machine, Node, Place
from bot.pipeline.as_meant import as_chosen
from bot.pipeline.breakable import breakable
from bot.pipeline.context import Services
from bot.pipeline.dialog import CHANGE
from bot.pipeline.known_words import KnownWords
from bot.pipeline.permissions import standing_of
from bot.pipeline.suggestions import Suggestions
from bot.reply import Actions, Reply, Text, say
from bot.reply import command as to_type
from bot.services.not_found import on_another_node

Said = TypeVar("Said", HelpWanted, NotUnderstood, Unclear)
# How a line of one of these kinds is answered.
Leading = Callable[[Services, Suggestions, Said, UserId, Place], Awaitable[Reply]]


async def helped(
    services: Services, suggestions: Suggestions, wanted: HelpWanted, actor: UserId, place: Place
) -> Reply:
    """Help; of a group, with a button for what can be shown of it at once."""
    standing = await standing_of(services, actor, place)
    reply = help_reply(services.table, wanted, standing)
    group = services.table.group(wanted.group) if wanted.command is None else None
    return reply.also(*suggestions.at_hand(standing.open(group))) if group is not None else reply


async def offered(
    services: Services,
    suggestions: Suggestions,
    meant: NotUnderstood,
    actor: UserId,
    place: Place,
    mood: Mood | None = None,
) -> Reply:
    """What a line that is no command may mean, each as a button.

    Of one that was not understood whole, the way to what can be done with its machine.
    """
    meant, found = await KnownWords(services, actor, place).with_known(meant, mood)
    if speaks_of_glass(meant.words):
        return await breakable(services, actor, place, found.machine)
    machine, show = found.machine, services.table.details(Listing.MACHINES)
    if found.elsewhere is not None and found.node is not None:
        return await _elsewhere(services, found.elsewhere, found.node)
    shown = await suggestions.buttons(actor, meant)
    if meant.several:
        named = [(one, one.label) for one in found.several[:MOST]]
        buttons = await suggestions.machines(actor, show, {}, named)
        shown = (Actions(buttons),) if buttons else ()
    elif meant.is_partial and machine is not None:
        more = machine_buttons.button(machine_buttons.MORE, machine.node, machine.task)
        shown = (Actions((*(one for row in shown for one in row.buttons), more)),)
    return not_understood(meant).also(*shown)


async def _elsewhere(services: Services, machine: Machine, node: Node) -> Reply:
    """That the machine is on another node than the line says, with the ways to it."""
    other = await services.inventory.label(machine.node)
    refusal = on_another_node(machine.label, [(machine.label, other)], node.label)
    refusal.offers = tuple(
        machine_buttons.button(verb, machine.node, machine.task)
        for verb in ("show", machine_buttons.MORE)
    )
    return from_error(refusal)


async def explained(
    services: Services, suggestions: Suggestions, unclear: Unclear, actor: UserId, place: Place
) -> Reply:
    """The refusal, with the line or the form that says what was most likely meant."""
    command, words = unclear.command, KnownWords(services, actor, place)
    mood = Mood.REQUEST if command.worst_effect is Effect.READ else await words.mood(unclear)
    changes = command.worst_effect is not Effect.READ
    several, is_joined = await words.several(unclear)
    are_several = changes and len(several) > 1 and command.parameter("vm") is not None
    if are_several and is_joined:
        return await _one_of(suggestions, command, several, actor)
    if mood is not Mood.REQUEST or are_several or (changes and await words.other(unclear)):
        line = unclear.line
        meant = replace(meant_by(services.table, line, line, mood), is_refused=mood is Mood.REFUSAL)
        return await offered(services, suggestions, meant, actor, place, mood)
    if (node := await words.rented(unclear)) is not None:  # `order show gpu1`
        orders = to_type(f"order list {quoted(node.label)}")
        hint = say("Did you mean {command}?", command=orders)
        return from_error(Refused(unclear.words, hint=hint))
    fit, meant_line = await words.fit(unclear)
    if isinstance(unclear, Surplus) and meant_line and not unclear.like:
        hint = say("Did you mean {command}?", command=to_type(meant_line))
        return from_error(Refused(unclear.words, hint=hint))
    reply = from_error(unclear)
    if not command.parameters:
        return reply
    button = await form_button(services, suggestions, command, fit, actor, place, CHANGE)
    return reply.also(button)


async def form_button(
    services: Services,
    suggestions: Suggestions,
    command: Command,
    values: Mapping[str, str],
    actor: UserId,
    place: Place,
    label: Text,
) -> Actions:
    """The button that opens a command's form, filled in with what is meant by names now."""
    chosen = await as_chosen(services, command, values, actor, place)
    return await suggestions.form(actor, command, chosen, label)


async def _one_of(
    suggestions: Suggestions,
    command: Command,
    machines: Sequence[Machine],
    actor: UserId,
) -> Reply:
    """That a command is for one machine, with its form for each of those that were named."""
    told = say("{command} takes one machine at a time.", command=to_type(command.title))
    named = [(one, one.label) for one in machines[:MOST]]
    buttons = await suggestions.machines(actor, command, {}, named)
    return from_error(Refused(told)).also(*([Actions(buttons)] if buttons else ()))
