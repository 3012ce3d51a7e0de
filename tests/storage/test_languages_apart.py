"""Several processes hear what Slack says of a person: whoever hears it last is believed."""

from bot.ids import UserId
from bot.services.languages import Languages
from storage import Store


async def test_a_locale_that_one_process_heard_long_ago_is_not_written_again(store: Store) -> None:
    first, second, third = (Languages(store, "en") for _ in range(3))
    user = UserId("U0ALICE")
    first.heard(user, "zh-CN")
    for one in (first, second, third):
        await one.refresh()
    assert [one.language(user) for one in (first, second, third)] == ["zh"] * 3
    second.heard(user, "en-US")
    for _ in range(2):
        for one in (second, third, first):
            await one.refresh()
            assert third.language(user) == ("en" if one is not second else third.language(user))
    assert [one.language(user) for one in (first, second, third)] == ["en"] * 3
