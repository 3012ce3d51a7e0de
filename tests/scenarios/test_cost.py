"""What rentals cost: read from the chain, parted by machine and person, for those concerned."""

import csv
import io
import json
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from sandbox.dbc import Wallet
from tests.scenarios.machines import off
from tests.scenarios.orders import DAY, ChainStage, chained
from tests.scenarios.site import asked
from tests.scenarios.stage import CHANNEL, Stage
from tests.scenarios.test_create import opens_form

CREATE = "/dbc vm create name=late image=ubuntu-20.04.qcow2 gpu=1 cpu=2 mem=8 disk=10 on gpu1"


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[ChainStage]:
    async with chained(tmp_path) as one:
        await one.stage.gives_session(one.stage.alice, "gpu1")
        one.is_watched_whole = True
        yield one


async def costs(scene: ChainStage, line: str = "", who: Any = None) -> dict[str, Any]:
    asked = await scene.stage.asks(who or scene.stage.alice, f"/dbc cost {line} --json")
    told: dict[str, Any] = json.loads(asked.plain.strip("`\n"))
    return told


def planck(amount: str) -> int:
    return int(amount.replace(".", ""))


async def test_a_price_is_known_to_the_planck_while_it_is_reserved(scene: ChainStage) -> None:
    rental = scene.rents(confirmed=False)
    await scene.passes(minutes=5, step=100)
    scene.chain.confirm(rental.number)
    scene.chain.avg_price = 9_000  # a rental's price is that of its day
    await scene.passes(minutes=5, step=100)
    shown = await scene.stage.asks(scene.stage.alice, f"/dbc order show {rental.number}")
    assert "2,994.50 USD · 249,541.67 DBC" in shown.plain
    assert "stimate" not in shown.plain


@pytest.mark.slow
async def test_the_parts_of_a_month_are_the_ground_truth_to_the_planck(scene: ChainStage) -> None:
    rental = scene.rents(blocks=10 * DAY)
    for _ in range(3):
        await scene.passes(8, step=1200)
        scene.chain.avg_price = (scene.chain.avg_price or 0) + 1_111
        scene.chain.relet(rental.number, DAY)
    await scene.passes(1, step=300)
    told = await costs(scene, "machine")
    since, until = told["from_block"], told["to_block"]
    assert not told["is_estimate"]
    assert since <= rental.start < until
    ends, whole = [rental.start, *(end for _, end in rental.ends)], 10 * 10**15
    for (_, paid), (begins, end) in zip(rental.paid, pairwise(ends), strict=True):
        whole += paid * (min(until, end) - begins) // (end - begins) if until > begins else 0
    assert planck(told["dbc"]) == whole
    assert sum(planck(one["dbc"]) for one in told["parts"]) == whole
    assert sum(one["percent"] for one in told["parts"]) == 100
    shown = {one["machine"] or one["what"]: planck(one["dbc"]) for one in told["parts"]}
    assert shown["inference"] > 0
    assert shown["unused"] > 0
    assert shown["fee"] == 10 * 10**15


async def test_a_sum_that_is_not_known_is_not_told_as_nothing(scene: ChainStage) -> None:
    rental = scene.rents(blocks=2 * DAY)
    scene.chain.avg_price = None
    await scene.passes(minutes=20, step=600)
    told = await costs(scene)
    assert (told["dbc"], told["usd"], told["is_complete"]) == (None, None, False)
    (row,) = told["parts"]
    assert (row["order"], row["dbc"], row["percent"]) == (rental.number, None, None)
    assert told["month_as_paid"]["usd"] is None
    shown = await scene.stage.asks(scene.stage.alice, "/dbc cost")
    assert "So far\nnot known yet" in shown.plain.replace("*", "")
    assert f"{rental.number} on gpu1 · not known yet" in shown.text
    assert "0.00" not in shown.plain + shown.text


