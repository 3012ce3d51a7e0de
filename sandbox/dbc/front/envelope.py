"""The request envelope, checked in the front's order and in its words.

Source: docs/dbc-api.md §1.4, §1.8 (upstream `parse_req_params`).
"""

from dataclasses import dataclass
from typing import Any

from sandbox.dbc.authority import Credentials, Multisig, SignItem
from sandbox.dbc.values import Json, atoi


class EnvelopeError(Exception):
    """An envelope the front refuses; the text is its reason."""


class DaemonDied(Exception):
    """A request that trips an assertion in the real daemon."""


@dataclass(frozen=True)
class Envelope:
    """What the front keeps of a body; `peers` has at most one element."""

    peers: tuple[str, ...]
    additional: Json
    credentials: Credentials

    @property
    def peer(self) -> str:
        """The node id asked for; empty when there is none."""
        return self.peers[0] if self.peers else ""

    @property
    def has_wallet_sign(self) -> bool:
        """Whether the wallet form is complete."""
        given = self.credentials
        return bool(given.wallet and given.nonce and given.sign)

    @property
    def is_signed(self) -> bool:
        """Whether there are credentials at all; nothing is verified here.

        Without `multisig_accounts` the real threshold is uninitialised and nearly always too high.
        """
        given = self.credentials
        if given.session_id and given.session_id_sign:
            return True
        return self.has_wallet_sign or (
            given.multisig is not None and _is_consistent(given.multisig)
        )


def parse(document: Json) -> Envelope:
    """Check an envelope; raises EnvelopeError, or DaemonDied where the real one would."""
    peers = _peers(document)
    if "additional" not in document:
        raise EnvelopeError("has no additional")
    additional = document["additional"]
    if not isinstance(additional, dict):
        raise EnvelopeError("additional is not object")
    wallet, nonce, sign = (_text(document, name) for name in ("wallet", "nonce", "sign"))
    multisig = _multisig(document)
    session_id, session_id_sign, rent_order = (
        _text(document, name) for name in ("session_id", "session_id_sign", "rent_order")
    )
    credentials = Credentials(
        wallet, nonce, sign, multisig, session_id, session_id_sign, rent_order
    )
    return Envelope(peers, additional, credentials)


def _peers(document: Json) -> tuple[str, ...]:
    if "peer_nodes_list" not in document:
        raise EnvelopeError("has no peer_nodes_list")
    found = document["peer_nodes_list"]
    if not isinstance(found, list):
        raise EnvelopeError("peer_nodes_list is not array")
    return tuple(_must_be_text(item) for item in found[:1])


def _must_be_text(value: Any) -> str:
    if not isinstance(value, str):
        raise DaemonDied
    return value


def _text(document: Json, name: str) -> str:
    found = document.get(name, "")
    if not isinstance(found, str):
        raise EnvelopeError(f"{name} is not string")
    return found


def _multisig(document: Json) -> Multisig | None:
    if "multisig_accounts" not in document:
        return None
    found = document["multisig_accounts"]
    if not isinstance(found, dict):
        raise EnvelopeError("multisig_accounts is not object")
    wallets = tuple(_must_be_text(item) for item in _member(found, "wallets", list, "array"))
    threshold = atoi(_member(found, "threshold", str, "string"))
    signs = []
    for item in _member(found, "signs", list, "array"):
        if not isinstance(item, dict):
            raise DaemonDied
        fields = (_must_be_text(item.get(name)) for name in ("wallet", "nonce", "sign"))
        signs.append(SignItem(*fields))
    return Multisig(wallets, threshold, tuple(signs))


def _member(found: Json, name: str, kind: type, words: str) -> Any:
    if name not in found:
        raise EnvelopeError(f"multisig_accounts has no member {name}")
    if not isinstance(found[name], kind):
        raise EnvelopeError(f"multisig_accounts member {name} is not {words}")
    return found[name]


def _is_consistent(multisig: Multisig) -> bool:
    """Threshold within bounds, every signer a member, nothing empty; negative wraps to huge."""
    if not 0 <= multisig.threshold <= min(len(multisig.wallets), len(multisig.signs)):
        return False
    return all(
        item.wallet in multisig.wallets and item.wallet and item.nonce and item.sign
        for item in multisig.signs
    )
