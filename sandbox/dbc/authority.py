"""Who may do what on a node: sessions, wallet and multisig signatures against the chain.

Source: docs/dbc-api.md §2.3-§2.6 (`check_authority`). Knows nothing of tasks.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from random import Random
from typing import NamedTuple

from sandbox.dbc import keys, values
from sandbox.dbc.chain import MachineOnChain, MachineState


class Role(Enum):
    """What a caller turned out to be."""

    WALLET_RENTER = "wallet"
    SESSION_RENTER = "session"
    VERIFIER = "verifier"


@dataclass(frozen=True)
class SignItem:
    """One member's signature of a multisig envelope."""

    wallet: str
    nonce: str
    sign: str


@dataclass(frozen=True)
class Multisig:
    """The multisig form of an envelope."""

    wallets: tuple[str, ...] = ()
    threshold: int = 0
    signs: tuple[SignItem, ...] = ()


@dataclass(frozen=True)
class Credentials:
    """All that an envelope says about its sender; absent fields are empty."""

    wallet: str = ""
    nonce: str = ""
    sign: str = ""
    multisig: Multisig | None = None
    session_id: str = ""
    session_id_sign: str = ""
    rent_order: str = ""


class Granted(NamedTuple):
    """An accepted caller."""

    wallet: str
    role: Role


class Refused(Exception):
    """A refused caller; the text is the reason behind `check authority failed: `."""


@dataclass
class Session:
    """A session id and the wallets whose signature of it counts."""

    session_id: str
    members: tuple[str, ...]


@dataclass
class Gatekeeper:
    """One DBC process' memory of sessions and used nonces."""

    random: Random
    sessions: dict[str, Session] = field(default_factory=dict)
    nonces: set[str] = field(default_factory=set)

    def session(self, wallet: str, members: tuple[str, ...] = ()) -> Session:
        """The wallet's session, made on first need; it never changes afterwards."""
        if wallet not in self.sessions:
            self.sessions[wallet] = Session(values.session_id(self.random), members or (wallet,))
        return self.sessions[wallet]

    def wallet_of(self, session_id: str, signature: str) -> str:
        """The renter behind a session pair; empty when the pair is no good."""
        if not session_id or not signature:
            return ""
        for wallet, session in self.sessions.items():
            if session.session_id == session_id:
                signed = any(keys.verifies(signature, session_id, it) for it in session.members)
                return wallet if signed else ""
        return ""

    def accepts_nonce(self, wallet: str, nonce: str, signature: str) -> bool:
        """Whether the signature is good and its nonce new; a good signature uses its nonce up."""
        if not (wallet and nonce and signature) or not keys.verifies(signature, nonce, wallet):
            return False
        if nonce in self.nonces:
            return False
        self.nonces.add(nonce)
        return True

    def multisig_wallet(self, multisig: Multisig | None) -> str:
        """The multisig account when every listed signature is good; else empty."""
        if multisig is None or not multisig.wallets or not multisig.signs:
            return ""
        if not 0 < multisig.threshold <= min(len(multisig.wallets), len(multisig.signs)):
            return ""
        for item in multisig.signs:
            if item.wallet not in multisig.wallets:
                return ""
            if not self.accepts_nonce(item.wallet, item.nonce, item.sign):
                return ""
        return keys.multisig_address(multisig.wallets, multisig.threshold)

    def signers(self, credentials: Credentials) -> list[tuple[str, tuple[str, ...]]]:
        """The accounts the envelope proves, multisig first, each with its members."""
        plain = ""
        if self.accepts_nonce(credentials.wallet, credentials.nonce, credentials.sign):
            plain = credentials.wallet
        joint = self.multisig_wallet(credentials.multisig)
        found: list[tuple[str, tuple[str, ...]]] = []
        if joint and credentials.multisig is not None:
            found.append((joint, credentials.multisig.wallets))
        if plain:
            found.append((plain, (plain,)))
        return found


def authorise(
    gate: Gatekeeper, chain: MachineOnChain, credentials: Credentials, now: datetime
) -> Granted:
    """Decide as the node does; raises Refused with its reason."""
    if chain.is_down(now) or chain.state in {MachineState.UNKNOWN, MachineState.UNREACHABLE}:
        raise Refused("query machine_status failed")
    if chain.state is MachineState.ONLINE:
        raise Refused("machine is not be rented")
    if chain.state is MachineState.VERIFYING:
        return _verifier(gate, chain, credentials)
    if chain.loses_orders(now):
        return _renter(gate, MachineOnChain(chain.state), credentials)
    return _renter(gate, chain, credentials)


def _verifier(gate: Gatekeeper, chain: MachineOnChain, credentials: Credentials) -> Granted:
    signers = gate.signers(credentials)
    if not signers:
        raise Refused("nonce check failed")
    for wallet, _ in signers:
        if wallet in chain.verifiers:
            return Granted(wallet, Role.VERIFIER)
    raise Refused("not in verify time")


def _renter(gate: Gatekeeper, chain: MachineOnChain, credentials: Credentials) -> Granted:
    order = credentials.rent_order
    by_session = gate.wallet_of(credentials.session_id, credentials.session_id_sign)
    if by_session:
        if chain.rents(order, by_session):
            return Granted(by_session, Role.SESSION_RENTER)
        raise Refused("machine has already expired")
    signers = gate.signers(credentials)
    if not signers:
        has_pair = bool(credentials.session_id and credentials.session_id_sign)
        raise Refused("session_id is invalid" if has_pair else "nonce check failed")
    for wallet, members in signers:
        if chain.rents(order, wallet):
            gate.session(wallet, members)
            return Granted(wallet, Role.WALLET_RENTER)
    raise Refused("wallet not rented")
