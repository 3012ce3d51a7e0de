"""What to say of a line that asks for help, or in which something was not understood."""

from dataclasses import replace

from bot.errors import Refused, from_error
from bot.ids import UserId
from bot.language.help import help_reply, not_understood
from bot.language.mood import Mood
from bot.language.parse import HelpWanted, NotUnderstood, meant_by
from bot.language.unclear import Surplus, Unclear
from bot.messages import machine_buttons
from bot.model import Effect, Place
from bot.pipeline.context import Services
from bot.pipeline.dialog import CHANGE
from bot.pipeline.known_words import KnownWords
from bot.pipeline.permissions import standing_of
from bot.pipeline.suggestions import Suggestions
from bot.reply import Actions, Reply, say
from bot.reply import command as to_type


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
    meant, machine = await KnownWords(services, actor, place).with_known(meant, mood)
    shown = await suggestions.buttons(actor, meant)
    if meant.is_partial and machine is not None:
        more = machine_buttons.button(machine_buttons.MORE, machine.node, machine.task)
        shown = (Actions((*(one for row in shown for one in row.buttons), more)),)
    return not_understood(meant).also(*shown)


async def explained(
    services: Services, suggestions: Suggestions, unclear: Unclear, actor: UserId, place: Place
) -> Reply:
    """The refusal, with the line or the form that says what was most likely meant."""
    command, words = unclear.command, KnownWords(services, actor, place)
    mood = Mood.REQUEST if command.worst_effect is Effect.READ else await words.mood(unclear)
    changes = command.worst_effect is not Effect.READ
    if mood is not Mood.REQUEST or (changes and await words.part(unclear)):
        line = unclear.line
        meant = replace(meant_by(services.table, line, line, mood), is_refused=mood is Mood.REFUSAL)
        return await offered(services, suggestions, meant, actor, place, mood)
    fit, meant_line = await words.fit(unclear)
    if isinstance(unclear, Surplus) and meant_line and not unclear.like:
        hint = say("Did you mean {command}?", command=to_type(meant_line))
        return from_error(Refused(unclear.words, hint=hint))
    reply = from_error(unclear)
    if not command.parameters:
        return reply
    return reply.also(await suggestions.form(actor, command, fit, CHANGE))
