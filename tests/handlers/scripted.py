"""The neighbour room of the edge: a core that takes what it is given and says what it is told."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from bot.ids import UserId
from bot.model import Invocation, Press, Submission
from bot.ports import Accepted, Answer, Rejected, Search, Work
from bot.reply import Choice, Reply


async def silent(_: Answer) -> None:
    """Work that says nothing."""


def say(*replies: Reply) -> Work:
    """Work that says these, one after the other."""

    async def work(answer: Answer) -> None:
        for reply in replies:
            await answer.say(reply)

    return work


@dataclass
class ScriptedCore:
    """`ports.Core` whose answers a test sets; it keeps everything it was given."""

    on_line: Callable[[Invocation], Awaitable[Accepted]] | None = None
    work: Work = silent
    waiting: Reply | None = None
    rejected: Rejected | None = None
    choices: Sequence[Choice] = ()
    home_reply: Reply = field(default_factory=lambda: Reply.of("Nothing yet."))
    error: Exception | None = None
    faulty_homes: set[str] = field(default_factory=set)
    noted_homes: dict[UserId, str] = field(default_factory=dict)
    meanwhile: Callable[[], Awaitable[None]] | None = None  # while an open Home is made anew
    lines: list[Invocation] = field(default_factory=list)
    presses: list[Press] = field(default_factory=list)
    submissions: list[Submission] = field(default_factory=list)
    drafts: list[Submission] = field(default_factory=list)
    turned_away: list[tuple[str, str]] = field(default_factory=list)
    sought: list[tuple[str, str, str]] = field(default_factory=list)
    searches: list[Search] = field(default_factory=list)

    def _fail(self) -> None:
        if self.error is not None:
            raise self.error

    async def line(self, invocation: Invocation) -> Accepted:
        """Take a typed line."""
        self.lines.append(invocation)
        self._fail()
        if self.on_line is not None:
            return await self.on_line(invocation)
        return Accepted(self.work)

    async def press(self, press: Press) -> Accepted:
        """Take a click."""
        self.presses.append(press)
        self._fail()
        return Accepted(self.work)

    async def turn_away(self, press: Press, team: str) -> None:
        """Note a click from another workspace."""
        self.turned_away.append((press.actor, team))
        self._fail()

    async def submit(self, submission: Submission) -> Accepted | Rejected:
        """Take a form."""
        self.submissions.append(submission)
        self._fail()
        return self.rejected or Accepted(self.work, self.waiting)

    async def draft(self, draft: Submission) -> Work:
        """Take note of a choice in a form."""
        self.drafts.append(draft)
        self._fail()
        return self.work

    async def options(self, search: Search) -> Sequence[Choice]:
        """Options for a search field."""
        self.sought.append((search.user, search.source, search.query))
        self.searches.append(search)
        self._fail()
        return self.choices

    async def home(self, user: str, pages: str = "", *, is_open: bool = False) -> Reply:
        """What `user`'s App Home shows."""
        del pages
        self.sought.append((user, "home", ""))
        self._fail()
        if user in self.faulty_homes:
            raise ValueError(user)
        reply = self.home_reply
        if is_open and self.meanwhile is not None:
            await self.meanwhile()
        return reply

    async def open_homes(self, since: datetime) -> Mapping[UserId, str]:
        """Whose App Homes were opened before this process began."""
        del since
        return self.noted_homes
