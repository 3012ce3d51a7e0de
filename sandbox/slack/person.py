"""A member as tests act and see: types, presses, fills, submits, and looks at the screen."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sandbox.slack import interactions, people_acts
from sandbox.slack.conversations import Channel, File, Message
from sandbox.slack.core import Core
from sandbox.slack.delivery import Ack
from sandbox.slack.errors import CannotDo, Json
from sandbox.slack.fields import answer, find_by_name, label_of, options_of
from sandbox.slack.interactions import Surface
from sandbox.slack.members import Member
from sandbox.slack.reading import all_blocks, message_text, pings, readable, unescaped, words
from sandbox.slack.views import View, elements_of


def _buttons(blocks: list[Json]) -> list[str]:
    return [words(e["text"]) for _, e in elements_of(blocks) if e["type"] == "button"]


@dataclass(frozen=True)
class SeenMessage:
    """A message on somebody's screen, as it stands at the moment of looking."""

    message: Message
    author: Member

    @property
    def ts(self) -> str:
        """Its timestamp, which names it."""
        return self.message.ts

    @property
    def thread_ts(self) -> str | None:
        """The parent's timestamp, of a reply (and of a parent with replies)."""
        return self.message.thread_ts

    @property
    def channel(self) -> str:
        """The id of its channel."""
        return self.message.channel

    @property
    def user(self) -> str:
        """The name of who posted it."""
        return self.author.name

    @property
    def text(self) -> str:
        """The fallback text: what a notification shows."""
        return self.message.text

    @property
    def plain(self) -> str:
        """All that can be read in it, blocks flattened."""
        return message_text(self.message)

    @property
    def blocks(self) -> list[Json]:
        """Its blocks, attachments' included."""
        return all_blocks(self.message)

    @property
    def buttons(self) -> list[str]:
        """The words on its buttons."""
        return _buttons(self.blocks)

    @property
    def pings(self) -> list[str]:
        """Whom it notifies: member and group ids, `channel`, `here`, `everyone`."""
        return pings(self.message)

    @property
    def ephemeral(self) -> bool:
        """Whether only this reader sees it."""
        return self.message.only_for is not None

    @property
    def edited(self) -> bool:
        """Whether it was changed after it was posted."""
        return self.message.edited_ts is not None

    @property
    def metadata(self) -> Json | None:
        """Its metadata."""
        return self.message.metadata

    @property
    def files(self) -> list[File]:
        """Its files, with their content."""
        return self.message.files


@dataclass(frozen=True)
class SeenView:
    """A modal or Home tab before somebody."""

    view: View

    @property
    def id(self) -> str:
        """The view's id."""
        return self.view.id

    @property
    def title(self) -> str:
        """Its title."""
        return words(self.view.body.get("title"))

    @property
    def callback_id(self) -> str:
        """Its callback_id."""
        return str(self.view.body.get("callback_id", ""))

    @property
    def private_metadata(self) -> str:
        """Its private_metadata."""
        return str(self.view.body.get("private_metadata", ""))

    @property
    def plain(self) -> str:
        """All that can be read in it."""
        return unescaped(readable([{"blocks": self.view.blocks}]))

    @property
    def blocks(self) -> list[Json]:
        """Its blocks."""
        return self.view.blocks

    @property
    def buttons(self) -> list[str]:
        """The words on its buttons (not of submit and close)."""
        return _buttons(self.view.blocks)

    @property
    def labels(self) -> list[str]:
        """The labels of its inputs, in order."""
        return [label_of(b, e) for b, e in elements_of(self.view.blocks) if b["type"] == "input"]

    @property
    def errors(self) -> dict[str, str]:
        """What stands in red, by the label of its input."""
        labels = {b["block_id"]: label_of(b, e) for b, e in elements_of(self.view.blocks)}
        return {labels[block_id]: words for block_id, words in self.view.errors.items()}

    @property
    def trouble(self) -> str:
        """Slack's own complaint that the app did not answer, or nothing."""
        return self.view.trouble

    def options(self, name: str) -> list[str]:
        """The texts of a menu's options."""
        element = find_by_name(self.view.blocks, name)[1]
        return [words(option["text"]) for option in options_of(element)]

    def value(self, name: str) -> Any:
        """What an input holds: text, an option's value, a list of those."""
        block, element = find_by_name(self.view.blocks, name)
        state = self.view.values[block["block_id"]][element["action_id"]]
        held = next(value for key, value in state.items() if key != "type")
        if isinstance(held, list):
            return [entry["value"] if isinstance(entry, dict) else entry for entry in held]
        return held["value"] if isinstance(held, dict) else held


