"""A password or a key in a line that is no command: people are told what to do about it."""

import json

from tests.scenarios.stage import CHANNEL, Stage

KEY = "deadbeef" * 8
WORDS = "legal winner thank year wave sausage worth useful legal winner thank yellow"


async def test_who_types_what_looks_like_a_secret_is_told_and_does_not_read_it(
    one_stage: Stage,
) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu1")
    await stage.passes()
    lines = {
        f"my seed is 0x{KEY}": KEY,
        f"my mnemonic: {WORDS}": WORDS,
        "set the root password of inference to hunter2secret": "hunter2secret",
        "passwd=hunter2secret": "hunter2secret",
        "xoxb-1234-abcdef": "xoxb-1234",
        "vm restart inference the password is hunter2secret": "hunter2secret",
    }
    for line, secret in lines.items():
        told = await stage.asks(stage.alice, f"@dbc {line}")
        assert "That looks like a password or a key." in told.plain, line
        assert "delete the message and change" in told.plain, line
        assert secret not in json.dumps([told.text, told.blocks]), line
    told = await stage.asks(stage.alice, "/dbc passwd=hunter2secret")
    assert "A slash command leaves no message in the channel." in told.plain
    told = await stage.asks(stage.alice, "@dbc what is the password of inference?")
    assert "That looks like" not in told.plain
    assert stage.alice.last(CHANNEL).ts == told.ts
