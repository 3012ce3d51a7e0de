"""Who calls and which node is meant. The credentials are bearer secrets and never shown.

Signatures are made elsewhere; here only their form is checked (docs/dbc-api.md §2).
"""

import re
from typing import Annotated, Self

from pydantic import SecretStr, model_validator

from bot import ids
from bot.dbc import fields
from bot.dbc.errors import InvalidField
from bot.dbc.inputs import Input, Positive
from bot.reply import say

_ADDRESS = re.compile(r"5[1-9A-HJ-NP-Za-km-z]{46,48}")


def _address(value: str, field: str) -> str:
    if _ADDRESS.fullmatch(value) is None:
        raise InvalidField(
            say("{field} is a wallet address that begins with 5.", field=field), field=field
        )
    return value


NodeId = Annotated[ids.NodeId, fields.checked(fields.node_id)]
Address = Annotated[str, fields.checked(_address)]
Token = Annotated[SecretStr, fields.checked(fields.token)]
Signature = Annotated[SecretStr, fields.checked(fields.signature)]


class SessionPair(Input):
    """A session and the renter's signature of it: good on one node, for ever, for anyone."""

    session_id: Token
    session_id_sign: Signature

    @classmethod
    def of(cls, session_id: str, session_id_sign: str) -> Self:
        """The pair from plain texts."""
        wrapped = SecretStr(session_id), SecretStr(session_id_sign)
        del session_id, session_id_sign  # out of the locals of a traceback, should the next fail
        return cls(session_id=wrapped[0], session_id_sign=wrapped[1])

    @property
    def one_shot(self) -> bool:
        """Whether it can be used only once."""
        return False

    def envelope(self) -> dict[str, object]:
        """Its fields of the request."""
        return {"session_id": self.session_id, "session_id_sign": self.session_id_sign}


class WalletSignature(Input):
    """A wallet and its signature of a fresh nonce. Each is good for one request only."""

    wallet: Address
    nonce: Token
    sign: Signature

    @property
    def one_shot(self) -> bool:
        """Whether it can be used only once."""
        return True

    def envelope(self) -> dict[str, object]:
        """Its fields of the request."""
        return {"wallet": self.wallet, "nonce": self.nonce, "sign": self.sign}


class NodeKeySignature(Input):
    """A bare-metal manager's own signature of a fresh nonce; `wallet` is its node id (§2.2)."""

    wallet: NodeId
    nonce: Token
    sign: Signature

    @property
    def one_shot(self) -> bool:
        """Whether it can be used only once."""
        return True

    def envelope(self) -> dict[str, object]:
        """Its fields of the request."""
        return {"wallet": self.wallet, "nonce": self.nonce, "sign": self.sign}


class Multisig(Input):
    """Signatures of several members of a multisig account (§2.4)."""

    wallets: tuple[Address, ...]
    threshold: Positive
    signs: tuple[WalletSignature, ...]

    @property
    def one_shot(self) -> bool:
        """Whether it can be used only once."""
        return True

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        nonces = len({one.nonce.get_secret_value() for one in self.signs})
        if not self.threshold <= len(self.signs) or self.threshold > len(self.wallets):
            raise InvalidField(
                say("{field} must be at least as many as the threshold.", field="signs"),
                field="signs",
            )
        if any(one.wallet not in self.wallets for one in self.signs):
            raise InvalidField(
                say("{field} must all be by wallets of the account.", field="signs"), field="signs"
            )
        if nonces != len(self.signs):
            raise InvalidField(
                say("{field} need a nonce of their own each.", field="signs"), field="signs"
            )
        return self

    def envelope(self) -> dict[str, object]:
        """Its fields of the request. The threshold is a string there."""
        return {
            "multisig_accounts": {
                "wallets": list(self.wallets),
                "threshold": str(self.threshold),
                "signs": [one.envelope() for one in self.signs],
            }
        }


Credentials = SessionPair | WalletSignature | Multisig | NodeKeySignature


class Target(Input):
    """The node that is meant and in whose name.

    `rent_order` (digits) is needed in every call where single GPUs of a node are rented (§2.6).
    """

    node_id: NodeId
    credentials: Credentials | None = None
    rent_order: Annotated[str, fields.checked(fields.rent_order)] | None = None

    def envelope(self) -> dict[str, object]:
        """Its fields of the request, without `additional`."""
        fields_: dict[str, object] = {"peer_nodes_list": [self.node_id]}
        if self.credentials is not None:
            fields_ |= self.credentials.envelope()
        if self.rent_order is not None:
            fields_["rent_order"] = self.rent_order
        return fields_
