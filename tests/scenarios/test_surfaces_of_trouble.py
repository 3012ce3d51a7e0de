"""What people see when something goes wrong, or passes from one to another, in both languages.

Ends that failed or that nobody knows, the way past approval, shares, outages. After a wanted
change: `make snapshots`, and read the difference.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion

from sandbox.slack import Person
from tests.scenarios.machines import off
from tests.scenarios.site import DELETE, site
from tests.scenarios.stage import CHANNEL, Stage, staged
from tests.scenarios.surfaces import KEEP_THEM, Shown, TextFile, as_text, of_message, of_view
from tests.scenarios.test_break_glass import RULE
from tests.scenarios.test_outages import ON, goes_on
from tests.scenarios.test_surfaces import WORDS

# A changed sentence is seen in English; `make snapshots` and CI walk in both.
LOCALES = ("en-US", pytest.param("zh-CN", marks=pytest.mark.slow))


class Walk:
    """What each of some people has been told since the last look, by what happened."""

    def __init__(self, stage: Stage, locale: str) -> None:
        self._stage = stage
        self._words = WORDS[locale]
        self._before = {one.name: _screen(one) for one in self._people}
        self.shown: Shown = {}

    @property
    def _people(self) -> tuple[Person, ...]:
        return (self._stage.alice, self._stage.bob, self._stage.carol)

    def says(self, english: str) -> str:
        """What the bot says for this."""
        return self._words.gettext(english)

    def note(self, what: str) -> None:
        """Keep what has been told since, and what was told before and reads otherwise now."""
        for person in self._people:
            before, now = self._before[person.name], _screen(person)
            said = [
                f"now {text}" if key in before else text
                for key, text in now.items()
                if before.get(key) != text
            ]
            if said:
                self.shown[f"{what}: {person.name}"] = "\n".join(said)
            self._before[person.name] = now

    async def presses(self, person: Person, english: str, channel: str | None = None) -> None:
        """Press the newest button that has these words, anywhere or in a channel."""
        word = self.says(english)
        message = [one for one in person.messages(channel) if word in one.buttons][-1]
        await person.presses(word, message)
        await self._stage.quiet()


def _screen(person: Person) -> dict[tuple[str, str], str]:
    """All that the bot has told somebody, as it reads now."""
    return {(m.channel, m.ts): of_message(m) for m in person.messages() if m.user == "dbc"}


async def speaks(stage: Stage, locale: str) -> Walk:
    """Everybody and the channel in one language, from here on."""
    for person in (stage.alice, stage.bob, stage.carol):
        person.speaks(locale)
    await stage.ws.idle()
    language = locale.partition("-")[0]
    await stage.asks(stage.alice, f"/dbc settings channel-language {language}")
    return Walk(stage, locale)


@asynccontextmanager
async def alone(path: Path, policy: str) -> AsyncIterator[Stage]:
    """Alice alone has a session."""
    async with staged(path, policy=policy) as stage:
        await stage.gives_session(stage.alice, "gpu1")
        yield stage


@pytest.mark.parametrize("locale", LOCALES)
async def test_ends_that_are_not_good(
    tmp_path: Path, locale: str, snapshot: SnapshotAssertion
) -> None:
    async with alone(tmp_path, ON.replace("[outages]\n", "")) as stage:
        off(stage)
        walk = await speaks(stage, locale)
        for name in ("failed", "unknown"):
            if name == "failed":
                stage.node("gpu1").fail("start")
            else:
                stage.world.faults.on("gateway_down", path="/tasks/start", count=1)
            await stage.asks(stage.alice, "/dbc vm start inference")
            walk.note(f"{name}, at first")
            for _ in range(12):
                await stage.passes(15)
            walk.note(f"{name}, in the end")
    assert as_text(walk.shown) == snapshot(extension_class=TextFile), KEEP_THEM


@pytest.mark.parametrize("locale", LOCALES)
async def test_the_way_past_approval(
    tmp_path: Path, locale: str, snapshot: SnapshotAssertion
) -> None:
    async with site(tmp_path, RULE) as stage:
        walk = await speaks(stage, locale)
        carol = stage.carol
        await carol.types(f"{DELETE} reason=OPS-1", channel=CHANNEL)
        await stage.quiet()
        walk.note("asked")
        await stage.bob.types("/dbc vm restart inference force", channel=CHANNEL)
        await stage.quiet()
        await stage.passes(5)
        walk.note("asked beside it")
        await stage.bob.presses(walk.says("Withdraw"), stage.bob.messages(CHANNEL)[-1])
        await stage.quiet()
        await stage.passes(5)
        walk.note("withdrawn beside it")
        await walk.presses(stage.bob, "Approve")
        for person in stage.bob, carol:
            await stage.asks(person, "/dbc break glass")
        walk.note("wished")
        await walk.presses(carol, "Break glass …")
        assert carol.modal is not None
        walk.shown["form"] = of_view(carol.modal)
        await carol.submits({walk.says("Why can it not wait?"): "It floods the switch"})
        await stage.quiet()
        for _ in range(4):
            await stage.passes(15)
        walk.note("broken")
        await walk.presses(stage.bob, "I have reviewed it")
        await stage.passes(15)
        walk.note("reviewed")
    assert as_text(walk.shown) == snapshot(extension_class=TextFile), KEEP_THEM


@pytest.mark.parametrize("locale", LOCALES)
async def test_a_share_from_its_request_to_its_end(
    tmp_path: Path, locale: str, snapshot: SnapshotAssertion
) -> None:
    async with alone(tmp_path, ON.replace("[outages]\n", "")) as stage:
        walk = await speaks(stage, locale)
        await stage.asks(stage.bob, "/dbc session ask gpu1 reason=OPS-7")
        await stage.passes()
        walk.note("asked")
        label = walk.says("Share for {hours} hours").format(hours=8)
        await walk.presses(stage.alice, label)
        await stage.passes()
        walk.note("given")
        await stage.passes(7 * 3600 + 60)
        await stage.passes(60)
        walk.note("ends in an hour")
        await stage.passes(3600)
        await stage.passes(60)
        walk.note("ended")
    assert as_text(walk.shown) == snapshot(extension_class=TextFile), KEEP_THEM


@pytest.mark.parametrize("locale", LOCALES)
async def test_outages(tmp_path: Path, locale: str, snapshot: SnapshotAssertion) -> None:
    async with alone(tmp_path, ON) as stage:
        walk = await speaks(stage, locale)
        await goes_on(stage, 3)
        off(stage)
        await goes_on(stage, 6)
        walk.note("a machine is off")
        stage.node("gpu1").silent = True
        await goes_on(stage, 10)
        walk.note("a node is silent")
        stage.node("gpu1").silent = False
        await goes_on(stage, 6)
        walk.note("it responds again")
    assert as_text(walk.shown) == snapshot(extension_class=TextFile), KEEP_THEM
