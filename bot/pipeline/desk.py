"""The front desk: takes lines, clicks and forms from the edge, records what must be, gives work.

Implements `bot.ports.Core`. Nothing here touches the network before it returns.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial

from bot.errors import BotError, Refused, from_error, raise_all
from bot.ids import ApprovalId, ExecutionId, UserId
from bot.language import forms
from bot.language.args import DRY_RUN, NODE_OPTION, REASON
from bot.language.canonical import canonical
from bot.language.parse import HelpWanted, NotUnderstood, Parsed, parse
from bot.language.table import Command
from bot.language.unclear import Unclear
from bot.messages import cards, elsewhere, review_cards
from bot.messages.machine_buttons import AGAIN, SECOND
from bot.model import (
    Effect,
    Execution,
    ExecutionStatus,
    Invocation,
    Place,
    Press,
    Source,
    Submission,
)
from bot.pipeline import finding, threads
from bot.pipeline.access_presses import AccessPresses
from bot.pipeline.as_meant import as_chosen, meant_here
from bot.pipeline.calls import LEASE
from bot.pipeline.can_succeed import require_use
from bot.pipeline.chooser import Chooser
from bot.pipeline.clicks import Clicks
from bot.pipeline.context import Services
from bot.pipeline.corrections import AlreadyTaken, recorded
from bot.pipeline.dialog import CHECKING, Typed, tried
from bot.pipeline.dry_runs import Rehearsals
from bot.pipeline.explaining import Leading, Said, explained, form_button, helped, offered
from bot.pipeline.filling import Filling, unmet_words
from bot.pipeline.glass_presses import GlassPresses
from bot.pipeline.kept_presses import KeptPresses
from bot.pipeline.leading import leading
from bot.pipeline.lineage import requested_again
from bot.pipeline.machine_presses import MachinePresses
from bot.pipeline.meant import as_known, is_chosen
from bot.pipeline.open_homes import Home, OpenHomes
from bot.pipeline.order_presses import OrderPresses
from bot.pipeline.pasted import row_meant
from bot.pipeline.pipeline import Pipeline
from bot.pipeline.reads import Reads
from bot.pipeline.retry_presses import RetryPresses, became
from bot.pipeline.search import Completion
from bot.pipeline.secrecy import caution, faults, refuse_known_secret
from bot.pipeline.setting_presses import SettingPresses
from bot.pipeline.suggestions import Suggestions
from bot.pipeline.targets import bind
from bot.pipeline.turn_presses import TurnPresses
from bot.pipeline.way_presses import WayPresses
from bot.pipeline.whisper import Whisper
from bot.pipeline.wish import Wish
from bot.pipeline.works import nothing, outdated, outdated_form, over, saying, showing
from bot.ports import (
    COMMAND_CHOICE,
    HOME_FIND,
    Accepted,
    Acquainted,
    Answer,
    Rejected,
    Search,
    Work,
)
from bot.redaction import Redactor
from bot.reply import Button, Choice, Reply, as_phrase, bold, say, sentences
from bot.reviews.rule_reasons import unmet
from bot.services.inventory import NotKnownHere


class Desk:
    """What the edge talks to."""

    def __init__(
        self,
        services: Services,
        pipeline: Pipeline,
        clicks: Clicks,
        rehearsals: Rehearsals,
        home: Home,
        messenger: Acquainted,
        by: str,
        redactor: Redactor,
        holds: Callable[[Reply], bool],
    ) -> None:
        self._services = services
        self._redactor = redactor
        self._pipeline = pipeline
        self._clicks = clicks
        self._messenger = messenger
        self._by = by
        self._completion = Completion(services)
        self._filling = Filling(services)
        self._rehearsals = rehearsals
        self._homes = OpenHomes(services, home)
        self._suggestions = Suggestions(services.store, services.table, services.clock)
        self._reads = Reads(services, messenger, self._suggestions, holds)
        self._chooser = Chooser(services.table, self._asked, self._opening)
        self._kept = KeptPresses(services, self._suggestions, self._take, self._opening)
        self._glass = GlassPresses(services, self._asked)
        self._retries = RetryPresses(services, self._opening)
        self._presses: Mapping[str, Callable[[Press], Awaitable[Work]]] = {
            **clicks.actions,
            **self._glass.actions,
            **MachinePresses(services, self._asked, self._opening).actions,
            **AccessPresses(services, self._asked, self._kept.open_form).actions,
            **OrderPresses(services).actions,
            **TurnPresses(services, by).actions,
            **WayPresses(services, self._asked, self._suggestions).actions,
            **self._retries.actions,
            **SettingPresses(services, self._asked).actions,
            cards.KEEP_WATCHING: self._keep_watching,
            **self._kept.actions,
            COMMAND_CHOICE: self._chooser.offer,
            HOME_FIND: finding.ask,
            AGAIN: partial(self._again, knows_first=False),
            SECOND: partial(self._again, knows_first=True),
            review_cards.CONFIRM: self._confirm,
        }

    # bot.ports.Core

    async def line(self, invocation: Invocation) -> Accepted:
        """Take a typed line."""
        invocation = await threads.spelled_out(self._services, invocation)
        return self._led(await self._line(invocation), invocation.actor, invocation.place)

    def _led(self, accepted: Accepted, actor: UserId, place: Place) -> Accepted:
        chosen = partial(as_chosen, self._services, actor=actor, place=place)
        ways = partial(self._suggestions.ways, actor, chosen)
        return replace(accepted, work=leading(accepted.work, ways))

    async def _line(self, invocation: Invocation) -> Accepted:
        table, slash = self._services.table, self._services.slash_command
        try:
            refuse_known_secret(self._redactor, invocation.text, invocation.source)
            parsed = parse(
                table, invocation.text, slash, self._services.aliases.of(invocation.actor)
            )
        except Unclear as unclear:
            row = await row_meant(self._services, unclear, invocation.actor, invocation.place)
            if row is not None:
                return await self._understood(invocation, row)
            return Accepted(partial(self._lead_on, invocation, explained, unclear))
        except Refused as refusal:
            return Accepted(saying(from_error(refusal)))
        match parsed:
            case HelpWanted():
                return Accepted(partial(self._lead_on, invocation, helped, parsed))
            case NotUnderstood():
                return Accepted(partial(self._lead_on, invocation, offered, parsed))
            case Parsed():
                return await self._understood(invocation, parsed)

    async def _lead_on(
        self, invocation: Invocation, how: Leading[Said], said: Said, answer: Answer
    ) -> None:
        actor, place = invocation.actor, invocation.place
        told = await how(self._services, self._suggestions, said, actor, place)
        await answer.say(told.also(*caution(invocation.text, invocation.source)))

    async def _understood(self, invocation: Invocation, parsed: Parsed) -> Accepted:
        wish = Wish(
            invocation.key, invocation.actor, invocation.place, invocation.source,
            parsed.command, parsed.values,
        )  # fmt: skip
        return Accepted(await self._asked(wish, parsed.spelled))

    async def _asked(self, wish: Wish, spelled: Mapping[str, str]) -> Work:
        """Open the form of what says too little, or take what it says."""
        command, actor, place = wish.command, wish.actor, wish.place
        values: Mapping[str, str] = wish.values
        try:
            values = await as_known(self._services, command, values, spelled, actor, place)
            if forms.wants_form(command, values):
                values = await threads.filled(self._services, command, values, place)
                changes = command.effect_of(values) is not Effect.READ
                if changes or forms.wants_form(command, values):
                    return await self._opening(command, values, actor, place, by_id=wish.by_id)
            found = forms.faults(command, values)
            raise_all([Refused(as_phrase(told), field=field) for field, told in found.items()])
            if command.verify is not None:
                await command.verify(self._services, actor, values)
        except BotError as refusal:
            work = saying(from_error(refusal))
        else:
            work = await self._take(replace(wish, values=values))
        offer = partial(
            form_button, self._services, self._suggestions, command, values, actor, place
        )
        return lambda answer: work(Typed(answer, command, offer))

    async def submit(self, submission: Submission) -> Accepted | Rejected:
        """Take a form; one that was taken with other values says so, and stays open."""
        try:
            return await self._submit(submission)
        except AlreadyTaken as taken:
            return Rejected({"": taken.words})

    async def _submit(self, submission: Submission) -> Accepted | Rejected:
        about_reviews = (self._clicks, self._glass)
        owner = next((one for one in about_reviews if one.owns(submission.form)), None)
        if owner is not None or submission.form == HOME_FIND:
            if wrong_texts := faults(self._redactor, submission.values):
                return Rejected(wrong_texts)
            return await owner.submit(submission) if owner else Accepted(nothing)
        if submission.form == COMMAND_CHOICE:
            return await self._chooser.submit(submission)
        command = self._services.table.get(submission.form)
        if command is None:
            return Accepted(outdated_form())
        typed = forms.sent(command, submission)
        if told := faults(self._redactor, typed, command.secrets):
            return Rejected(told)
        found = forms.faults(command, typed)
        values = canonical(command, {n: text for n, text in typed.items() if n not in found})
        wish = Wish(
            submission.key, submission.actor, submission.place, Source.FORM, command, values
        )
        is_known, offers = False, dict[str, tuple[Button, ...]]()
        try:
            wish, is_known = await self._with_known_names(wish)
        except BotError as refusal:
            found = {**forms.fault_of(command, refusal), **found}
            offers = forms.offers_of(command, refusal)
        exact = (command.effect_of(wish.values),)
        asked = self._filling.reasons(command, wish.values, wish.actor, wish.place, exact)
        missing = unmet(asked, wish.values.get(REASON, ""))
        if REASON in submission.values and (
            wrong := [one for one, sure in missing.items() if sure]
        ):
            found[REASON] = unmet_words(wrong[0], wish.values.get(REASON, ""))
        if found:
            return Rejected(found, offers)
        lacks_reason = bool(missing)
        held = command.asks_first or not is_known or lacks_reason
        work = await self._take(wish)  # at last: what follows could take too long for Slack
        again = partial(self._filling.form, command, typed, wish.actor, wish.place)
        return Accepted(tried(work, command, again, held=held), waiting=CHECKING if held else None)

    async def _with_known_names(self, wish: Wish) -> tuple[Wish, bool]:
        """What a form asks for by the names of what is known, and whether all of them are.

        Raises Refused.
        """
        command, actor = wish.command, wish.actor
        values = await as_known(self._services, command, wish.values, {}, actor, wish.place)
        if command.verify is not None and not command.missing(values):
            await command.verify(self._services, actor, values)
        wish = replace(wish, values=values, by_id=is_chosen(command, values))
        return wish, await self._is_known(wish)

    async def _is_known(self, wish: Wish) -> bool:
        """Whether all names mean something here; False where only DBC can tell. Raises Refused."""
        try:
            bound = await bind(
                self._services, wish.command, wish.values, wish.actor, wish.place,
                asking=False, by_id=wish.by_id,
            )  # fmt: skip
        except NotKnownHere:
            return False
        changes = wish.command.effect_of(wish.values) is not Effect.READ
        if changes and bound.node is not None and wish.command.node_option is not None:
            await self._services.sessions.require(wish.actor, bound.node, wish.place.channel)
        return True

    async def press(self, press: Press) -> Accepted:
        """Take a click."""
        handler = self._presses.get(press.action)
        work = outdated() if handler is None else await handler(press)
        return self._led(Accepted(work), press.actor, press.place)

    async def turn_away(self, press: Press, team: str) -> None:
        """Note a click from another workspace."""
        if press.action in self._clicks.actions:
            why = f"The account belongs to another workspace, {team}."  # for the audit
            await self._clicks.turn_away(press, why)

    async def draft(self, draft: Submission) -> Work:
        """Take note of a form that is being filled in."""
        command = self._services.table.get(draft.form)
        if command is None or faults(self._redactor, draft.values, command.secrets):
            return nothing
        values = {name: text for name, text in draft.values.items() if text.strip()}
        if any(p.arg.kind.is_machine for p in forms.deciders(command)):
            values.pop(NODE_OPTION, None)  # the machine that was chosen says where it is
        return await self._filled(command, values, draft.actor, draft.place)

    async def options(self, search: Search) -> Sequence[Choice]:
        """Options for a search field."""
        return await self._completion.options(search)

    async def home(self, user: UserId, pages: str = "", *, is_open: bool = False) -> Reply:
        """What `user`'s App Home shows."""
        return await self._homes.show(user, pages, is_open=is_open)

    async def open_homes(self, since: datetime) -> Mapping[UserId, str]:
        """Whose App Homes were opened since then, with their pages."""
        return await self._homes.since(since)

    async def recover(self) -> None:
        """Take up what a process that died left behind."""
        await self._pipeline.recover()
        await self._clicks.take_up(lambda vote: Whisper(self._messenger, vote.user, vote.place))

    # Lines and forms

    async def _take(self, wish: Wish) -> Work:
        """Reads become work at once; what changes something is on disk before this returns."""
        if wish.option(DRY_RUN):
            return partial(self._rehearsals.carry_out, wish)
        if wish.command.effect_of(wish.values) is Effect.READ:
            return partial(self._reads.carry_out, wish)
        execution = wish.requested(self._services.clock.now())
        execution = replace(execution, meant=await meant_here(self._services, wish))
        if wish.source is Source.FORM:
            execution, is_new = await recorded(self._services, self._is_new, execution)
        else:
            is_new = await self._is_new(execution)
        if is_new:
            return partial(self._carry_out, execution)
        return over if execution.status.is_end else nothing

    async def _is_new(self, execution: Execution) -> bool:
        """Whether it was just recorded; else it was before, and is being carried out."""
        until = self._services.clock.now() + LEASE
        return await self._services.store.record(execution, by=self._by, until=until)

    async def _carry_out(self, execution: Execution, answer: Answer) -> None:
        await self._pipeline.carry_out(execution, answer)
        await self._say_beside(execution, answer)

    async def _say_beside(self, execution: Execution, answer: Answer) -> None:
        """Show the requester, in the channel of the request, what could not be posted there.

        What has ended, or waits for a decision, is shown only there. What goes on has its card in
        their direct messages, and here they read where it is.
        """
        store, key = self._services.store, cards.card_key(execution.id)
        async with store.read() as tx:
            card = await tx.messages.find(key)
            now = await tx.executions.get(execution.id)
        if card is not None and elsewhere.is_kept_back(card):
            is_open = now.status is ExecutionStatus.WAITING
            if is_open or now.status.is_end:
                await answer.say(elsewhere.alone(card, self._messenger.me, is_open=is_open))
                async with store.write() as tx:
                    await tx.messages.was_said(key, card.version)
                return
            async with store.write() as tx:
                await tx.messages.put_off(key, self._services.clock.now())
            await self._services.reviews.deliver()
            async with store.read() as tx:
                card = await tx.messages.find(key)
        called = self._services.table.spoken_of(execution.command).called_with(now.known)
        what = cards.doing(called, cards.Subject(now.label, now.task, ""))
        if aside := card and elsewhere.beside(card, what, self._messenger.me):
            await answer.say(aside)

    # Clicks

    async def _confirm(self, press: Press) -> Work:
        """Confirm; where the bot cannot post, what becomes of it is shown where they pressed."""
        work = await self._clicks.actions[review_cards.CONFIRM](press)

        async def both(answer: Answer) -> None:
            await work(answer)
            async with self._services.store.read() as tx:
                approval = await tx.approvals.find(ApprovalId(press.value))
                execution = approval and await tx.executions.get(approval.execution)
            if execution and press.place.channel == execution.place.channel:
                await self._say_beside(execution, answer)

        return both

    async def _again(self, press: Press, *, knows_first: bool) -> Work:
        """Request what was not done once more; or open its form, where that takes more."""
        of = ExecutionId(press.value)
        try:
            again = await requested_again(self._services, of, press.actor, knows_first=knows_first)
        except Refused as refusal:
            return saying(from_error(refusal))
        if again is None:
            return await self._retries.retry(press)
        if not await self._is_new(again):
            told = say("You have requested this a second time already.")
            ended = became(again) if again.status.is_end else ()
            return saying(Reply.of(sentences((told, ended)), private=True))
        return partial(self._carry_out, again)

    async def _keep_watching(self, press: Press) -> Work:
        try:
            watch = await self._services.watches.keep_watching(
                press.value, press.actor, press.place.channel
            )
        except Refused as refusal:
            return saying(from_error(refusal))
        if watch is None:
            return saying(Reply.of(say("It is followed already, or has ended."), private=True))
        told = say("I go on following {watch}.", watch=bold(watch.label))
        return saying(Reply.of(told, private=True))

    # Forms

    async def _opening(
        self,
        command: Command,
        values: Mapping[str, str],
        actor: UserId,
        place: Place,
        *,
        by_id: bool | None = None,
    ) -> Work:
        """Show the form, unless it cannot succeed: then the refusal of a line comes at once."""
        try:
            await require_use(self._services, command, values, actor, place)
        except BotError as refusal:
            return saying(from_error(refusal))
        values = await as_chosen(self._services, command, values, actor, place, by_id=by_id)
        return await self._filled(command, values, actor, place)

    async def _filled(
        self, command: Command, values: Mapping[str, str], actor: UserId, place: Place
    ) -> Work:
        """Show the form at once; what it changes is read then, and shown in it as it is now."""
        given = [
            values[p.name] for p in command.parameters if p.arg.kind.is_machine and p.name in values
        ]
        if command.present is None or not given:
            return showing(await self._filling.form(command, values, actor, place))
        vm = given[0]

        async def work(answer: Answer) -> None:
            filled = partial(self._filling.form, command, values, actor, place)
            await answer.open(await filled())
            present, note, shown = await self._filling.present(command, vm, values, actor, place)
            await answer.open(await filled(present=present, note=note, shown=shown))

        return work
