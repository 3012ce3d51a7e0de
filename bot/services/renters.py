"""How a renter gets a session: proof of a wallet, the node's session id, its signature.

Checks everything here before anything is sent; the secret key stays with its owner (bot.cli.sign).
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial

from pydantic import SecretStr

from bot.clock import Clock
from bot.dbc.client import DbcClient
from bot.dbc.errors import DbcError, Delivery, InvalidField
from bot.dbc.identity import Multisig, NodeKeySignature, WalletSignature
from bot.dbc.signatures import check_signature, public_key_of
from bot.errors import Refused, refuse_all
from bot.ids import NodeId, UserId
from bot.model import Node, SessionRequest
from bot.reply import Text, command, line, say
from storage import Store

LIFETIME = timedelta(hours=1)
_SIGN_NONCE = say("Sign a fresh nonce: python -m bot sign --nonce")

Proof = WalletSignature | Multisig


def proof_of(values: Mapping[str, str]) -> Proof:
    """The proof in a form's texts, verified: a wallet's signature, or those of a multisig.

    Raises Refused with each field that is at fault.
    """
    single = [values.get(name, "").strip() for name in ("wallet", "nonce", "sign")]
    joint = [values.get(name, "").strip() for name in ("wallets", "threshold", "signs")]
    if any(single) and any(joint):
        raise InvalidField(
            say("Give one wallet with its nonce and signature, or a multisig; not both."),
            field="wallet",
        )
    if any(joint):
        return _multisig(joint[0].split(), joint[1], joint[2].splitlines())
    wallet, nonce, sign = single
    if not any(single):
        _needs("wallet", wallet)
    made = partial(WalletSignature, wallet=wallet, nonce=SecretStr(nonce), sign=SecretStr(sign))
    needed = (
        partial(_needs, name, given)
        for name, given in zip(("wallet", "nonce", "sign"), single, strict=True)
    )
    refuse_all([*needed, partial(public_key_of, wallet), made])
    proof = made()
    check_signature(proof.sign, nonce, (wallet,))
    return proof


def _needs(name: str, given: str) -> None:
    if not given:
        raise InvalidField(say("{field} is needed (or a multisig below).", field=name), field=name)


def _multisig(wallets: Sequence[str], threshold: str, lines: Sequence[str]) -> Multisig:
    for wallet in wallets:
        public_key_of(wallet, "wallets")
    if not threshold.isdecimal() or not 1 <= int(threshold) <= len(wallets):
        raise InvalidField(
            say(
                "{field} is how many of the wallets must sign: a number from 1 to {most}.",
                field="threshold",
                most=max(len(wallets), 1),
            ),
            field="threshold",
        )
    signs = [
        _member(number, line.split(), wallets)
        for number, line in enumerate((line for line in lines if line.strip()), start=1)
    ]
    if len(signs) < int(threshold):
        raise InvalidField(
            say(
                "{field} has {count} of the {threshold} signatures that are needed.",
                field="signs",
                count=len(signs),
                threshold=threshold,
            ),
            field="signs",
        )
    return Multisig(wallets=tuple(wallets), threshold=int(threshold), signs=tuple(signs))


def _member(number: int, words: Sequence[str], wallets: Sequence[str]) -> WalletSignature:
    """One line of a multisig's signatures: wallet, nonce and signature."""
    if len(words) != 3:
        raise InvalidField(
            say(
                "{field}, line {line}: it takes a wallet, a nonce and a signature, with blanks "
                "between.",
                field="signs",
                line=number,
            ),
            field="signs",
        )
    wallet, nonce, sign = words
    if wallet not in wallets:
        raise InvalidField(
            say(
                "{field}, line {line}: its wallet is none of the account's.",
                field="signs",
                line=number,
            ),
            field="signs",
        )
    try:
        one = WalletSignature(wallet=wallet, nonce=SecretStr(nonce), sign=SecretStr(sign))
        signer = check_signature(one.sign, nonce, (wallet, *wallets), "signs")
    except InvalidField as fault:
        told = say(
            "{field}, line {line}: {fault}", field="signs", line=number, fault=_of_it(fault.words)
        )
        raise InvalidField(told, field="signs", hint=fault.hint) from None
    if signer != wallet:
        raise InvalidField(
            say(
                "{field}, line {line}: {signer} has signed it, not {wallet}.",
                field="signs",
                line=number,
                signer=signer,
                wallet=wallet,
            ),
            field="signs",
        )
    return one


