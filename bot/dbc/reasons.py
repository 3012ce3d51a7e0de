"""Why a node refuses a caller, and what each of these reasons says to people."""

from collections.abc import Mapping
from enum import StrEnum

from bot.reply import Text, say


class Reason(StrEnum):
    """Why a node refuses a caller (docs/dbc-api.md §2.6)."""

    NO_CREDENTIALS = "no credentials"
    NOT_RENTED = "machine is not be rented"
    SESSION_INVALID = "session_id is invalid"
    SIGNATURE_INVALID = "nonce check failed"
    WALLET_NOT_RENTER = "wallet not rented"
    RENT_EXPIRED = "machine has already expired"
    NOT_VERIFYING = "not in verify time"
    ROLE = "role refused"
    NO_SESSION = "no session id"
    MANAGER_KEY = "manager key needed"
    NOT_OWNER = "not the owner"
    OTHER = "other"


# Behind the advice for a node that is not rented, where a machine may still be on it.
COPIES = say(
    "That saves no machine of an order that has ended, but lets you copy its data until it is "
    "deleted."
)
REASONS: Mapping[Reason, tuple[Text, Text]] = {
    Reason.NO_CREDENTIALS: (
        say("This needs credentials for the node, and there are none."),
        say("Add a session for this node first."),
    ),
    Reason.NOT_RENTED: (
        say("The node is not rented at present."),
        say("It refuses every command until one of its GPUs is rented again."),
    ),
    Reason.SESSION_INVALID: (
        say("The node does not accept this session."),
        say("A session is valid on one node only. Check the pair, or have a new one signed."),
    ),
    Reason.SIGNATURE_INVALID: (
        say("The node does not accept the signature."),
        say(
            "It is wrong, its nonce was used before, or none arrived. Sign a fresh nonce; "
            "while a machine is being verified, sessions do not work at all."
        ),
    ),
    Reason.WALLET_NOT_RENTER: (
        say("This wallet does not hold the node's rental."),
        say("Use the renter's wallet, and give the rent order where single GPUs are rented."),
    ),
    Reason.RENT_EXPIRED: (
        say("The rental behind this session has expired."),
        say("Renew the rental, and give the rent order where single GPUs are rented."),
    ),
    Reason.NOT_VERIFYING: (
        say("The node is being verified, and this wallet is not a verifier on duty."),
        say("Wait until its verification is over."),
    ),
    Reason.ROLE: (
        say("These credentials may not do this: it is for the renter, not for verifiers."),
        say("Use the renter's session."),
    ),
    Reason.NO_SESSION: (
        say("The node has no session for this wallet."),
        say("Check that the wallet rents this very node."),
    ),
    Reason.MANAGER_KEY: (
        say("This needs a signature with the bare-metal manager's own node key."),
        say("Sessions and renters' wallets do not count here. Sign a fresh nonce with that key."),
    ),
    Reason.NOT_OWNER: (
        say("This network was made by another wallet."),
        say("Only its owner can delete it."),
    ),
    Reason.OTHER: (say("The node does not let these credentials do this."), ""),
}


# What says that the session, or the rental behind it, is gone. The rest may be about anything.
LOST = frozenset(
    {
        Reason.NOT_RENTED,
        Reason.SESSION_INVALID,
        Reason.SIGNATURE_INVALID,
        Reason.WALLET_NOT_RENTER,
        Reason.RENT_EXPIRED,
        Reason.NOT_VERIFYING,
        Reason.NO_SESSION,
    }
)
