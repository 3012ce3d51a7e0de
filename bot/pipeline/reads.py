"""Runs commands that only read, and gives what they say in the form that was asked for."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from functools import partial

import structlog

from bot.clock import shown
from bot.correlation import part_of
from bot.dbc.errors import DbcError
from bot.errors import BotError, from_error
from bot.ids import TaskId, new_id
from bot.language import output
from bot.language.args import FILE, FILTER, JSON
from bot.language.spelling import Spelling
from bot.messages import board, cards, ways
from bot.messages.cards import Subject
from bot.model import MessageRef, Place, Source
from bot.pipeline.as_meant import as_chosen
from bot.pipeline.context import Context, Services, unsaid
from bot.pipeline.formatting import is_silent, turning
from bot.pipeline.patience import PATIENCE, Interim, NotInTime, in_time, once_known, slack_is_slow
from bot.pipeline.rights import allow, is_open_to_all, require_colleague
from bot.pipeline.suggestions import Suggestions
from bot.pipeline.targets import Bound, bind
from bot.pipeline.wish import Wish
from bot.ports import Acquainted, Answer, DeliveryFailed, RightsUnknown, slack_does_not_say
from bot.reply import (
    Actions,
    Button,
    CodeBlock,
    Language,
    Line,
    Note,
    Para,
    Reply,
    Text,
    catalogue,
    code,
    line,
    plain,
    say,
    sentences,
    with_commands,
    with_moments,
    with_words,
)
from bot.services.database import not_remembered
from storage import StorageFailed

LIST_PAGE = "list.page"
_BEHIND = frozenset({"before"})  # arguments by which a list goes on
_SOON = timedelta(seconds=1)
PAGE = 10  # rows with menus: what a message holds, and a phone shows without much scrolling

log = structlog.get_logger()


class Reads:
    """Carries out reads: nothing of them is recorded, nothing has to survive."""

    def __init__(
        self,
        services: Services,
        messenger: Acquainted,
        suggestions: Suggestions,
        holds: Callable[[Reply], bool],
    ) -> None:
        self._services = services
        self._messenger = messenger
        self._suggestions = suggestions
        self._spelling = Spelling(services.table, services.slash_command)
        self._holds = holds  # whether one message holds all of a page

    async def carry_out(self, wish: Wish, answer: Answer) -> None:
        """Run it and answer; the log says what came of it."""
        clock, outcome, why = self._services.clock, "failed", ""
        began = clock.monotonic()
        try:
            with part_of(wish.key):
                await self._carry_out(wish, answer)
            outcome = "done"
        except BotError as error:
            outcome, why = str(error.severity), plain(error.words)
            raise
        except asyncio.CancelledError:
            await _say_that_it_stops(answer)
            raise
        finally:
            took = clock.monotonic() - began
            self._services.commands.read(wish, wish.command.id, outcome, took, why)

    async def _carry_out(self, wish: Wish, answer: Answer) -> None:
        # A list whose pages are turned stays as it is until the next one is there.
        meanwhile = unsaid if wish.list else answer.meanwhile
        interim = Interim(self._services.clock, meanwhile, _patience(wish))
        interim.waiting = slack_is_slow()  # which is asked first
        found = await interim.patiently(self._once_known(wish, interim))
        found = replace(found, is_look=True)
        await self._messenger.meet(wish.actor)  # who may read another language since the last time
        if not wish.option(FILTER) and self._is_paged(wish, found):
            await answer.say(await self._page_of(wish, found))  # only the page is put into words
        else:
            await self._say(wish, self._filtered(wish, found), answer, found)

    def _filtered(self, wish: Wish, found: Reply) -> Reply:
        """What was asked for of the reply, in its reader's language, also in files and JSON."""
        reply, wanted = self._read_by(wish, found), wish.option(FILTER)
        if not wanted:
            return reply
        read = self._in(self._services.languages.language(wish.actor), found)
        return self._read_by(wish, output.filtered(reply, wanted, read))

    async def _say(self, wish: Wish, reply: Reply, answer: Answer, found: Reply) -> None:
        if reply.sensitive:  # never a file, however long it is
            await answer.say(reply)
        elif wish.option(JSON):
            await self._as_json(wish, reply, answer, found)
        elif wish.option(FILE) and reply.is_table:
            await self._as_file(wish, reply, output.as_csv(self._dated(reply)), "csv", answer)
        elif wish.option(FILE):
            await self._as_file(wish, reply, output.as_text(self._dated(reply)), "txt", answer)
        elif _has_menus(reply):
            await answer.say(await self._page_of(wish, reply))
        elif wish.list or reply.older:
            await answer.say(await self._with_older(wish, reply))
        elif len(output.as_text(reply)) > output.LONG:  # moments are equally long
            note = await self._shared(wish, reply, output.as_text(self._dated(reply)), "txt")
            await answer.say(replace(reply, parts=(Note(note), *reply.parts)))
        elif (ref := await answer.say(reply)) is not None and reply.copy_of is not None:
            await self._keep_true(wish, reply, ref)

    async def _keep_true(self, wish: Wish, reply: Reply, ref: MessageRef) -> None:
        """Let what was said of a change follow it, where the database takes that."""
        try:
            async for attempt in self._services.store.attempts():
                async with attempt as tx:
                    await board.keep_true(tx, reply, wish.place, ref, self._services.clock.now())
        except StorageFailed as error:
            not_remembered(self._services.store, error)

    def _read_by(self, wish: Wish, reply: Reply) -> Reply:
        """The reply in the language of whoever reads it; JSON is for programs, in one language."""
        if wish.option(JSON):
            return self._in("en", reply)
        return self._read_here(wish, reply)

    def _read_here(self, wish: Wish, reply: Reply) -> Reply:
        is_private = wish.is_private or reply.private or wish.source is Source.DIRECT
        reader = wish.actor if is_private else wish.place.channel
        return self._in(self._services.languages.language(reader), reply)

    def _in(self, language: Language, reply: Reply) -> Reply:
        return with_words(with_commands(reply, self._spelling.of(language)), catalogue(language))

    def _is_paged(self, wish: Wish, reply: Reply) -> bool:
        is_message = not (reply.sensitive or wish.option(JSON) or wish.option(FILE))
        return is_message and _has_menus(reply)

    async def _page_of(self, wish: Wish, reply: Reply) -> Reply:
        """One page of a list, and the ways to the others; whoever asked turns them in place."""

        def holds(some: Reply) -> bool:
            return self._holds(self._read_by(wish, some))

        page = output.paged(reply, wish.page, PAGE, holds)
        shown = replace(page.reply, in_place=bool(wish.list))
        if page.first > 1 or page.last < page.count:
            is_open = not (wish.is_private or reply.private)
            one = wish.list or await self._kept(wish, is_open=is_open)
            value = f"{wish.command.id}:{one}"
            ways = turning(page, LIST_PAGE, lambda number: f"{value}:{number}")
            shown = shown.also(*ways) if one else shown.also(_unturned(page))
        return self._read_by(wish, shown)

    async def _kept(self, wish: Wish, *, is_open: bool) -> str:
        """Keep what a list is of, for its other pages: the node that it names now."""
        values = await as_chosen(self._services, wish.command, wish.values, wish.actor, wish.place)
        return await self._suggestions.keep(wish.actor, values, is_open=is_open)

    async def _with_older(self, wish: Wish, reply: Reply) -> Reply:
        """A list that goes on behind an argument, with the ways there and back to its beginning."""
        ways = list[Button]()
        name, last = reply.older or ("", "")
        given = dict(wish.values)
        # The newest ones are listed without the argument that the older ones are listed by.
        if wish.list and (newest := {k: v for k, v in given.items() if k not in _BEHIND}) != given:
            ways += await self._listed(wish, reply, say("◀ Newest"), newest)
        shown = replace(reply, in_place=bool(wish.list), older=None)
        if name:
            older = await self._listed(wish, reply, say("Older ▶"), {**given, name: last})
            ways += older
            if not older:
                told = say("For older ones, add {argument}.", argument=code(f"{name}={last}"))
                shown = shown.also(Note(line(told)))
        return self._read_by(wish, shown.also(Actions(tuple(ways))) if ways else shown)

    async def _listed(
        self, wish: Wish, reply: Reply, label: Text, values: Mapping[str, str]
    ) -> tuple[Button, ...]:
        """The button to another part of a list; none where what it carries cannot be kept."""
        is_open = not (wish.is_private or reply.private)
        one = await self._suggestions.keep(wish.actor, values, is_open=is_open)
        return (Button(label, LIST_PAGE, f"{wish.command.id}:{one}:1"),) if one else ()

    async def _once_known(self, wish: Wish, interim: Interim) -> Reply:
        """Run it once Slack says who may. Raises Refused."""
        try:
            return await once_known(
                self._services.clock, interim, partial(self._run, wish, interim)
            )
        except RightsUnknown as unknown:
            raise slack_does_not_say() from unknown

    async def _run(self, wish: Wish, interim: Interim) -> Reply:
        services, actor = self._services, wish.actor
        if not is_open_to_all(wish.command):
            await require_colleague(services, actor)
        of = list[Bound]()
        try:
            reply = await in_time(services.clock, interim, self._read(wish, interim, of))
        except (DbcError, NotInTime) as error:
            # By the time it comes, other things stand between what was typed and this.
            error.during = _named(wish, of[0] if of else None)
            if is_silent(error) and of and of[0].node is not None:
                error.offers = (ways.again(of[0].node.id, of[0].node.label),)
            raise
        if reply.sensitive:  # reading takes its time: what counts is who they are after it
            await require_colleague(services, actor, fresh=True)
        return reply

    async def _read(self, wish: Wish, interim: Interim, of: list[Bound]) -> Reply:
        interim.waits("")
        in_between = JSON not in wish.values and not wish.option(FILE)
        meanwhile = _early(wish, interim) if in_between else unsaid
        context = Context(
            self._services, wish.command.id, wish.actor, wish.place, wish.source, meanwhile
        )
        may = partial(allow, self._services, wish.actor, wish.place, wish.command, wish.values)
        await may()
        bound = await bind(
            self._services, wish.command, wish.values, wish.actor, wish.place, by_id=wish.by_id
        )
        await may(bound.machine or bound.node)
        of.append(bound)
        interim.waits(bound.node.label if bound.node is not None else "")
        try:
            return await wish.command.run(context, **bound.arguments) or Reply.of(say("Done."))
        except DbcError as error:
            if bound.node is not None:
                error.named(bound.node.label)
            raise

    def _dated(self, reply: Reply) -> Reply:
        """The reply with moments as people are told them; what becomes text is not put so later."""
        return with_moments(reply, partial(shown, self._services.clock))

    async def _as_json(self, wish: Wish, reply: Reply, answer: Answer, found: Reply) -> None:
        text = output.as_json(self._dated(reply))
        if len(text) <= output.LONG_JSON and not wish.option(FILE):
            await answer.say(replace(reply, parts=(CodeBlock(text),)))
        else:
            told = replace(reply, summary=self._read_here(wish, found).summary)
            await self._as_file(wish, told, text, "json", answer)

    async def _as_file(
        self, wish: Wish, reply: Reply, text: str, kind: str, answer: Answer
    ) -> None:
        """Share the text and point at it; where that fails, say what fits."""
        try:
            name, where = await self._upload(wish, reply, text, kind)
        except DeliveryFailed as failed:
            if kind == "json":
                reply = _whole(reply, text)
            told = _not_shared(failed, cut=kind != "json")
            await answer.say(replace(reply, parts=(Note(told), *reply.parts)))
        else:
            await answer.say(output.pointing_at(reply, name, where))

    async def _shared(self, wish: Wish, reply: Reply, text: str, kind: str) -> Line:
        """Share the text; a sentence that says where it is, or why it is nowhere."""
        try:
            name, where = await self._upload(wish, reply, text, kind)
        except DeliveryFailed as failed:
            return _not_shared(failed, cut=True)
        return line(say("This is long. All of it: {file} {where}", file=name, where=where))

    async def _upload(self, wish: Wish, reply: Reply, text: str, kind: str) -> tuple[str, Line]:
        """Share a file where the answer belongs; what is private, in the direct messages."""
        clock = self._services.clock
        stamp = shown(clock, clock.now()).strftime("%Y%m%d-%H%M%S")
        name = f"{wish.command.id.replace('.', '-')}-{stamp}-{new_id()[:6]}.{kind}"
        if wish.is_private or reply.private:
            place, where = (
                await self._messenger.direct(wish.actor),
                line(say("in our direct messages.")),
            )
        else:
            place, where = wish.place, line(say("is in the file here."))
        await self._messenger.upload(place, name, text)
        return name, where


