"""What the chain answers, checked at the edge: every number, text and list has its limits."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

from bot import ids
from bot.chain.errors import ChainUnreadable

T = TypeVar("T")

_NODE_ID = re.compile(r"[0-9a-f]{64}")
_WALLET = re.compile(r"[1-9A-HJ-NP-Za-km-z]{40,60}")
_LONGEST = 80  # characters of a name that is shown
_MOST_GPUS = 64


class RentStatus(StrEnum):
    """How far an order is that the chain has. Of an unknown status nobody knows what it means."""

    WAITING = "waitingVerifying"  # for its renter's confirmation
    RENTING = "renting"


def _matching(pattern: re.Pattern[str], what: str) -> AfterValidator:
    def check(value: str) -> str:
        if pattern.fullmatch(value) is None:
            raise ValueError(f"is no {what}")
        return value

    return AfterValidator(check)


def _named(value: object) -> object:
    """Names are text on this chain, and arrays of bytes on older ones."""
    if isinstance(value, list):
        if not all(isinstance(one, int) for one in value):
            raise ValueError("is no name")
        value = bytes(value[: 4 * _LONGEST]).decode("utf-8", "replace")
    return value[:_LONGEST] if isinstance(value, str) else value


def _hex_number(value: object) -> object:
    if isinstance(value, str) and re.fullmatch(r"0x[0-9a-fA-F]{1,16}", value):
        return int(value, 16)
    return value


def _amount(value: object) -> object:
    """Balances are text, since they exceed what JSON's readers keep exactly."""
    if isinstance(value, str) and re.fullmatch(r"\d{1,39}", value, re.ASCII):
        return int(value)
    return value


Block = Annotated[int, Field(ge=0, lt=2**32)]  # as wide as the chain's own
BlockHash = Annotated[str, _matching(re.compile(r"0x[0-9a-f]{64}"), "block's hash")]
NodeId = Annotated[ids.NodeId, _matching(_NODE_ID, "node id")]
Wallet = Annotated[str, _matching(_WALLET, "wallet address")]
Name = Annotated[str, BeforeValidator(_named)]
Planck = Annotated[int, BeforeValidator(_amount), Field(ge=0, lt=10**28)]  # a thousandfold of all
OrderNumber = Annotated[int, Field(ge=0, lt=2**63)]
OrderNumbers = Annotated[tuple[OrderNumber, ...], Field(max_length=10_000)]


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", alias_generator=to_camel)


class Header(_Answer):
    """A block's header, as far as it matters here."""

    number: Annotated[Block, BeforeValidator(_hex_number)]


class OrderOnChain(_Answer):
    """A rental as the chain has it. `stake_amount` is the price only until it is confirmed."""

    machine_id: NodeId
    renter: Wallet
    rent_start: Block
    confirm_rent: Block
    rent_end: Block
    stake_amount: Planck
    rent_status: RentStatus
    gpu_num: Annotated[int, Field(ge=0, le=_MOST_GPUS)]
    gpu_index: Annotated[
        tuple[Annotated[int, Field(ge=0, le=1024)], ...], Field(max_length=_MOST_GPUS)
    ]

    @property
    def is_waiting(self) -> bool:
        """Whether its renter has yet to confirm it."""
        return self.rent_status is RentStatus.WAITING


class OrdersOfMachine(_Answer):
    """Which orders hold a machine's GPUs."""

    rent_order: OrderNumbers
    used_gpu: Annotated[tuple[int, ...], Field(max_length=_MOST_GPUS)]


class MachineOnChain(_Answer):
    """A machine as the chain describes it.

    `status` is a word (`online`, `rented`); of one that was reported offline it is the report's
    name, and `offline_since` its block.
    """

    status: Name
    offline_since: Block | None = None
    gpu_type: Name = ""
    gpu_num: Annotated[int, Field(ge=0, le=_MOST_GPUS)] = 0
    calc_point: Annotated[int, Field(ge=0, lt=2**63)] = 0

    model_config = ConfigDict(frozen=True, extra="ignore", alias_generator=None)

    @model_validator(mode="before")
    @classmethod
    def _flat(cls, value: Any) -> Any:
        """Take what matters out of the answer's own layout."""
        if not isinstance(value, Mapping):
            return value
        detail = value.get("machineInfoDetail")
        info = detail.get("committee_upload_info") if isinstance(detail, Mapping) else None
        flat = dict(info) if isinstance(info, Mapping) else {}
        status = value.get("machineStatus")
        flat["status"] = status
        if isinstance(status, Mapping) and len(status) == 1:
            name, told = next(iter(status.items()))
            flat["status"] = name
            numbers = [one for one in told if isinstance(one, int)] if _is_list(told) else []
            flat["offline_since"] = numbers[0] if numbers else None
        return flat


def _is_list(value: object) -> bool:
    return isinstance(value, list | tuple)


def little(stored: str) -> int:
    """An unsigned number as the chain stores it: hexadecimal, the lowest byte first.

    Raises ValueError.
    """
    if not re.fullmatch(r"0x(?:[0-9a-fA-F]{2}){1,16}", stored):
        raise ValueError("is no stored number")
    return int.from_bytes(bytes.fromhex(stored[2:]), "little")


def pair(stored: str) -> tuple[int, int]:
    """Two unsigned numbers of 64 bits. Raises ValueError."""
    if not re.fullmatch(r"0x[0-9a-fA-F]{32}", stored):
        raise ValueError("is no stored pair")
    return little(stored[:18]), little("0x" + stored[18:])


def moment(stored: str) -> datetime:
    """A block's own time. Raises ValueError."""
    try:
        return datetime.fromtimestamp(little(stored) / 1000, UTC)
    except (OverflowError, OSError) as error:
        raise ValueError("is no moment") from error


def stored_as(reads: Callable[[str], T], stored: str | None) -> T:
    """A stored value, as `reads` reads it. Raises ChainUnreadable."""
    try:
        if stored is not None:
            return reads(stored)
    except ValueError:
        pass
    raise ChainUnreadable(why="a stored value is not as expected")
