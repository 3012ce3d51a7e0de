"""Every form, answer, card, end and Home as it stands on the screen, in both languages.

After a wanted change: `make snapshots`, and read the difference. What is walked through comes
from the table and from the states themselves.
"""

from pathlib import Path

import pytest
from slack_sdk.web.async_client import AsyncWebClient
from syrupy.assertion import SnapshotAssertion

from bot.commands.rows import command_table
from bot.language.table import Command
from bot.messages.ways import OPEN_FORM
from bot.model import ApprovalStatus, Effect
from bot.reply import ENGLISH, catalogue
from handlers.payloads import action_id
from sandbox.dbc.demo import demo_renter
from sandbox.dbc.task import Libvirt, Status
from sandbox.slack import Person
from tests.scenarios.changing import BOBS_REVIEW, DEEDS, NAME, NO_REVIEW, Deed
from tests.scenarios.metal import knows_rack, rents_slot
from tests.scenarios.site import rules
from tests.scenarios.stage import CHANNEL, Stage, staged
from tests.scenarios.surfaces import KEEP_THEM, Shown, TextFile, as_text, of_view, told_since
from tests.scenarios.test_json import LINES

WORDS = {"en-US": ENGLISH, "zh-CN": catalogue("zh")}
# Lists whose rows have ids of their own or came at one moment, in whatever order.
UNSTEADY = {"approval.list", "audit.list", "watch.list"}
SEARCHES = ("inference", "restart", "no such thing at all")


class Walk:
    """Goes through everything as Alice, and keeps what she sees by what she did."""

    def __init__(self, stage: Stage, locale: str) -> None:
        self._stage = stage
        self._locale = locale
        self.shown: Shown = {}

    def says(self, english: str) -> str:
        """What the bot says for this."""
        return WORDS[self._locale].gettext(english)

    async def speaks(self, locale: str = "") -> None:
        """Everybody, and the channel, in the language of the walk or in this one."""
        locale = locale or self._locale
        for person in (self._stage.alice, self._stage.bob):
            person.speaks(locale)
        await self._stage.ws.idle()
        rules(self._stage, NO_REVIEW)
        language = locale.partition("-")[0]
        await self._stage.asks(self._stage.alice, f"/dbc settings channel-language {language}")

    async def sees(self, name: str, line: str, person: Person | None = None) -> None:
        """What somebody sees of a line."""
        person = person or self._stage.alice
        before = person.messages()
        await person.types(line, channel=CHANNEL)
        await self._stage.quiet()
        self.shown[name] = told_since(person, before)
        while person.modal is not None:
            await person.closes()
            await self._stage.quiet()

    async def form(self, command: Command, name: str = "form") -> None:
        """The form of a command, as any of its buttons opens it."""
        alice = self._stage.alice
        button = {
            "type": "button",
            "text": {"type": "plain_text", "text": command.id},
            "action_id": action_id(OPEN_FORM, 0),
            "value": command.id,
        }
        web = AsyncWebClient(token=self._stage.ws.bot_token, base_url=self._stage.ws.api_url)
        blocks = [{"type": "actions", "elements": [button]}]
        await web.chat_postMessage(channel=alice.id, text=command.id, blocks=blocks)
        before = alice.messages()
        await alice.presses(command.id, alice.last("@dbc"))
        await self._stage.quiet()
        self.shown[f"{name}: {command.id}"] = told_since(alice, before)
        while alice.modal is not None:
            await alice.closes()
            await self._stage.quiet()

    async def home(self, name: str, person: Person) -> None:
        """Somebody's Home, opened now."""
        await person.opens_home()
        await self._stage.quiet()
        assert person.home is not None
        self.shown[f"home: {name}"] = of_view(person.home)

    async def card(self, name: str, deed: Deed) -> None:
        """The card of a change that Bob has to approve, withdrawn again."""
        rules(self._stage, BOBS_REVIEW)
        await self.sees(f"change: {name}", f"/dbc {deed.line.replace('{options} ', '')}")
        withdraw = self.says("Withdraw")
        for message in self._stage.alice.messages():
            if withdraw in message.buttons:
                await self._stage.alice.presses(withdraw, message)
                await self._stage.quiet()

    async def end(self, status: ApprovalStatus) -> None:
        """A card in one of its states, and what is told of it."""
        stage, alice = self._stage, self._stage.alice
        rules(stage, BOBS_REVIEW)
        before = alice.messages()
        await stage.asks(alice, f"/dbc vm restart {NAME} force")
        there = reversed(stage.bob.messages(CHANNEL))
        card = next(m for m in there if self.says("Approve") in m.buttons)
        match status:
            case ApprovalStatus.PENDING:
                pass
            case ApprovalStatus.APPROVED:
                await stage.bob.presses(self.says("Approve"), card)
            case ApprovalStatus.DENIED:
                await stage.bob.presses(self.says("Deny"), card)
                self.shown["form: deny"] = of_view(await stage.bob.sees_modal())
                await stage.bob.submits({self.says("Why not?"): "no"})
            case ApprovalStatus.CANCELLED:
                await alice.presses(self.says("Withdraw"), card)
            case ApprovalStatus.EXPIRED:
                await stage.passes(3600)
            case ApprovalStatus.VOID:
                _set(stage, Libvirt.SHUT_OFF, Status.CLOSED)
                await stage.bob.presses(self.says("Approve"), card)
        await stage.quiet()
        if status is ApprovalStatus.APPROVED:
            await self.home("in progress", alice)
        for _ in range(6):
            await stage.passes(15)
        self.shown[f"end: {status}"] = told_since(alice, before)
        _set(stage, Libvirt.RUNNING, Status.RUNNING)


