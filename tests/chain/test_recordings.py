"""Every recorded answer of the chain is understood, and every price is the pallet's own."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from bot.chain import keys
from bot.chain.errors import ChainUnreadable
from bot.chain.models import (
    Header,
    MachineOnChain,
    OrderNumbers,
    OrderOnChain,
    OrdersOfMachine,
    little,
    moment,
    pair,
)
from bot.chain.price import Prices
from bot.chain.rpc import _result, checked
from bot.ids import NodeId

RECORDINGS = Path(__file__).parents[1] / "recordings" / "chain"
NODE = NodeId("58fb618aa482c41114eb3cfdaefd3ba183172da9e25251449d045043fbd37f45")
_AS: Mapping[str, Any] = {
    "rentMachine_getRentOrder": OrderOnChain,
    "rentMachine_getRentList": OrderNumbers,
    "rentMachine_getMachineRentId": OrdersOfMachine,
    "rentMachine_isMachineRenter": bool,
    "onlineProfile_getMachineInfo": MachineOnChain,
    "chain_getHeader": Header,
    "chain_getBlockHash": str,
    "state_getStorage": str,
}


def _rows(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (RECORDINGS / name).read_text().splitlines()]


RPC = _rows("rpc.jsonl")


@pytest.mark.parametrize("row", RPC, ids=[row["note"] for row in RPC])
def test_every_recorded_answer_is_understood(row: Mapping[str, Any]) -> None:
    raw, number = json.dumps(row["answer"]).encode(), row["request"]["id"]
    if "error" in row["answer"] and row["answer"]["error"].get("data") != "NotFound":
        with pytest.raises(ChainUnreadable):
            _result(raw, number)
        return
    adapter = TypeAdapter[object](_AS[row["request"]["method"]])
    understood = checked(adapter, _result(raw, number))
    assert (understood is None) == (row["answer"].get("result") is None)


def _answer(note: str) -> Any:
    return next(row["answer"]["result"] for row in RPC if row["note"].startswith(note))


def test_an_order_says_who_when_and_for_how_much() -> None:
    waiting = OrderOnChain.model_validate(_answer("waiting"))
    assert waiting.is_waiting
    assert waiting.stake_amount == 249_541_666_666_666_666_666
    confirmed = OrderOnChain.model_validate(_answer("confirmed"))
    assert not confirmed.is_waiting
    assert (confirmed.rent_start, confirmed.rent_end) == (9_000_000, 9_144_000)


def test_a_machine_that_was_reported_offline_says_since_when() -> None:
    healthy = MachineOnChain.model_validate(_answer("machine"))
    assert (healthy.status, healthy.offline_since, healthy.gpu_num) == ("rented", None, 4)
    assert healthy.calc_point == 59_890
    offline = MachineOnChain.model_validate(_answer("machine reported offline"))
    assert (offline.status, offline.offline_since) == ("stakerReportOffline", 9_001_000)


def test_names_may_be_arrays_of_bytes() -> None:
    answer = json.loads(json.dumps(_answer("machine")))
    info = answer["machineInfoDetail"]["committee_upload_info"]
    info["gpu_type"] = list(info["gpu_type"].encode())
    assert MachineOnChain.model_validate(answer).gpu_type == "GeForceRTX4090"


@pytest.mark.parametrize("name", [["a"], [1.5], [300], {"a": 1}])
def test_a_name_that_is_none_is_refused(name: object) -> None:
    answer = json.loads(json.dumps(_answer("machine")))
    answer["machineInfoDetail"]["committee_upload_info"]["gpu_type"] = name
    with pytest.raises(ChainUnreadable):
        checked(TypeAdapter(MachineOnChain), answer)


def test_stored_values_are_read_little_end_first() -> None:
    assert moment(_answer("Timestamp")).year == 2026
    assert little(_answer("DBCPriceOCW")) == 12_000
    assert pair(_answer("OnlineProfile.StandardGPUPointPrice")) == (1_000, 5_000_000)
    assert little(_answer("GenericFunc")) == 10 * 10**15


def test_a_machines_own_price_is_looked_for_under_its_key() -> None:
    (row,) = [row for row in RPC if "MachineExtraPrice" in row["note"]]
    assert row["request"]["params"] == [keys.extra_price(NODE)]


@pytest.mark.parametrize("case", _rows("price_cases.jsonl"), ids=lambda case: case["source"])
def test_a_price_is_the_pallets_own(case: Mapping[str, Any]) -> None:
    prices = Prices(
        case["gpu_point"], case["gpu_price"], case["calc_point"],
        case["total"], case["extra"], case["avg_price"],
    )  # fmt: skip
    assert prices.per_day(case["need"]) == case["price_day_uusd"]
    assert prices.usd(case["need"], case["blocks"]) == case["fee_uusd"]
    assert prices.planck(case["need"], case["blocks"]) == int(case["fee_planck"])


@pytest.mark.parametrize(
    "raw",
    [
        b"", b"[]", b"{}", b'{"jsonrpc":"2.0","id":2,"result":1}', b'{"id":1}', b"[" * 100_000,
        b'{"id":1,"error":"no"}', b"<html>",
    ],
)  # fmt: skip
def test_what_is_no_answer_is_refused(raw: bytes) -> None:
    with pytest.raises(ChainUnreadable):
        _result(raw, 1)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("rentEnd", -1), ("rentEnd", 2**60), ("rentEnd", 2**52), ("rentEnd", "9144000x"),
        ("rentStatus", "rentExpired"), ("gpuIndex", [0] * 65),
        ("machineId", "0x" + NODE), ("renter", "<!channel>"), ("stakeAmount", "-5"),
        ("stakeAmount", 1.5), ("gpuNum", None),
    ],
)  # fmt: skip
def test_an_order_that_cannot_be_is_refused(field: str, value: object) -> None:
    with pytest.raises(ChainUnreadable):
        checked(TypeAdapter(OrderOnChain), {**_answer("waiting"), field: value})