class Person:
    """One member, driven by a test."""

    def __init__(self, core: Core, member: Member) -> None:
        self._core = core
        self.member = member

    @property
    def id(self) -> str:
        """The member's id."""
        return self.member.id

    @property
    def name(self) -> str:
        """The member's name."""
        return self.member.name

    def reloads(self) -> None:
        """Reload Slack: what only this person saw, and Slack does not keep, is gone."""
        for channel in self._core.state.channels.values():
            for message in list(channel.messages.values()):
                if message.only_for == self.id:
                    del channel.messages[message.ts]
        self._core.state.announce()

    def leaves(self) -> None:
        """Close Slack everywhere: what only they would see never reaches them."""
        self._core.state.away.add(self.id)

    def comes_back(self) -> None:
        """Open Slack again; what Slack does not keep is not there."""
        self.reloads()
        self._core.state.away.discard(self.id)

    def speaks(self, locale: str) -> None:
        """Set Slack to another language, such as zh-CN."""
        people_acts.speak(self._core, self._core.state.member(self.id), locale)

    async def types(
        self,
        line: str,
        channel: str = "gpu-ops",
        thread_ts: str | SeenMessage | None = None,
        subtype: str = "",
        table: Sequence[Sequence[str]] = (),
    ) -> Message | Ack:
        """Type a line and press Enter. A command returns when the app has acknowledged (or not).

        `table` are the cells of a table that is pasted into a message.
        """
        ts = thread_ts.ts if isinstance(thread_ts, SeenMessage) else thread_ts
        return await people_acts.type_line(
            self._core, self.member, channel, line, ts, subtype, table
        )

    async def presses(
        self,
        name: str,
        message: SeenMessage | None = None,
        *,
        channel: str | None = None,
        on_home: bool = False,
    ) -> Ack | None:
        """Press a button by its words or action_id: of the message; else of the modal on top, else
        of the newest message that has it."""
        surface = self._surface(name, message, channel, on_home=on_home)
        block, element = find_by_name(surface.blocks, name)
        if element["type"] != "button":
            raise CannotDo(f"{name!r} is not a button.")
        ids = block["block_id"], element["action_id"]
        return await interactions.press(self._core, self.member, surface, *ids)

    async def chooses(
        self,
        name: str,
        value: Any,
        message: SeenMessage | None = None,
        *,
        channel: str | None = None,
        on_home: bool = False,
    ) -> Ack | None:
        """Choose in a menu or fill an input, found like a button; options by text or value."""
        surface = self._surface(name, message, channel, on_home=on_home)
        return await self._fill(surface, name, value)

    async def fills(self, values: dict[str, Any]) -> None:
        """Fill in the modal on top, by label; what dispatches actions tells the app."""
        for name, value in values.items():
            await self._fill(Surface(view=self._top()), name, value)

    async def submits(
        self, values: dict[str, Any] | None = None, *, is_lost: bool = False
    ) -> Ack | None:
        """Fill in and submit the modal on top; None if Slack's client refused to send it.

        `is_lost`: the app's answer does not arrive.
        """
        await self.fills(values or {})
        view = self._top().id
        return await interactions.submit(self._core, self.member, view, {}, is_lost=is_lost)

    async def closes(self) -> None:
        """Cancel the modal on top."""
        await interactions.close(self._core, self.member, self._top().id)

    async def suggests(
        self, name: str, query: str, message: SeenMessage | None = None, *, on_home: bool = False
    ) -> list[str]:
        """Type into a searching menu and read what it offers."""
        surface = self._surface(name, message, None, on_home=on_home)
        block, element = find_by_name(surface.blocks, name)
        offered = await self._search(surface, block, element, query)
        return [words(option["text"]) for option in offered]

    async def uses_shortcut(self, callback_id: str, message: SeenMessage | None = None) -> Ack:
        """Use a shortcut: of a message, or without one."""
        if message is None:
            return await interactions.global_shortcut(self._core, self.member, callback_id)
        surface = self._on_message(message)
        return await interactions.shortcut(self._core, self.member, surface, callback_id)

    def reads(self, channel: str) -> None:
        """Read a channel, so that nothing in it counts as new."""
        people_acts.read(self._core, self.member, channel)

    async def opens_home(self) -> None:
        """Open the app's Home tab."""
        people_acts.open_home(self._core, self.member)

    @property
    def modal(self) -> SeenView | None:
        """The modal on top."""
        stack = self._core.state.stacks.get(self.id, [])
        return SeenView(stack[-1]) if stack else None

    @property
    def home(self) -> SeenView | None:
        """The Home tab, once published."""
        home = self._core.state.homes.get(self.id)
        return SeenView(home) if home else None

    @property
    def notices(self) -> list[str]:
        """What Slack itself has told this member."""
        return [notice.text for notice in self._core.state.notices.get(self.id, [])]

    def messages(
        self, channel: str | None = None, *, thread_ts: str | None = None
    ) -> list[SeenMessage]:
        """The messages on the screen, oldest first: of one channel or all, of one thread."""
        state = self._core.state
        seen = [
            SeenMessage(message, state.members[message.user])
            for where in self._channels(channel)
            for message in where.messages.values()
            if message.only_for in (None, self.id)
            and thread_ts in (None, message.ts, message.thread_ts)
        ]
        return sorted(seen, key=lambda message: message.ts)

    def last(self, channel: str | None = None) -> SeenMessage:
        """The newest message on the screen."""
        return self.messages(channel)[-1]

    async def sees(
        self,
        pattern: str,
        channel: str | None = None,
        *,
        by: str | None = None,
        thread_ts: str | None = None,
        timeout: float = 30,  # noqa: ASYNC109 - of looking, not of the loop
    ) -> SeenMessage:
        """Wait until a message contains or matches the pattern; AssertionError with the screen.

        `by` is who posted it (`dbc` is the bot), `thread_ts` the thread it is in.
        """

        def found() -> SeenMessage | None:
            seen = self.messages(channel, thread_ts=thread_ts)
            matching = [m for m in seen if by in (None, m.user) and _matches(pattern, m)]
            return matching[-1] if matching else None

        seen: SeenMessage = await self._wait(found, pattern, timeout)
        return seen

    async def sees_modal(self, pattern: str = "", *, timeout: float = 30) -> SeenView:  # noqa: ASYNC109
        """Wait until the modal on top contains or matches the pattern (title included)."""

        def found() -> SeenView | None:
            modal = self.modal
            text = f"{modal.title}\n{modal.plain}" if modal else ""
            return modal if modal and _contains(pattern, text) else None

        seen: SeenView = await self._wait(found, f"modal {pattern!r}", timeout)
        return seen

    async def sees_home(self, pattern: str = "", *, timeout: float = 30) -> SeenView:  # noqa: ASYNC109
        """Wait until the Home tab contains or matches the pattern."""

        def found() -> SeenView | None:
            home = self.home
            return home if home and _contains(pattern, home.plain) else None

        seen: SeenView = await self._wait(found, f"home {pattern!r}", timeout)
        return seen

    def screen(self) -> str:
        """Everything on the screen as text, for a failing test's message."""
        lines = [
            f"#{self._core.state.channels[m.channel].name or 'dm'} {m.user}"
            f"{' (only for you)' if m.ephemeral else ''}: {m.plain} {m.buttons or ''}"
            for m in self.messages()
        ]
        if self.modal:
            lines.append(f"[modal {self.modal.title}] {self.modal.plain} {self.modal.errors}")
        return "\n".join(lines + [f"[Slack] {notice}" for notice in self.notices])

    async def _wait(self, found: Any, what: str, seconds: float) -> Any:
        try:
            return await self._core.state.until(found, seconds)
        except TimeoutError:
            raise AssertionError(
                f"{self.name} does not see {what!r} but:\n{self.screen()}"
            ) from None

    def _channels(self, channel: str | None) -> list[Channel]:
        core = self._core
        if channel is not None:
            return [people_acts.channel_of(core, self.member, channel)]
        return [c for c in core.state.channels.values() if self.id in c.members]

    def _top(self) -> View:
        modal = self.modal
        if modal is None:
            raise CannotDo(f"{self.name} has no modal open.")
        return modal.view

    def _on_message(self, message: SeenMessage) -> Surface:
        channel = self._core.state.channels[message.channel]
        return interactions.in_message(self._core, self.member, channel, message.ts)

    def _surface(
        self, name: str, message: SeenMessage | None, channel: str | None, *, on_home: bool
    ) -> Surface:
        if message is not None:
            return self._on_message(message)
        if on_home:
            if self.home is None:
                raise CannotDo("The Home tab is empty.")
            return Surface(view=self.home.view)
        if channel is None and self.modal is not None:
            return Surface(view=self.modal.view)
        for seen in reversed(self.messages(channel)):
            try:
                find_by_name(seen.blocks, name)
            except CannotDo:
                continue
            return self._on_message(seen)
        raise CannotDo(f"{self.name} sees no {name!r} on:\n{self.screen()}")

    async def _fill(self, surface: Surface, name: str, value: Any) -> Ack | None:
        block, element = find_by_name(surface.blocks, name)
        offered = list(options_of(element))
        if "external_select" in element["type"] and value:
            wanted = value if isinstance(value, list) else [value]
            offered = [o for v in wanted for o in await self._search(surface, block, element, v)]
        core = self._core
        if element["type"] == "overflow":
            chosen = next(o for o in offered if words(o["text"]) == value)
            held: Json = {"selected_option": chosen}
        else:
            held = answer(core.state, element, value, offered)
        ids = block["block_id"], element["action_id"]
        return await interactions.press(core, self.member, surface, *ids, held)

    async def _search(self, surface: Surface, block: Json, element: Json, query: str) -> list[Json]:
        ids = block["block_id"], element["action_id"]
        found = await interactions.suggest(self._core, self.member, surface, *ids, query)
        return list(options_of(found))


def _contains(pattern: str, text: str) -> bool:
    """Whether the text contains the pattern literally, or matches it if it is a regex."""
    if pattern in text:
        return True
    try:
        return re.search(pattern, text) is not None
    except re.error:
        return False


def _matches(pattern: str, message: SeenMessage) -> bool:
    return _contains(pattern, message.plain) or _contains(pattern, message.text)
