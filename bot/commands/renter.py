"""Getting a session as the renter: ask with a signed nonce, then sign what comes back.

The signatures are made offline (docs/renters.md). Source: docs/dbc-api.md §2.2-§2.5.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Annotated

from bot.dbc import fields
from bot.errors import BotError, Refused, refuse_all
from bot.ids import ChannelId, NodeId, UserId
from bot.language.args import AnyNode
from bot.language.kind import WORD, Arg
from bot.language.kinds import INT, LIST, PEER, RENTAL, SECRET, SECRETS
from bot.language.row_parts import Listing
from bot.language.table import BY_ACTOR, Command
from bot.messages.facts import FactKind, said_node
from bot.messages.ways import OPEN_FORM
from bot.model import DbcSession, Effect, Node, Place
from bot.pipeline.context import Context, Services
from bot.pipeline.rights import hidden_from
from bot.reply import (
    Actions,
    Button,
    CodeBlock,
    Note,
    Para,
    Phrase,
    Reply,
    bold,
    code,
    command,
    emoji,
    line,
    say,
)
from bot.services.renters import check_session_signature, proof_of

_OR_MULTISIG = say("Required, unless you fill in the multisig below")

Wallet = Annotated[
    str,
    Arg(
        say("Wallet"),
        WORD,
        say("The renter's address; it begins with 5. {needed}", needed=_OR_MULTISIG),
        narrow=True,
    ),
]
Nonce = Annotated[
    str,
    Arg(
        say("Nonce"),
        SECRET,
        say(
            "As printed by: python -m bot sign --nonce. Valid for one request. {needed}",
            needed=_OR_MULTISIG,
        ),
    ),
]
Sign = Annotated[
    str,
    Arg(
        say("Signature"),
        SECRET,
        say("The wallet's signature of the nonce. {needed}", needed=_OR_MULTISIG),
    ),
]
Wallets = Annotated[
    tuple[str, ...],
    Arg(say("Multisig: wallets"), LIST, say("Instead of one wallet: all members, one a line")),
]
Threshold = Annotated[
    int,
    Arg(say("Multisig: threshold"), INT, say("How many of them must sign"), least=1, most=100),
]
Signs = Annotated[
    str,
    Arg(
        say("Multisig: signatures"),
        SECRETS,
        say("One a line: wallet, nonce, signature. Each with a nonce of its own"),
    ),
]
RentOrder = Annotated[
    str,
    Arg(
        say("Rent order"),
        RENTAL,
        say("Only where single GPUs are rented: the order's number"),
        "1287",
        positional=False,
        narrow=True,
    ),
]
SessionSign = Annotated[
    str,
    Arg(say("Session signature"), SECRET, say("The renter's signature of it, 128 hex digits")),
]

SIGN = "session.sign"


def check_request(values: Mapping[str, str]) -> None:
    """Find what the node would refuse while the form is still open."""
    checks: list[Callable[[], object]] = [lambda: proof_of(values)]
    if order := values.get("rent_order"):
        checks.append(partial(fields.rent_order, order))
    refuse_all(checks)


async def verify_request(services: Services, _user: str, values: Mapping[str, str]) -> None:
    """Find a nonce that was used before while the form is still open."""
    await services.renters.check_unused(proof_of(values))


async def request(
    ctx: Context,
    node: AnyNode,
    *,
    wallet: Wallet = "",
    nonce: Nonce = "",
    sign: Sign = "",
    wallets: Wallets = (),
    threshold: Threshold | None = None,
    signs: Signs = "",
    rent_order: RentOrder = "",
) -> Reply:
    """Request a session from a node that you rent: prove your wallet, then sign the session id."""
    proof = proof_of(
        {
            "wallet": wallet,
            "nonce": nonce,
            "sign": sign,
            "wallets": " ".join(wallets),
            "threshold": str(threshold or ""),
            "signs": signs,
        }
    )
    found = await ctx.services.renters.request(ctx.actor, node, proof, rent_order)
    return Reply(
        say("{node} gave your session id; it needs your signature", node=node.label),
        (
            Para(
                line(
                    say(
                        "{node} gave your session id: {session}",
                        node=bold(node.label),
                        session=code(found.session_id),
                    ),
                    "\n",
                    say("Sign it on your own computer:"),
                )
            ),
            CodeBlock(f"python -m bot sign --session {found.session_id}"),
            Actions((Button(say("Paste the signature"), OPEN_FORM, SIGN, "primary"),)),
            Note(
                line(say("Within an hour. With id and signature together, anyone can act as you."))
            ),
        ),
        private=True,
        sensitive=True,
    )


async def verify_signature(services: Services, user: UserId, values: Mapping[str, str]) -> None:
    """Find a signature that is not the renter's while the form is still open."""
    node_id = ""
    if text := values.get("node"):
        hidden = hidden_from(services, user, Place(ChannelId("")), Listing.NODES, asking=False)
        find = partial(services.inventory.named_node, asking=False, hidden=hidden)
        node_id = (await find(text, PEER.nodes)).id
    waiting = await services.renters.pending(user, NodeId(node_id))
    check_session_signature(waiting, values.get("session_id_sign", ""))


