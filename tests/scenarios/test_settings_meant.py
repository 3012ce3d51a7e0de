"""Lines about one's own settings: reset, quiet hours, what one is told, the digest."""

from tests.scenarios.stage import Stage


async def test_what_is_said_of_settings_leads_to_them(one_stage: Stage) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu1")
    await stage.passes()
    for line, button in {
        "reset my settings": "Change settings",
        "restore default settings": "Change settings",
        "reset my quiet hours": "Choose quiet hours",
        "no quiet hours": "Choose quiet hours",
        "reset my language": "Choose a language",
        "set my language to chinese": "Choose a language",
        "reset notifications": "Choose notifications",
        "reset my notifications": "Choose notifications",
        "send me a daily digest": "Choose notifications",
        "digest at 9": "Choose the digest hour",
    }.items():
        told = await stage.asks(stage.alice, f"/dbc {line}")
        assert button in told.buttons, (line, told.plain, told.buttons)
        assert "None of your machines" not in told.plain, line
    for line, value in {
        "quiet hours 22 to 7": "22",
        "notify me only of failures": "failures",
        "digest at 9": "09:00",
        "digest at 9:30pm": "21:30",
    }.items():
        told = await stage.asks(stage.alice, f"/dbc {line}")
        assert "later" not in told.plain, line
        await stage.alice.presses(told.buttons[0], told)
        form = await stage.alice.sees_modal()
        assert [v for v in map(form.value, form.labels) if v and value in str(v)], (
            line,
            form.plain,
        )
        await stage.alice.closes()
    told = await stage.asks(stage.alice, "/dbc settings notifications failures only")
    assert told.plain.startswith("You now get only failures")
    told = await stage.asks(stage.alice, '/dbc reset "language"')
    assert told.plain.startswith(":no_entry_sign: None of your machines is called “language”.")
