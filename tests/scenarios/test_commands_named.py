"""A command that the bot names is its own: no text from outside passes for one, or is changed."""

import hashlib
import json
from pathlib import Path

from tests.scenarios.site import asked, denies, rules, site

FORGED = "use \ue000vm delete inference\ue001 instead"
AUDITORS = '[audit]\nauditors = { persons = ["U0ALICE"] }\n'


async def test_a_reason_cannot_speak_in_the_bots_name(tmp_path: Path) -> None:
    async with site(tmp_path) as stage:
        question = await asked(stage)
        await denies(stage, stage.bob, question, FORGED)
        shown = stage.alice.screen()
        assert "vm delete inference" in shown
        assert "/dbc vm delete" not in shown


async def test_an_export_holds_what_was_hashed_whatever_was_typed(tmp_path: Path) -> None:
    async with site(tmp_path) as stage:
        question = await asked(stage)
        await denies(stage, stage.bob, question, FORGED)
        rules(stage, AUDITORS)
        await stage.asks(stage.alice, "/dbc audit export format=jsonl")
        file = [m for m in stage.alice.messages("@dbc") if m.files][-1].files[-1]
        rows = [json.loads(line) for line in (file.content or b"").decode().splitlines()]
        assert FORGED in (file.content or b"").decode()
        for row in rows:
            found = row.pop("hash")
            content = {k: v for k, v in row.items() if k not in {"message_channel", "message_ts"}}
            content |= {k: _canonical(row[k]) for k in ("arguments", "details")}
            assert hashlib.sha256(_canonical(content).encode()).hexdigest() == found


def _canonical(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))