def _patience(wish: Wish) -> timedelta:
    """How long it may be silent: a dialog can be opened for 3 s after a press in no conversation.

    That is in the Home tab, or above it; elsewhere a message says it (Slack's trigger_id).
    """
    is_in_view = wish.source is Source.BUTTON and wish.place == Place.direct(wish.actor)
    return _SOON if is_in_view else PATIENCE


def _has_menus(reply: Reply) -> bool:
    return any(row.menu for row in output.rows_of(reply))


def _unturned(page: output.Page) -> Note:
    """Which part of a list this is, where the buttons to the others cannot be kept."""
    return Note(line(say(
        "{first} to {last} of {count}. For all of it, add {flag}.",
        first=page.first, last=page.last, count=page.count, flag=code("--file"),
    )))  # fmt: skip


def _named(wish: Wish, bound: Bound | None) -> Line:
    """`Show a machine: train-01 on gpu1`: what was asked for, by the names that people use."""
    machine = bound.machine.label if bound is not None and bound.machine is not None else ""
    node = bound.node.label if bound is not None and bound.node is not None else ""
    return cards.doing(
        wish.command.called, Subject(machine or wish.values.get("vm", ""), TaskId(""), node)
    )


def _whole(reply: Reply, text: str) -> Reply:
    """JSON as code, or a sentence where a message cannot hold all of it: a part is no JSON."""
    whole = text if len(text) <= output.LONG_JSON else output.compact(text)
    if output.fits(whole):
        return replace(reply, parts=(CodeBlock(whole),))
    long = say("As JSON this is too long for a message.")
    told = sentences((long, say("Ask for less of it, with --filter.")))
    return replace(reply, summary=told, parts=(Para(told),))


def _not_shared(failed: DeliveryFailed, *, cut: bool) -> Line:
    log.info("file_not_shared", reason=failed.reason)
    told = say("The file could not be shared ({reason}).", reason=failed.reason)
    if cut:
        told = say(
            "The file could not be shared ({reason}), so this is cut where it does not fit.",
            reason=failed.reason,
        )
    return line(told)


def _early(wish: Wish, interim: Interim) -> Callable[[Reply], Awaitable[None]]:
    """What a command says before its end, in the form that was asked for."""
    wanted = wish.option(FILTER)

    async def say(reply: Reply) -> None:
        await interim.once(output.filtered(reply, wanted) if wanted else reply)

    return say


async def _say_that_it_stops(answer: Answer) -> None:
    """Tell whoever waits that nothing will come: no other process knows of a read."""
    told = BotError(
        say("The bot is stopping, so this was not finished."), hint=say("Try again in a minute.")
    )
    with suppress(TimeoutError, DeliveryFailed):
        async with asyncio.timeout(_SOON.total_seconds()):
            await answer.say(from_error(told))