def _set(stage: Stage, state: Libvirt, status: Status) -> None:
    task = stage.task(NAME)
    assert task.domain is not None
    task.domain.state, task.status = state, status


def _reading(command: Command) -> str:
    """The line of a command that only reads, about what there is here."""
    line = LINES.get(command.id, command.example).replace("train-01", NAME)
    return f"/dbc {line.replace('slot-1', 'gpu1')}".replace("{approval}", "1")


async def _homes(walk: Walk, stage: Stage) -> None:
    await walk.home("nobody has access", stage.bob)
    await stage.gives_session(stage.alice, "gpu1")
    await stage.asks(stage.alice, "/dbc vm list")
    await walk.home("a newcomer", stage.bob)
    await walk.home("machines", stage.alice)
    await stage.gives_session(stage.bob, "gpu1")


async def _changes(walk: Walk, stage: Stage) -> None:
    for name, deed in DEEDS.items():
        _set(stage, Libvirt.RUNNING, Status.RUNNING)
        if deed.before is not Deed("").before:
            await walk.speaks("en-US")
            await deed.before(stage)
            await walk.speaks()
        await walk.card(name, deed)


async def _choices(walk: Walk, stage: Stage) -> None:
    """The forms that open only where there is something to choose."""
    await walk.speaks("en-US")
    await knows_rack(stage)
    await rents_slot(stage)
    await walk.speaks()
    for line in (
        f"vm restart {NAME} force",
        "session share gpu1 with @bob",
        "alias add r = vm restart $1",
        f"order watch {demo_renter().address}",
    ):
        await stage.asks(stage.alice, f"/dbc {line}")
    rules(stage, BOBS_REVIEW)
    await stage.asks(stage.alice, f"/dbc vm shutdown {NAME}")
    for command in command_table():
        if command.opens or any(p.arg.kind.is_metal for p in command.parameters):
            await walk.form(command, "form with something to choose")


async def _lists(walk: Walk, stage: Stage) -> None:
    """The lists where each has something, and help and a dry run on the way."""
    await stage.asks(stage.alice, "/dbc lan create team01 192.168.66.0/24 on gpu1")
    for command in command_table():
        if command.id.endswith(".list") and command.id not in UNSTEADY:
            await walk.sees(f"list with something: {command.id}", f"/dbc {command.title}")
    for line in ("help", "vm help", f"vm restart {NAME} --dry-run", "alias remove r", "freeze"):
        await walk.sees(f"line: {line}", f"/dbc {line}")


async def _walked(stage: Stage, locale: str) -> Shown:
    walk = Walk(stage, locale)
    await walk.speaks()
    await _homes(walk, stage)
    await walk.speaks()  # a channel's language is for people with access
    for command in command_table():
        await walk.form(command)
        if command.worst_effect is Effect.READ:
            await walk.sees(f"answer: {command.id}", _reading(command))
        elif command.id not in DEEDS:  # about a question that is not there
            await walk.sees(f"change: {command.id}", _reading(command))
    for words in SEARCHES:
        await walk.sees(f"search: {words}", f"/dbc {words}")
    for status in ApprovalStatus:
        await walk.end(status)
        if status is ApprovalStatus.PENDING:
            await walk.home("reviews", stage.bob)
            await walk.home("one's own requests", stage.alice)
            card = next(m for m in stage.alice.messages() if walk.says("Withdraw") in m.buttons)
            await stage.alice.presses(walk.says("Withdraw"), card)
            await stage.quiet()
    await _changes(walk, stage)
    await _choices(walk, stage)
    await _lists(walk, stage)
    return walk.shown


@pytest.mark.timeout(300)
@pytest.mark.parametrize("locale", ["en-US", pytest.param("zh-CN", marks=pytest.mark.slow)])
async def test_every_surface_is_as_it_was_read_last(
    tmp_path: Path, snapshot: SnapshotAssertion, locale: str
) -> None:
    async with staged(tmp_path) as stage:
        shown = await _walked(stage, locale)
    assert [name for name, said in shown.items() if not said] == []
    wanted = {f"end: {status}" for status in ApprovalStatus}
    for command in command_table():
        wanted.add(f"form: {command.id}")
        is_read = command.worst_effect is Effect.READ
        wanted.add(f"answer: {command.id}" if is_read else f"change: {command.id}")
    assert wanted - set(shown) == set()
    assert as_text(shown) == snapshot(extension_class=TextFile), KEEP_THEM