def _of_it(words: Text) -> Text:
    """What is said of a field, where that is named already."""
    if isinstance(words, str):
        return words
    it = say("it")
    given = tuple((key, it if key == "field" else value) for key, value in words.given)
    return replace(words, given=given)


def nonces_of(proof: Proof | NodeKeySignature) -> tuple[str, ...]:
    """The nonces that a proof uses up."""
    parts = proof.signs if isinstance(proof, Multisig) else (proof,)
    return tuple(part.nonce.get_secret_value() for part in parts)


class Renters:
    """Uses proofs once and keeps what waits for a signature, encrypted, for an hour."""

    def __init__(self, store: Store, dbc: DbcClient, clock: Clock) -> None:
        self._store = store
        self._dbc = dbc
        self._clock = clock

    async def check_unused(self, proof: Proof | NodeKeySignature) -> None:
        """Raise Refused, with its field, for a nonce that was used before."""
        async with self._store.read() as tx:
            used = [await tx.renters.is_used(nonce) for nonce in nonces_of(proof)]
        if any(used):
            raise _reused(proof)

    async def use_up(self, proof: Proof | NodeKeySignature) -> None:
        """Use a proof's nonces up, all or none. Raises Refused when one was used before."""
        now = self._clock.now()
        async with self._store.write() as tx:
            for nonce in nonces_of(proof):
                if not await tx.renters.use_nonce(nonce, now):
                    raise _reused(proof)

    async def spent(self, proof: Proof | NodeKeySignature, error: DbcError) -> DbcError:
        """The failure of a call that carried a proof, with what became of its nonces said.

        What surely reached no node can be used again.
        """
        if error.delivery is Delivery.NOT_SENT:
            async with self._store.write() as tx:
                for nonce in nonces_of(proof):
                    await tx.renters.release_nonce(nonce)
            told = say("The nonce did not reach the node: the same signature can be sent again.")
        else:
            told = say("The nonce is used up, whatever the answer. {sign}", sign=_SIGN_NONCE)
        error.hint = line(error.hint, " " if error.hint else "", told)
        return error

    async def request(
        self, user: UserId, node: Node, proof: Proof, rent_order: str
    ) -> SessionRequest:
        """Fetch the session id of who rents the node and keep it until it is signed.

        Raises what the node answers. The proof is used up, answered or not.
        """
        await self.use_up(proof)
        try:
            found = await self._dbc.nodes.session_id(node.id, proof, rent_order or None)
        except DbcError as error:
            raise await self.spent(proof, error) from None
        request = SessionRequest(
            user=user,
            node=node.id,
            session_id=found.session_id.get_secret_value(),
            wallets=proof.wallets if isinstance(proof, Multisig) else (proof.wallet,),
            rent_order=rent_order,
            expires_at=self._clock.now() + LIFETIME,
        )
        async with self._store.write() as tx:
            await tx.renters.put(request)
        return request

    async def pending(self, user: UserId, node_id: NodeId = NodeId("")) -> SessionRequest:
        """What `user` has to sign: for this node, else what came last. Raises Refused."""
        async with self._store.read() as tx:
            waiting = await tx.renters.of(user, self._clock.now())
        for request in waiting:
            if node_id in {"", request.node} and not request.is_locked:
                return request
        locked = [one for one in waiting if one.is_locked and node_id in {"", one.node}]
        raise Refused(
            say("Your session id can no longer be decrypted: its key is missing, or it is damaged.")
            if locked
            else say("No session id of yours waits for a signature, or its hour is over."),
            hint=line(
                say(
                    "Ask the node for it again: {command}. The id stays the same.",
                    command=command("session request"),
                )
            ),
            field="node",
        )

    async def done(self, request: SessionRequest) -> None:
        """Forget a request whose session is kept now."""
        async with self._store.write() as tx:
            await tx.renters.drop(request.user, request.node)

    async def forget_expired(self) -> None:
        """Erase what nobody signed in time."""
        async with self._store.write() as tx:
            await tx.renters.drop_expired(self._clock.now())


def check_session_signature(request: SessionRequest, signature: str) -> None:
    """Raise InvalidField unless the renter, or a member of the multisig, signed the session id."""
    check_signature(SecretStr(signature), request.session_id, request.wallets, "session_id_sign")


def _reused(proof: Proof | NodeKeySignature) -> Refused:
    return Refused(
        say("This nonce was used before, and each is good for one request only."),
        hint=_SIGN_NONCE,
        field="signs" if isinstance(proof, Multisig) else "nonce",
    )