@pytest.mark.slow
async def test_a_sum_says_that_something_is_not_in_it(scene: ChainStage) -> None:
    known = scene.rents(gpus=1)
    await scene.passes(minutes=20, step=600)
    before = planck((await costs(scene))["dbc"])
    other = scene.rents(gpus=1)
    scene.chain.avg_price = None
    await scene.passes(minutes=20, step=600)
    told = await costs(scene)
    assert not told["is_complete"]
    assert planck(told["dbc"]) > before
    shown = {one["order"]: one["dbc"] for one in told["parts"]}
    assert shown == {known.number: told["dbc"], other.number: None}
    words = (await scene.stage.asks(scene.stage.alice, "/dbc cost")).plain.replace("*", "")
    assert re.search(r"So far\n[\d.,]+ USD · [\d.,]+ DBC \(incomplete\)", words)
    assert f"Not known yet, and in no sum here: what was paid for {other.number}." in words
    by_machine = await costs(scene, "machine")
    assert not by_machine["is_complete"]
    assert by_machine["dbc"] == told["dbc"]
    scene.chain.avg_price = 12_000
    await scene.passes(minutes=20, step=600)
    assert (await costs(scene))["is_complete"]


async def test_what_was_paid_before_the_bot_came_is_an_estimate_and_says_so(
    scene: ChainStage,
) -> None:
    rental = scene.rents(blocks=20 * DAY)
    await scene.stage.bot.stop()
    scene.stage.clock.advance(timedelta(days=2))
    await scene._start()
    await scene.passes(minutes=5, step=100)
    told = await scene.stage.asks(scene.stage.alice, "/dbc cost machine")
    assert f"What was paid for {rental.number} is an estimate" in told.plain
    assert "(estimate)" in told.plain
    assert "not observed" in told.plain
    scene.rpc[0].pruned_behind = 10**9  # what an archive keeps is exact, but it is estimated once
    await scene.passes(minutes=5, step=100)
    told = await scene.stage.asks(scene.stage.alice, "/dbc cost machine")
    assert f"What was paid for {rental.number} is an estimate" in told.plain


async def test_what_was_paid_is_exact_though_the_final_block_is_far_behind(
    scene: ChainStage,
) -> None:
    rental = scene.rents(blocks=10 * DAY)
    await scene.passes(minutes=40, step=300)
    scene.chain.relet(rental.number, DAY)
    scene.stage.clock.advance(timedelta(minutes=2))
    scene.rpc[0].finality_stuck_at = scene.chain.blocks.finalized
    scene.stage.clock.advance(timedelta(minutes=4))
    await scene.passes(minutes=1, step=30)
    told = await scene.stage.asks(scene.stage.alice, "/dbc cost machine")
    assert scene.told(scene.stage.alice, "is renewed. It now ends")
    assert f"What was paid for {rental.number} is an estimate" not in told.plain


async def test_what_was_seen_last_holds_until_the_next_look(scene: ChainStage) -> None:
    scene.rents(blocks=10 * DAY)
    await scene.passes(minutes=10, step=300)
    seen = await costs(scene, "machine")
    scene.stage.clock.advance(timedelta(minutes=20))
    told = await costs(scene, "machine")
    assert told["to_block"] > seen["to_block"] + 150
    unseen = [[one["dbc"] for one in t["parts"] if one["what"] == "unseen"] for t in (seen, told)]
    assert unseen[0] == unseen[1]
    scene.stage.clock.advance(timedelta(minutes=20))
    late = await costs(scene, "machine")
    assert [one for one in late["parts"] if one["what"] == "unseen" and one["percent"] > 50]


async def test_not_observed_is_explained_only_beside_such_a_row(scene: ChainStage) -> None:
    scene.rents(blocks=20 * DAY)
    await scene.stage.bot.stop()
    scene.stage.clock.advance(timedelta(days=2))
    await scene._start()
    await scene.passes(minutes=5, step=100)
    for line, is_told in (("", False), ("machine", True)):
        told = (await scene.stage.asks(scene.stage.alice, f"/dbc cost {line}")).plain
        assert ("Not observed:" in told) is is_told


async def test_costs_before_the_books_are_read_are_not_told_to_be_none(tmp_path: Path) -> None:
    async with chained(tmp_path) as new:
        new.rents(blocks=10 * DAY)
        told = await new.stage.asks(new.stage.alice, "/dbc cost")
        assert "The books are being read" in told.plain
        assert "No rental" not in told.plain