async def sign_session(
    ctx: Context, session_id_sign: SessionSign, node: AnyNode | None = None
) -> Reply:
    """Submit the signature of the session id that a node gave you, to get the session."""
    waiting = await ctx.services.renters.pending(ctx.actor, NodeId(node.id if node else ""))
    check_session_signature(waiting, session_id_sign)
    session = DbcSession(
        ctx.actor, waiting.node, waiting.session_id, session_id_sign.strip(), waiting.rent_order
    )
    reply = await keep_session(ctx, session, "session_id_sign")
    await ctx.services.renters.done(waiting)
    return reply


async def _signed_for(ctx: Context, node: Node | None, **_typed: object) -> Mapping[str, str]:
    """The node whose session it is, where none is named."""
    if node is not None:
        return {}
    waiting = await ctx.services.renters.pending(ctx.actor, NodeId(""))
    found = await ctx.services.inventory.node_by_id(waiting.node)
    return {"from": f"{found.id} {found.label}"}


async def _one_to_sign(services: Services, user: UserId, _place: Place) -> None:
    """Raise Refused where no session id waits for a signature."""
    await services.renters.pending(user)


def _asks_to_sign(known: Mapping[str, str]) -> Phrase:
    if known.get("from"):
        return say("Add the requester's session for {from}")
    return say("Add the requester's session for {target}")


async def keep_session(ctx: Context, session: DbcSession, typed: str) -> Reply:
    """Try a session at its node, keep it, and say so.

    Raises what the node answers, at the field `typed` where it does not accept the pair.
    """
    try:
        sees = await ctx.services.sessions.add(session)
    except BotError as error:
        error.hint = line(say("The session was not kept."), " ", error.hint)
        error.field = typed if isinstance(error, Refused) else "node"
        raise
    label = await ctx.services.inventory.label(session.node)
    return Reply(
        say("Your session for {node} works", node=label),
        (
            Para(
                line(
                    emoji("white_check_mark"),
                    " ",
                    say(
                        "Your session for {node} works and is kept; {sees}.",
                        node=bold(label),
                        sees=sees,
                    ),
                )
            ),
            Note(
                line(
                    say(
                        "It never expires by itself: erase it with {command}",
                        command=command("session remove"),
                    )
                )
            ),
        ),
        private=True,
    )


REQUEST = Command(
    "request",
    request,
    Effect.CHANGE,
    "session request gpu1",
    form=True,
    asks=say("Request the requester's session from {target}"),
    check=check_request,
    alike=(BY_ACTOR,),
    begins=True,
    verify=verify_request,
    chinese="申请",
    does=say("Request a session"),
)
SIGN_SESSION = Command(
    "sign",
    sign_session,
    Effect.CHANGE,
    "session sign gpu1",
    form=True,
    asks=_asks_to_sign,
    verify=verify_signature,
    opens=_one_to_sign,
    look=_signed_for,
    facts={"from": FactKind(say("From"), said=said_node)},
    begins=True,
    chinese="签名",
    does=say("Sign the session id"),
    button=say("Submit signature"),
)
