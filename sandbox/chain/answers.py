"""How the runtime's answers look: names of fields, numbers as text, its errors."""

import re
from collections.abc import Sequence
from typing import Any

from sandbox.chain.blocks import Blocks
from sandbox.chain.ledger import Chain, Rental

_ADDRESS = re.compile(r"5[1-9A-HJ-NP-Za-km-z]{46,47}")


class RpcError(Exception):
    """A JSON-RPC error."""

    def __init__(self, code: int, message: str, data: str = "") -> None:
        super().__init__(message)
        self.shown: dict[str, object] = {"code": code, "message": message}
        if data:
            self.shown["data"] = data


def not_found() -> RpcError:
    """What the runtime says of an order that ended, lapsed or never was: it does not tell which."""
    return RpcError(-32603, "Something wrong", "NotFound")


def number(params: Sequence[Any], at: int) -> int:
    """A parameter that is a number; the runtime takes no text in its place."""
    value = _at(params, at)
    if not isinstance(value, int) or isinstance(value, bool):
        kind = "string" if isinstance(value, str) else type(value).__name__
        raise RpcError(-32602, "Invalid params", f"invalid type: {kind} …")
    return value


def text(params: Sequence[Any], at: int) -> str:
    """A parameter that is a text."""
    value = _at(params, at)
    if not isinstance(value, str):
        raise RpcError(-32602, "Invalid params", "invalid type: expected a string")
    return value


def address(params: Sequence[Any], at: int) -> str:
    """A parameter that is a wallet's address."""
    value = text(params, at)
    if _ADDRESS.fullmatch(value) is None:
        raise RpcError(-32602, "Invalid params", "InvalidChecksum")
    return value


def _at(params: Sequence[Any], at: int) -> Any:
    if not isinstance(params, list) or len(params) <= at:
        raise RpcError(-32602, "Invalid params", "No more params")
    return params[at]


def header(blocks: Blocks, block: int) -> dict[str, object]:
    """`chain_getHeader`."""
    return {
        "parentHash": blocks.hash_of(block - 1),
        "number": hex(block),
        "stateRoot": blocks.hash_of(block),
        "extrinsicsRoot": blocks.hash_of(block),
        "digest": {"logs": []},
    }


def order(rental: Rental, block: int) -> dict[str, object]:
    """`rentMachine_getRentOrder`: the price stands there only while it is not paid."""
    is_confirmed = rental.is_confirmed(block)
    return {
        "machineId": rental.machine_id,
        "renter": rental.renter,
        "rentStart": rental.start,
        "confirmRent": rental.confirmed_at if is_confirmed else 0,
        "rentEnd": rental.end_at(block),
        "stakeAmount": "0" if is_confirmed else str(rental.stake),
        "rentStatus": "renting" if is_confirmed else "waitingVerifying",
        "gpuNum": len(rental.gpus),
        "gpuIndex": rental.gpus,
    }


def machine(chain: Chain, machine_id: str, block: int) -> dict[str, object]:
    """`onlineProfile_getMachineInfo`: camelCase outside, snake_case inside."""
    found = chain.machines.get(machine_id)
    if found is None:
        raise not_found()
    rentals = chain.of_machine(machine_id, block)
    status: object = "rented" if rentals else "online"
    if found.offline_since is not None:
        status = {"stakerReportOffline": [found.offline_since, status]}
    return {
        "controller": found.controller,
        "machineStash": found.controller,
        "renters": sorted({one.renter for one in rentals}),
        "machineStatus": status,
        "initStakePerGpu": "10000000000000000000",
        "machineInfoDetail": {
            "committee_upload_info": {
                "machine_id": machine_id,
                "gpu_type": found.gpu_type,
                "gpu_num": found.gpu_num,
                "calc_point": found.calc_point,
            }
        },
    }
