"""Forms filled in: with what was given, what is meant without, and what is there to choose from.

Shows labels, never ids, and examples that work here. Asks nobody but for what a machine is like.
"""

from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import partial

from bot.errors import BotError, certain
from bot.ids import UserId
from bot.language import forms
from bot.language.args import BREAK_GLASS, NODE_OPTION
from bot.language.kind import Kind
from bot.language.kinds import BASE, DEFAULT, IMAGE, NODE, PLACE, VM
from bot.language.row_parts import Listing
from bot.language.table import Command
from bot.model import Effect, Machine, Node, Place, Sighted, Source
from bot.pipeline.context import Context, Services, unsaid
from bot.pipeline.meant import is_chosen
from bot.pipeline.rights import allow, hidden_from, require_colleague, unasked
from bot.ports import DeliveryFailed
from bot.reply import Choice, FieldKind, Form, FormField, Phrase, Text, Words, say
from bot.services.machine_search import Sought

_About = tuple[tuple[Command, Mapping[str, str]], ...]

_SHORT = 8  # characters of an id that people read
_LONG_ID = 20  # a machine's has 20 at least, a node's 64


class Filling:
    """Makes the forms of commands."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def form(
        self,
        command: Command,
        values: Mapping[str, str],
        actor: UserId,
        place: Place,
        errors: Mapping[str, Words] | None = None,
        *,
        present: Mapping[str, str] | None = None,
        note: Text = "",
        shown: str = "",
    ) -> Form:
        """The form of a command, filled in with what was given and with what is meant without.

        `present`, `note` and `shown` are what `present` gives.
        """
        needed = await self._needs_node(command, actor, place)
        values = await self._with_defaults(command, values, actor, place)
        form = forms.form(
            command, values, present=present, note=note, errors=errors, needs_node=needed,
            reasons=self.reasons(command, values, actor, place), shown=shown,
        )  # fmt: skip
        return await self._labelled(form, command, values, actor, place)

    def reasons(
        self,
        command: Command,
        values: Mapping[str, str],
        actor: UserId,
        place: Place,
        effects: Collection[Effect] = (),
    ) -> Mapping[str, bool]:
        """The reasons that the rules may want here; a form can still make it something worse."""
        if values.get(BREAK_GLASS):
            return {}
        effects = effects or (command.effect_of(values), command.worst_effect)
        reviewers = self._services.reviews.reviewers
        return reviewers.reasons(actor, place.channel, command.id, effects)

    async def _needs_node(self, command: Command, actor: UserId, place: Place) -> bool:
        must_be_named = self._services.inventory.must_be_named
        return command.has_default_node and await must_be_named(actor, place)

    async def present(
        self, command: Command, vm: str, values: Mapping[str, str], actor: UserId, place: Place
    ) -> tuple[Mapping[str, str], Text, str]:
        """What a machine is like, by parameter; with a word about it, and its id."""
        read = certain(command.present, "only such commands come here")
        context = Context(self._services, command.id, actor, place, Source.FORM, unsaid)
        try:
            await require_colleague(self._services, actor)
            show = self._services.table.details(Listing.MACHINES)
            about: _About = ((command, values), (show, {"vm": vm}))
            for row, given in about:
                await allow(self._services, actor, place, row, given)
            sought = Sought(
                actor,
                vm,
                values.get(NODE_OPTION, ""),
                place.channel,
                by_id=is_chosen(command, values),
                hidden=hidden_from(self._services, actor, place, Listing.MACHINES),
                unasked=partial(_denied, self._services, actor, place, about),
            )
            machine = await self._services.machine_search.find(sought)
            for row, given in about:
                await allow(self._services, actor, place, row, given, machine)
            present = await read(context, machine)
            where = await self._services.inventory.label(machine.node)
        except BotError as problem:
            told = say("Its present values could not be read. {why}", why=problem.words)
            return {}, told, ""
        except DeliveryFailed:
            told = say("Its present values could not be read: Slack did not say who may see it.")
            return {}, told, ""
        told = say(
            "{machine} on {node}. Grey is what it has now; empty keeps it.",
            machine=machine.label,
            node=where,
        )
        return present, told, machine.task

    async def _with_defaults(
        self, command: Command, values: Mapping[str, str], actor: UserId, place: Place
    ) -> Mapping[str, str]:
        """The texts with the node that is meant where none was given."""
        meant = [p for p in command.parameters if p.required and p.arg.kind.has_default]
        if not meant or values.get(meant[0].name):
            return values
        with suppress(BotError):
            inventory = self._services.inventory
            node = await inventory.default_node(actor, place, asking=False)
            kind, sessions = meant[0].arg.kind, self._services.sessions
            is_fit = not kind.is_own or await sessions.holds(actor, node)
            if node.kind in kind.nodes and is_fit:
                return {**values, meant[0].name: node.id}
        return values

    async def _labelled(
        self, form: Form, command: Command, values: Mapping[str, str], actor: UserId, place: Place
    ) -> Form:
        """The form with what people call things, and with examples of what there is."""
        services = self._services
        hidden = await hidden_from(services, actor, place, Listing.MACHINES, asking=False)()
        seen = await services.inventory.machines(actor, place.channel)
        machines = [one for one in seen if one.node not in hidden]
        nodes = (await services.store.known()).nodes()
        images = await self._images(command, values, actor, place)
        kinds = {p.name: p.arg.kind for p in command.parameters}

        def shown(field: FormField) -> FormField:
            kind = kinds.get(field.name)
            if kind is None or field.kind is not FieldKind.SEARCH:
                return field
            if field.initial is not None:
                label = _called(kind, field.initial.value, machines, nodes)
                return replace(field, initial=Choice(label, field.initial.value))
            examples = {VM: [one.label for one in machines], BASE: images, IMAGE: images}
            if kind not in examples and kind is not NODE:
                return field
            found = examples.get(kind) or [n.label for n in nodes if n.kind in kind.nodes]
            told = say("For example {example}", example=found[0]) if found else ""
            return replace(field, placeholder=told)

        return replace(form, fields=tuple(shown(field) for field in form.fields))

    async def _images(
        self, command: Command, values: Mapping[str, str], actor: UserId, place: Place
    ) -> list[str]:
        """What is on the node that the form is about, as far as it was seen."""
        if not any(p.arg.kind in {BASE, IMAGE} for p in command.parameters):
            return []
        inventory, services = self._services.inventory, self._services
        chosen = next((values.get(p.name) for p in command.parameters if p.arg.kind is NODE), "")
        try:
            if chosen:
                node = await inventory.named_node(chosen, asking=False)
            else:
                node = await inventory.default_node(actor, place, asking=False)
        except BotError:
            return []
        if node.id in await hidden_from(services, actor, place, Listing.IMAGES, asking=False)():
            return []
        return list(await services.sightings.names_at(Sighted.IMAGE, [node.id]) or ())


async def _denied(
    services: Services, actor: UserId, place: Place, about: _About
) -> Mapping[str, str]:
    """The nodes of which the rules deny any of these, by id, and in which words."""
    each = [await unasked(services, actor, place, row, given)() for row, given in about]
    return {node: why for denied in reversed(each) for node, why in denied.items()}


def _called(kind: Kind, value: str, machines: Collection[Machine], nodes: Collection[Node]) -> Text:
    """What people call what a field holds; of an id that nobody here knows, its beginning."""
    if kind is VM:
        found = [one.label for one in machines if one.task == value]
    elif kind.is_node or kind in {PLACE, DEFAULT}:
        found = [one.label for one in nodes if one.id == value]
    else:
        return value
    is_id = value.isalnum() and len(value) >= _LONG_ID
    return found[0] if found else value[:_SHORT] if is_id else value


def unmet_words(pattern: str, reason: str) -> Phrase:
    """What a reason lacks that the rules require: itself, or to be like this."""
    if not reason:
        return say("A reason is needed for this.")
    return say("The reason must match “{pattern}”.", pattern=pattern)
