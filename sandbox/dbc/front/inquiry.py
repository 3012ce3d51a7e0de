"""One request on its way through the front: the checks it passes, step by step.

A step raises FrontError, or returns the reply when the front can answer by itself.
Source: docs/dbc-api.md §1.4.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sandbox.dbc import rapidjson
from sandbox.dbc.authority import Credentials
from sandbox.dbc.endpoints.request import NodeRequest
from sandbox.dbc.front.envelope import DaemonDied, Envelope, EnvelopeError, parse
from sandbox.dbc.front.replies import INVALID_REQUEST, FrontError, Reply
from sandbox.dbc.images import ImageServer
from sandbox.dbc.values import Json, string
from sandbox.dbc.world import World

POST_ONLY = "only support POST request"


@dataclass
class Inquiry:
    """A request and what has been understood of it so far."""

    world: World
    method: str
    words: list[str]
    query: dict[str, str]
    body: bytes
    knows_nodes: bool = True
    document: Json = field(default_factory=dict)
    envelope: Envelope = field(default_factory=lambda: Envelope((), {}, Credentials()))
    name: str = ""
    detail: str = ""
    image_server: ImageServer | None = None
    force: bool = False
    from_head: bool = False
    lines: int = 100

    def node_request(self, op: str) -> NodeRequest:
        """What is forwarded to the node."""
        return NodeRequest(
            world=self.world,
            op=op,
            node_id=self.envelope.peer,
            additional=self.envelope.additional,
            credentials=self.envelope.credentials,
            name=self.name,
            detail=self.detail,
            image_server=self.image_server,
            force=self.force,
            from_head=self.from_head,
            lines=self.lines,
        )


Step = Callable[[Inquiry], Reply | None]


def post(inquiry: Inquiry) -> None:
    """Refuse every other method."""
    if inquiry.method != "POST":
        raise FrontError(POST_ONLY, INVALID_REQUEST)


def words(*counts: int, hint: str) -> Step:
    """Refuse a path with another number of words."""

    def step(inquiry: Inquiry) -> None:
        if len(inquiry.words) not in counts:
            raise FrontError(hint)

    return step


def name_from(index: int, *, empty: str = "") -> Step:
    """Take the name from the path; refuse an empty one when there is a text for that."""

    def step(inquiry: Inquiry) -> None:
        inquiry.name = inquiry.words[index] if len(inquiry.words) > index else ""
        if empty and not inquiry.name:
            raise FrontError(empty)

    return step


def detail_from(index: int, *, empty: str = "") -> Step:
    """Take the second name from the path."""

    def step(inquiry: Inquiry) -> None:
        inquiry.detail = inquiry.words[index] if len(inquiry.words) > index else ""
        if empty and not inquiry.detail:
            raise FrontError(empty)

    return step


def json_body(*, offset: bool = True) -> Step:
    """Parse the body as an object."""

    def step(inquiry: Inquiry) -> None:
        if not inquiry.body:
            raise FrontError("http request body is empty")
        try:
            document: Any = rapidjson.loads(inquiry.body)
        except rapidjson.ParseError as error:
            at = f"({error.offset})" if offset else ""
            raise FrontError(f"json parse error: {error.words}{at}") from None
        except rapidjson.StackExhausted:
            raise DaemonDied from None
        if not isinstance(document, dict):
            raise FrontError("invalid json")
        inquiry.document = document

    return step


def envelope(prefix: str = "") -> Step:
    """Check the envelope; the group's words come before the reason."""

    def step(inquiry: Inquiry) -> None:
        try:
            inquiry.envelope = parse(inquiry.document)
        except EnvelopeError as error:
            raise FrontError(f"{prefix}{error}") from None

    return step


def peer(inquiry: Inquiry) -> None:
    """Refuse a request without a node id."""
    if not inquiry.envelope.peer:
        raise FrontError("peer_nodeid is empty")


def peer_list(inquiry: Inquiry) -> None:
    """Refuse an empty list only; an empty id in it is taken for a node."""
    if not inquiry.envelope.peers:
        raise FrontError("peer_nodeid is empty")


def credentials(text: str = "wallet_sign and multisig_wallets all invalid") -> Step:
    """Refuse a request without usable credential fields."""

    def step(inquiry: Inquiry) -> None:
        if not inquiry.envelope.is_signed:
            raise FrontError(text)

    return step


def wallet_only(inquiry: Inquiry) -> None:
    """Refuse a session pair: session ids are handed out for signatures only."""
    given = inquiry.envelope.credentials
    plain = Credentials(given.wallet, given.nonce, given.sign, given.multisig)
    if not Envelope((), {}, plain).is_signed:
        raise FrontError("wallet_sign and multisig_wallets all invalid")
    inquiry.envelope = Envelope(
        inquiry.envelope.peers,
        inquiry.envelope.additional,
        Credentials(
            given.wallet, given.nonce, given.sign, given.multisig, rent_order=given.rent_order
        ),
    )


def owner(inquiry: Inquiry) -> None:
    """Refuse a request without the wallet form, then one that is meant for a manager's own port."""
    if not inquiry.envelope.has_wallet_sign:
        raise FrontError("invalid wallet sign")
    if not inquiry.envelope.peers:
        raise FrontError("only bare metal node support", INVALID_REQUEST)


def image_server(*, required: bool) -> Step:
    """Look the image server's id up; an unknown one is refused, an absent one if required."""

    def step(inquiry: Inquiry) -> None:
        server_id = string(inquiry.envelope.additional, "image_server")
        inquiry.image_server = inquiry.world.image_servers.get(server_id)
        if inquiry.image_server is None and (server_id or required):
            raise FrontError("image_server not exist")

    return step


def one_of(field_name: str, allowed: set[str]) -> Step:
    """Check bare metal's `command` or `device`."""

    def step(inquiry: Inquiry) -> None:
        given = inquiry.envelope.additional
        if field_name not in given:
            raise FrontError(f"parse json additional {field_name} failed")
        if not isinstance(given[field_name], str):
            raise FrontError(f"additional {field_name} must be a string")
        if given[field_name] not in allowed:
            raise FrontError(f"invalid {field_name}")

    return step