@pytest.mark.slow
async def test_machines_and_who_made_them_share_what_they_hold(scene: ChainStage) -> None:
    stage = scene.stage
    scene.rents(blocks=10 * DAY)
    await scene.passes(minutes=20, step=600)
    await stage.asks(stage.alice, CREATE)
    await scene.passes(2, step=900)
    told = await costs(scene, "person")
    mine = [one for one in told["parts"] if one["user"] == stage.alice.id]
    others = [one for one in told["parts"] if one["what"] == "person" and one["user"] is None]
    assert planck(mine[0]["dbc"]) > 0
    assert planck(others[0]["dbc"]) > 0
    shown = await stage.asks(stage.alice, "/dbc cost person")
    assert "machines not made through the bot" in shown.plain
    assert "that no machine uses" in shown.plain
    bars = re.findall(r"(▓*)░* (\d+) %", shown.plain)
    assert sum(int(percent) for _, percent in bars) == 100
    assert [len(full) for full, _ in bars] == [(int(one) * 5 + 50) // 100 for _, one in bars]
    by_machine = await costs(scene, "machine")
    (late,) = [one for one in by_machine["parts"] if one["machine"] == "late"]
    assert late["user"] == stage.alice.id
    assert late["dbc"] == mine[0]["dbc"]


@pytest.mark.slow
async def test_a_machine_that_is_off_costs_nothing_and_its_gpus_are_unused(
    scene: ChainStage,
) -> None:
    stage = scene.stage
    scene.rents(blocks=10 * DAY)
    await scene.passes(minutes=30, step=600)
    off(stage)
    await scene.passes(minutes=10, step=300)
    before = {one["machine"]: one["dbc"] for one in (await costs(scene, "machine"))["parts"]}
    await scene.passes(2, step=2400)
    told = await costs(scene, "machine")
    after = {one["machine"]: one["dbc"] for one in told["parts"]}
    assert before["inference"] == after["inference"]
    shown = await stage.asks(stage.alice, "/dbc cost")
    assert "Last held by inference" in shown.plain.replace("*", "")


@pytest.mark.slow
async def test_a_file_is_a_table_that_no_spreadsheet_runs(scene: ChainStage) -> None:
    stage = scene.stage
    scene.rents(blocks=10 * DAY)
    await scene.passes(minutes=20, step=600)
    await stage.asks(stage.alice, "/dbc vm name inference =cmd()")
    await scene.passes(minutes=20, step=600)
    await stage.asks(stage.alice, "/dbc cost machine --file")
    (file,) = [file for seen in stage.alice.messages("@dbc") for file in seen.files]
    assert file.name.startswith("cost-")
    assert file.name.endswith(".csv")
    rows = list(csv.DictReader(io.StringIO((file.content or b"").decode())))
    assert {"what", "machine", "user", "dbc", "usd", "is_estimate"} <= rows[0].keys()
    assert not any(one["machine"].startswith("=") for one in rows)
    total = (await costs(scene, "machine"))["dbc"]
    assert sum(planck(one["dbc"]) for one in rows) == planck(total)


async def test_nobody_sees_what_others_pay(scene: ChainStage) -> None:
    stage = scene.stage
    stranger = Wallet.from_seed("a stranger").address
    scene.rents(gpus=1, renter=stranger)
    rental = scene.rents(gpus=1)
    await scene.passes(minutes=20, step=600)
    told = await costs(scene)
    assert [one["order"] for one in told["parts"]] == [rental.number]
    nothing = await stage.asks(stage.carol, "/dbc cost")
    assert "No rental that you are told of" in nothing.plain
    assert nothing.ephemeral


async def test_who_watches_a_wallet_sees_its_bill_and_none_of_its_machines(
    scene: ChainStage,
) -> None:
    stage = scene.stage
    scene.rents(blocks=10 * DAY)
    await stage.asks(stage.carol, f"/dbc order watch {scene.renter}")
    await scene.passes(minutes=30, step=600)
    mine, hers = await costs(scene, "machine"), await costs(scene, "machine", stage.carol)
    assert hers["dbc"] == mine["dbc"]
    assert "inference" in str(mine["parts"])
    assert "inference" not in str(hers["parts"])
    shown = await stage.asks(stage.carol, "/dbc cost person")
    assert "machines that you may not see" in shown.plain
    await stage.asks(stage.carol, f"/dbc order unwatch {scene.renter}")
    nothing = await stage.asks(stage.carol, "/dbc cost")
    assert "No rental that you are told of" in nothing.plain


async def test_the_present_rate_and_the_end_of_the_month_are_told(scene: ChainStage) -> None:
    scene.rents(blocks=2 * DAY)
    await scene.passes(minutes=20, step=600)
    told = await scene.stage.asks(scene.stage.alice, "/dbc cost")
    assert "299.45 USD" in told.plain
    assert "An hour now" in told.plain
    assert "By the end of the month, as paid" in told.plain
    assert "if all is renewed at the present price" in told.plain


async def test_a_month_that_cannot_be_is_refused(scene: ChainStage) -> None:
    scene.rents()
    await scene.passes(minutes=5, step=100)
    odd = await scene.stage.asks(scene.stage.alice, "/dbc cost order 2026-13")
    assert "is no month" in odd.plain
    ahead = await scene.stage.asks(scene.stage.alice, "/dbc cost order 2099-01")
    assert "has not begun" in ahead.plain


async def test_a_phone_shows_what_it_is_and_both_amounts(scene: ChainStage) -> None:
    scene.rents(blocks=10 * DAY)
    await scene.passes(1, step=900)
    told = await scene.stage.asks(scene.stage.alice, "/dbc cost node")
    [table] = [block for block in told.blocks if block["type"] == "table"]
    titles = [cell["text"] for cell in table["rows"][0]]
    assert titles == ["Node", "In USD", "In DBC", "Percentage"]  # the rest by swiping
    assert table["column_settings"][0]["is_wrapped"]
    assert "/dbc cost node --file" in told.plain


async def test_costs_are_told_in_chinese(scene: ChainStage) -> None:
    scene.rents()
    await scene.passes(minutes=20, step=600)
    await scene.stage.asks(scene.stage.alice, "/dbc settings language zh")
    told = await scene.stage.asks(scene.stage.alice, "/dbc 费用 虚拟机")
    assert "租用费用" in told.plain
    assert "美元" in told.plain


async def test_without_a_chain_it_says_what_is_missing(one_stage: Stage) -> None:
    told = await one_stage.asks(one_stage.alice, "/dbc cost")
    assert "CHAIN_RPC_URLS" in told.plain


# What is about something else


@pytest.mark.slow
async def test_a_card_says_when_the_order_ends(scene: ChainStage) -> None:
    stage = scene.stage
    rental = scene.rents(blocks=2 * DAY)
    await scene.passes(minutes=2, step=60)
    card = await asked(stage)
    assert re.search(rf"Rental\norder {rental.number}, ends ", card.plain.replace("*", ""))
    await stage.alice.presses("Withdraw", card)
    scene.rpc[0].down = True
    await scene.until(rental.end + 10)
    card = await asked(stage)
    said = card.plain.replace("*", "")
    assert re.search(rf"Rental\norder {rental.number}, was to end .*; it may have ended", said)


async def test_a_renewal_meanwhile_voids_no_request(scene: ChainStage) -> None:
    stage = scene.stage
    rental = scene.rents(blocks=2 * DAY)
    await scene.passes(minutes=2, step=60)
    card = await asked(stage)
    scene.chain.relet(rental.number, 5 * DAY)
    await scene.passes(minutes=2, step=60)
    await stage.alice.presses("Confirm", card)
    await stage.quiet()
    assert len(stage.changes()) == 1


async def test_whoever_fills_in_the_form_is_told_first_too(scene: ChainStage) -> None:
    stage = scene.stage
    rental = scene.rents("gpu2", blocks=DAY)
    await opens_form(stage)
    await scene.passes(minutes=1, step=30)
    await stage.alice.submits({})
    await stage.quiet()
    said = stage.alice.last(CHANNEL).plain.replace("*", "")
    assert f"Before you go on\n:warning: Order {rental.number} for gpu2 ends" in said
    assert stage.changes() == []


async def test_whoever_downloads_an_image_is_told_first_too(scene: ChainStage) -> None:
    stage = scene.stage
    rental = scene.rents(blocks=DAY)
    await scene.passes(minutes=1, step=30)
    line = "/dbc image download pytorch-2.4.qcow2 from=hub on gpu1"
    said = (await stage.asks(stage.alice, line)).plain.replace("*", "")
    assert f"Before you go on\n:warning: Order {rental.number} for gpu1 ends" in said
    assert stage.changes() == []


async def test_a_machine_that_was_made_from_here_costs_from_its_request_on(
    scene: ChainStage,
) -> None:
    stage, alice = scene.stage, scene.stage.alice
    rental = scene.rents(blocks=10 * DAY)
    scene.is_watched_whole = False
    await scene.passes(minutes=2, step=30)
    begins = scene.chain.blocks.head
    await stage.asks(alice, CREATE)
    await stage.ends(alice, "late is running on gpu1", within=1200)
    scene.is_watched_whole = True
    await scene.passes(minutes=10, step=200)
    told = await costs(scene, "machine")
    (late,) = [one for one in told["parts"] if one["machine"] == "late"]
    a_block = rental.stake // (10 * DAY) // 8
    held = planck(late["dbc"]) // a_block
    assert abs(held - (scene.chain.blocks.head - begins)) <= 3


@pytest.mark.slow
async def test_a_node_and_a_month_are_what_is_asked_for(scene: ChainStage) -> None:
    stage, alice = scene.stage, scene.stage.alice
    await stage.gives_session(alice, "gpu2")
    rental = scene.rents(blocks=40 * DAY)
    other = scene.rents("gpu2", blocks=40 * DAY)
    await scene.passes(minutes=5, step=60)
    assert {one["order"] for one in (await costs(scene, "on gpu1"))["parts"]} == {rental.number}
    listed = (await stage.asks(alice, "/dbc order list on gpu2")).plain
    assert str(other.number) in listed
    assert str(rental.number) not in listed
    wrong = await stage.asks(alice, "/dbc order show on gpu2")
    await alice.presses("List rentals", wrong)
    await stage.quiet()
    assert str(other.number) in alice.last().plain
    scene.is_watched_whole = False
    await scene.passes(hours=30 * 24, step=6 * 3600)
    for sentence in ("上个月花了多少", "what did we spend last month"):
        asked = await stage.asks(alice, f"/dbc {sentence}")
        await alice.presses("Show costs", asked)
        await stage.quiet()
        assert "Cost of 2026-01" in alice.last().plain
    for line in ("cost january", "cost for jan 2026", "cost node gpu1 last", "cost gpu1 january"):
        told = (await stage.asks(alice, f"/dbc {line}")).plain
        assert ("Cost of 2026-01 on gpu1" if "gpu1" in line else "Cost of 2026-01") in told, line
    assert "Person" in (await stage.asks(alice, "/dbc cost by person last")).plain


async def test_an_order_that_lapsed_before_it_was_priced_costs_its_fee(scene: ChainStage) -> None:
    scene.is_watched_whole = False  # the orders are looked at before the books are kept
    scene.rents(confirmed=False)
    await scene.passes(minutes=0.2, step=12)
    scene.rpc[0].down = True
    await scene.passes(minutes=20, step=60)
    scene.rpc[0].down = False
    await scene.passes(minutes=10, step=60)
    told = await costs(scene)
    assert told["is_complete"] is True
    assert planck(told["dbc"]) == 10 * 10**15


async def test_who_only_watches_a_wallet_is_not_told_which_gpus_are_free(scene: ChainStage) -> None:
    stage = scene.stage
    await stage.asks(stage.bob, f"/dbc order watch {scene.renter}")
    scene.rents(gpus=5)
    await stage.asks(stage.alice, "/dbc vm list")
    await scene.passes(minutes=10, step=60)
    assert "that no machine uses" in (await stage.asks(stage.alice, "/dbc cost")).plain
    assert "that no machine uses" not in (await stage.asks(stage.bob, "/dbc cost")).plain


async def test_a_node_where_a_month_stands_is_told_how_it_is_named(scene: ChainStage) -> None:
    scene.rents()
    await scene.passes(minutes=5, step=60)
    told = (await scene.stage.asks(scene.stage.alice, "/dbc cost gpu1")).plain
    assert "Did you mean `/dbc cost on gpu1`?" in told
    told = (await scene.stage.asks(scene.stage.alice, "/dbc cost gpu9")).plain
    assert "Did you mean" not in told
