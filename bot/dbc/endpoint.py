"""What an endpoint is and what a request to it consists of; how a request hides its secrets.

Knows nothing of connections. Each endpoint is declared once, in the client of its area.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from hashlib import sha256
from typing import Generic, Protocol, TypeVar

from pydantic import SecretStr, TypeAdapter

from bot.dbc.errors import Mode, NotAuthorised
from bot.dbc.identity import (
    Credentials,
    Multisig,
    NodeKeySignature,
    SessionPair,
    Target,
    WalletSignature,
)
from bot.dbc.reasons import Reason
from bot.redaction import MASK, secrets_in

T = TypeVar("T")
NOTHING: Mapping[str, object] = {}
# Entries of one list. A node is a stranger's machine: it has tens of machines, disks and images.
MOST = 1_000
MOST_NODES = 3_000  # that a daemon has heard of


class Auth(Enum):
    """Whose credentials an endpoint takes. What it does not take is never sent to it."""

    # Sets, for Python before 3.11.4 makes a member with the value () into something else.
    NONE = frozenset[object]()
    RENTER = frozenset[object]((SessionPair, WalletSignature, Multisig))
    RENTER_IF_GIVEN = frozenset[object]((SessionPair, WalletSignature, Multisig, None))
    SIGNATURE = frozenset[object]((WalletSignature, Multisig))  # of a wallet, not a session
    MANAGER = frozenset[object]((NodeKeySignature,))
    MANAGER_IF_GIVEN = frozenset[object]((NodeKeySignature, None))

    @property
    def needed(self) -> bool:
        """Whether there is no calling without credentials."""
        return bool(self.value) and None not in self.value

    def accepts(self, credentials: Credentials | None) -> bool:
        """Whether these are of a kind that the endpoint reads."""
        return type(credentials) in self.value

    def check(self, credentials: Credentials | None, mode: Mode) -> None:
        """Raise NotAuthorised if DBC could only refuse these."""
        if self.needed and not self.accepts(credentials):
            reason = Reason.MANAGER_KEY if self is Auth.MANAGER else Reason.NO_CREDENTIALS
            raise NotAuthorised(reason, sent=False, mode=mode)


@dataclass(slots=True)
class LastAnswer:
    """The answer that is stored, to compare the answer to one more request with; none: unknown.

    An answer that is the same, byte for byte, is not read again: the call gives what the endpoint
    makes of an empty list, and `is_repeated` says so. Comparing remembers nothing for the next
    request: whoever has stored what was answered compares with `answered` from then on.
    """

    digest: bytes = b""
    answered: bytes = b""

    @property
    def is_repeated(self) -> bool:
        """Whether the stored answer was given once more."""
        return bool(self.answered) and self.answered == self.digest

    def compare(self, body: bytes) -> bool:
        """Whether an answer is the stored one."""
        self.answered = sha256(body).digest()
        return self.is_repeated


@dataclass(frozen=True, slots=True)
class Endpoint(Generic[T]):
    """One operation: where it is, whether it changes anything, whom it serves, what it answers.

    `path` may hold `{task_id}`-like places. `timer` names what the daemon counts as one kind of
    request (§7.3), if that is more than one path. `decode` makes the answer's `message` a value; it
    raises ValueError (pydantic's included) if it is not what the endpoint promises, and Unproved
    where the text of a change is none that success is known to have. An answer with a list of more
    than `most` entries is not read.
    """

    path: str
    mode: Mode
    auth: Auth
    decode: Callable[[object], T]
    timer: str = ""
    most: int = MOST

    @property
    def kind(self) -> str:
        """What requests of one kind have in common."""
        return self.timer or self.path


def read(
    path: str, auth: Auth, answer: TypeAdapter[T], timer: str = "", most: int = MOST
) -> Endpoint[T]:
    """An endpoint that changes nothing: it may be repeated and asked of another daemon."""
    return Endpoint(path, Mode.READ, auth, answer.validate_python, timer, most)


def change(path: str, auth: Auth, decode: Callable[[object], T], timer: str = "") -> Endpoint[T]:
    """An endpoint that changes something: it is sent once, to one daemon."""
    return Endpoint(path, Mode.CHANGE, auth, decode, timer)


@dataclass(frozen=True, slots=True, repr=False)
class Request:
    """One request, ready to send. Its secrets stay wrapped until the very last moment."""

    path: str
    query: str = ""
    target: Target | None = None
    auth: Auth = Auth.NONE
    additional: Mapping[str, object] = field(default_factory=dict)
    last: LastAnswer | None = None

    @property
    def node_id(self) -> str:
        """The node it is for, empty for the daemon itself."""
        return self.target.node_id if self.target else ""

    @property
    def full_path(self) -> str:
        """The path below the API's root, with the query."""
        return f"{self.path}?{self.query}" if self.query else self.path

    @property
    def one_shot(self) -> bool:
        """Whether its credentials are used up once a node has seen them."""
        credentials = self._credentials
        return credentials is not None and credentials.one_shot

    def body(self) -> bytes:
        """The JSON to send, secrets in clear. Never keep it in a variable (see `Sealed`)."""
        return json.dumps(
            self._envelope(), default=_reveal, ensure_ascii=False, allow_nan=False
        ).encode()

    @property
    def secrets(self) -> frozenset[str]:
        """What an answer to it must not repeat."""
        return frozenset(secret for secret in secrets_in(self._envelope()) if secret)

    def shown(self) -> dict[str, object]:
        """`additional` with its secrets masked."""
        return {name: _masked(value) for name, value in self.additional.items()}

    @property
    def _credentials(self) -> Credentials | None:
        given = self.target.credentials if self.target else None
        return given if self.auth.accepts(given) else None

    def _envelope(self) -> dict[str, object]:
        fields: dict[str, object] = {"peer_nodes_list": [self.node_id] if self.target else []}
        if self.target is not None:
            fields |= self.target.model_copy(update={"credentials": self._credentials}).envelope()
        return {**fields, "additional": dict(self.additional)}

    def __repr__(self) -> str:
        return f"<Request {self.full_path} for {self.node_id[:8] or 'the daemon'}>"


class Caller(Protocol):
    """Sends requests, or pretends to."""

    async def call(
        self,
        endpoint: Endpoint[T],
        target: Target | None = None,
        additional: Mapping[str, object] = NOTHING,
        *,
        query: str = "",
        last: LastAnswer | None = None,
        **places: str,
    ) -> T:
        """Send one request and give back its decoded answer, or raise a DbcError.

        `places` fill the path. They and `additional` have been checked already. `last` is compared
        with the answer.
        """
        ...


def _reveal(value: object) -> str:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    raise TypeError(f"{type(value).__name__} cannot be sent")


def _masked(value: object) -> object:
    if isinstance(value, SecretStr):
        return MASK
    if isinstance(value, Mapping):
        return {name: _masked(item) for name, item in value.items()}
    return [_masked(item) for item in value] if isinstance(value, list) else value
