"""Settings are changed where they are shown: each has its choices behind ⋮."""

import pytest

from sandbox.slack import SeenMessage
from tests.scenarios.in_chinese import assert_chinese, reads_chinese, texts_in
from tests.scenarios.stage import CHANNEL, Stage


def menu_of(shown: SeenMessage, label: str) -> tuple[str, list[str]]:
    """Where a setting's menu stands, and what can be chosen."""
    for block in shown.blocks:
        if block.get("text", {}).get("text", "").startswith(f"*{label}*") and "accessory" in block:
            options = block["accessory"]["options"]
            return block["block_id"], [one["text"]["text"] for one in options]
    raise AssertionError(f"no menu beside {label}: {shown.plain}")


@pytest.mark.parametrize(
    ("label", "choice", "told"),
    [
        ("Language", "Chinese", "中文"),
        ("Notifications", "Only failures and what was not done", "You now get only failures"),
        ("Quiet hours", "22:00–07:00", "Your quiet hours are now 22:00"),
        ("Your node", "gpu1", "Settings changed"),
        ("This channel's notifications", "Ends only", "This channel now gets ends only"),
    ],
)
async def test_a_choice_is_one_tap(one_stage: Stage, label: str, choice: str, told: str) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu1")
    shown = await stage.asks(stage.alice, "/dbc settings")
    block, choices = menu_of(shown, label)
    assert choice in choices
    await stage.alice.chooses(block, choice, shown)
    await stage.quiet()
    assert told in stage.alice.last(CHANNEL).plain


async def test_other_hours_are_asked_for_by_the_form(one_stage: Stage) -> None:
    stage = one_stage
    shown = await stage.asks(stage.alice, "/dbc settings")
    block, _ = menu_of(shown, "Quiet hours")
    await stage.alice.chooses(block, "Other hours …", shown)
    await stage.alice.sees_modal("Choose quiet hours")


async def test_a_channels_settings_are_offered_to_whoever_may_choose_them(one_stage: Stage) -> None:
    shown = await one_stage.asks(one_stage.carol, "/dbc settings")
    with pytest.raises(AssertionError, match="no menu beside This channel"):
        menu_of(shown, "This channel's language")
    assert "Chinese" in menu_of(shown, "Language")[1]


async def test_choices_are_in_the_readers_language(one_stage: Stage) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu1")
    await reads_chinese(stage)
    shown = await stage.asks(stage.alice, "/dbc 设置")
    for text in texts_in(shown.blocks):
        if text not in {"gpu1", "22:00–07:00", "20:00–08:00"}:
            assert_chinese(text)


async def test_what_the_whole_channel_reads_has_no_menus(one_stage: Stage) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu1")
    shown = await stage.asks(stage.alice, "/dbc settings channel_node=none")
    assert not shown.ephemeral
    with pytest.raises(AssertionError, match="no menu beside Your node"):
        menu_of(shown, "Your node")


@pytest.mark.parametrize("of", ["", "channel-"])
async def test_the_time_of_a_digest_is_chosen_from_a_menu_or_by_a_picker(
    one_stage: Stage, of: str
) -> None:
    stage, alice = one_stage, one_stage.alice
    await stage.gives_session(alice, "gpu1")
    chosen = await stage.asks(alice, f"/dbc settings {of}notifications digest")
    title = "This channel's daily digest" if of else "Daily digest"
    shown = await stage.asks(alice, "/dbc settings")
    block, choices = menu_of(shown, title)
    assert choices == ["07:00", "08:00", "09:00", "18:00", "Other time …"]
    await alice.chooses(block, "18:00", shown)
    await stage.quiet()
    assert "daily digest now comes at 18:00 (Europe/Amsterdam)" in alice.last(CHANNEL).plain
    if not of:
        await alice.presses("Other time …", chosen)
    else:
        await alice.chooses(block, "Other time …", shown)
    await alice.sees_modal("Choose the digest hour")
    await alice.submits({"Hour": "07:30"})
    await stage.quiet()
    assert "daily digest now comes at 07:30" in alice.last(CHANNEL).plain


async def test_only_who_gets_a_digest_is_shown_when_it_comes(one_stage: Stage) -> None:
    shown = await one_stage.asks(one_stage.alice, "/dbc settings")
    assert "Daily digest" not in shown.plain


async def test_the_node_of_a_default_is_chosen_and_can_be_none(one_stage: Stage) -> None:
    stage, alice = one_stage, one_stage.alice
    await stage.gives_session(alice, "gpu1", "gpu2")
    shown = await stage.asks(alice, "/dbc settings")
    block, _ = menu_of(shown, "Your node")
    await alice.chooses(block, "Other …", shown)
    await alice.sees_modal("Your node")
    await stage.quiet()
    offered = await alice.suggests("Your node", "")
    assert offered[0].startswith("gpu1 · ")
    assert offered[-1] == "None"
    await alice.submits({"Your node": offered[0]})
    await stage.quiet()
    assert "Settings changed" in alice.last(CHANNEL).plain
