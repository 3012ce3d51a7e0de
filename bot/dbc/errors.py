"""What can go wrong between us and a DBC node, as classes that own their sentence.

The first question after any failure is `delivery`: surely not sent, surely refused, or unknown.
Knows neither HTTP libraries nor Slack; the mapping from answers to classes is `error_table`.
"""

from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from bot.dbc.reasons import LOST, REASONS, Reason
from bot.errors import BotError, Conflict, Faults, NotFound, Refused
from bot.reply import Line, Severity, Text, Words, command, line, say, time


class Mode(StrEnum):
    """What an endpoint does. A change is sent exactly once, a read may be repeated."""

    READ = "read"
    CHANGE = "change"


class Delivery(StrEnum):
    """What became of a request that failed."""

    NOT_SENT = "not sent"  # it surely reached no node: nothing has changed
    REFUSED = "refused"  # it was answered with a refusal: nothing has changed
    UNKNOWN = "unknown"  # it may have been carried out; only reading can tell


_THE_NODE, _THE_NODE_FIRST = say("the node"), say("The node")


def _naming(words: Text, node: Text, at_start: Text) -> Text:
    """The words with the name of the node, which stands elsewhere than at the start or there."""
    if isinstance(words, str):
        return words
    return words.filled({"node": node, "Node": at_start}.__getitem__)


def _as_word(node: str) -> str:
    """The name of a node as it is typed; what cannot be is left to whoever types."""
    if '"' in node:
        return "<node>"
    return f'"{node}"' if " " in node else node


class DbcError(BotError):
    """A call to DBC that did not succeed.

    `dbc_text` is the daemon's or node's own text, shortened and without control characters or
    secrets; it comes from outside and must be escaped like any such text.
    """

    default_sentence: ClassVar[Text] = say("DBC refused the request.")
    default_hint: ClassVar[Text] = ""
    change_hint: ClassVar[Text] = ""  # instead of the default hint, for a change
    change_sentence: ClassVar[Text] = ""  # instead of the default sentence, for a change
    default_delivery: ClassVar[Delivery] = Delivery.REFUSED
    # Whether it is about the way there, or the node's own way to the chain, not about what was
    # asked for: the same request may work a moment later.
    passes = False

    def __init__(
        self,
        sentence: Text = "",
        *,
        hint: Words = "",
        field: str = "",
        mode: Mode = Mode.READ,
        dbc_text: str = "",
        http_status: int = 0,
        errcode: int | None = None,
    ) -> None:
        own = self.default_sentence
        if mode is Mode.CHANGE and self.change_sentence:
            own = self.change_sentence
        advice = self.default_hint
        if mode is Mode.CHANGE and self.change_hint:
            advice = self.change_hint
        self._template = sentence or own
        super().__init__(
            _naming(self._template, _THE_NODE, _THE_NODE_FIRST), hint=hint or advice, field=field
        )
        self.named(_THE_NODE, at_start=_THE_NODE_FIRST)
        self.mode = mode
        self.delivery = self.default_delivery
        self.dbc_text = dbc_text
        self.http_status = http_status
        self.errcode = errcode
        if self.outcome_unknown:
            self.severity = Severity.UNKNOWN

    def named(self, node: Text, at_start: Text = "") -> None:
        """Say which node it is about, where the sentence speaks of one that keeps silent."""
        self.words = _naming(self._template, node, at_start or node)
        self.args = (self.sentence,)

    @property
    def surely_not_done(self) -> bool:
        """Whether it is certain that nothing changed: not sent, refused, or only a read."""
        return self.mode is Mode.READ or self.delivery is not Delivery.UNKNOWN

    @property
    def outcome_unknown(self) -> bool:
        """Whether this was a change that may have been carried out."""
        return not self.surely_not_done


class InvalidField(DbcError, Refused):
    """A value that DBC would misunderstand, drop or choke on. Found before anything is sent."""

    default_delivery = Delivery.NOT_SENT

    def __init__(self, sentence: Text, *, field: str, hint: Words = "") -> None:
        super().__init__(sentence, hint=hint, field=field)


class InvalidFields(Faults, InvalidField):
    """Several such values at once, each with its field."""


class Foreign:
    """An answer that no DBC daemon gave: it says nothing about the node.

    `answer` is the sentence that says who gave it, and with which status.
    """

    answer: Text = ""


class InvalidRequest(DbcError):
    """The daemon found the request malformed (HTTP 400/404, docs/dbc-api.md §7.1)."""

    default_sentence = say("The DBC daemon did not accept the request as valid.")
    default_hint = say("The daemon may be of another version than this bot expects.")


class DaemonUnavailable(DbcError):
    """No daemon could take the request or pass it on. Surely not sent to the node."""

    default_sentence = say("The DBC daemon could not pass the request on.")
    default_hint = say("Try again in a minute.")
    default_delivery = Delivery.NOT_SENT
    passes = True


class Unreachable(DaemonUnavailable):
    """No connection to the daemon: refused, or not made in time. `why` is for the operator."""

    default_sentence = say("The DBC daemon cannot be reached.")
    default_hint = say("Check that it runs and that DBC_CLIENT_URLS names its address.")
    why: Text = ""


class TurnedAway(Foreign, DaemonUnavailable):
    """Something in front of the daemon refused the request, which went no further."""

    default_sentence = say("A gateway in front of the DBC daemon refused the request.")


class NodeUnknown(DaemonUnavailable):
    """The daemon does not know the node now (`create node request failed`)."""

    default_sentence = say("The DBC daemon does not know {node} at the moment.")
    default_hint = say(
        "The node is offline, its id is wrong, or the daemon has just started: "
        "then it learns of nodes within a minute or two."
    )


class DaemonFull(DaemonUnavailable):
    """1,024 requests hang in the daemon (`create request session failed`)."""

    default_sentence = say("The DBC daemon is clogged with unanswered requests and takes no more.")
    default_hint = say("It usually has to be restarted by whoever runs it.")


class DaemonDisconnected(DaemonUnavailable):
    """The daemon has lost its network (`broadcast request failed`) and is about to crash.

    It is left alone for a minute; this is raised for that minute, too.
    """

    default_sentence = say("The DBC daemon has lost its connection to the DBC network.")
    default_hint = say("It is left alone for a minute, since it tends to restart by itself.")


class TooBusy(DaemonUnavailable):
    """Our own limit on pending requests; waiting for a turn took too long."""

    default_sentence = say("Too many requests are waiting for {node}.")
    default_hint = say("Try again in a moment.")


class NodeSilent(DaemonUnavailable):
    """The node left several requests in a row unanswered; it is asked again after a pause."""

    default_sentence = say("{Node} is not responding.")

    def __init__(self, *, mode: Mode = Mode.READ, until: datetime | None = None) -> None:
        self._until = until
        super().__init__(mode=mode)

    def named(self, node: Text, at_start: Text = "") -> None:
        """Say which node it is about, and when and how it is asked again."""
        super().named(node, at_start)
        self.hint = self.when_again("<node>" if at_start else _as_word(str(node)))

    def when_again(self, which: str) -> Line:
        """When the node is asked again, and how at once, by what its reader types for it."""
        retry = command(f"node retry {which}")
        if self._until is None:
            return line(say("Retrying now. Retry at once: {command}", command=retry))
        at = time(self._until)
        return line(say("Next retry {time}. Retry at once: {command}", time=at, command=retry))


class OutcomeUnknown(DbcError):
    """No usable answer. For a change: nobody knows whether it was carried out."""

    default_sentence = say("The DBC daemon gave no answer about what became of the request.")
    change_sentence = say(
        "The command was sent, but what became of it is not known: it may or may not be done."
    )
    default_hint = say("Try again in a moment.")
    change_hint = say("Look at the present state before doing anything again.")
    default_delivery = Delivery.UNKNOWN
    passes = True


class NodeTimeout(OutcomeUnknown):
    """No answer in time: the daemon's own 30 s text, or our read timeout."""

    default_sentence = say("{Node} did not answer in time.")
    change_sentence = say(
        "The command was sent, but {node} did not answer in time: it may still be carried out."
    )


class ConnectionLost(OutcomeUnknown):
    """The connection to the daemon broke before the answer was complete."""

    default_sentence = say("The connection to the DBC daemon broke before it answered.")
    change_sentence = say(
        "The connection to the DBC daemon broke after the command may have been sent: "
        "it may or may not be done."
    )


class GatewayFailed(Foreign, OutcomeUnknown):
    """A gateway's own error (HTTP 502, 503, 504 …): it may have sent the request on."""

    default_sentence = say("A gateway answered instead of the DBC daemon.")
    default_hint = say("The daemon behind it is down or overloaded. Try again in a moment.")


class Redirected(Foreign, OutcomeUnknown):
    """A redirect; following it would carry credentials to another place."""

    default_sentence = say("The address of the DBC daemon redirects elsewhere.")


class NotDaemon(Foreign, OutcomeUnknown):
    """Something else answers at the daemon's address: a web page, another service."""

    default_sentence = say("What answers at the DBC daemon's address is not a DBC daemon.")


class CutOff(OutcomeUnknown):
    """An answer that ends in the middle."""

    default_sentence = say("DBC's answer was cut off.")
    change_sentence = say("The command was sent, but DBC's answer was cut off: it may be done.")


_GARBLED = -1  # the daemon's `response parse error`


class Unreadable(OutcomeUnknown):
    """An answer that cannot be read: broken JSON, HTML, or not what the endpoint promises.

    A change may well have been carried out: DBC answers `response parse error` to a creation
    whose description breaks the answer, although the machine is made (docs/dbc-api.md §11.1).
    """

    default_sentence = say("DBC's answer could not be read.")
    change_sentence = say(
        "The command was sent, but DBC's answer could not be read: it may be done."
    )
    default_hint = say(
        "Often a description, name or log line on the node contains a quote, a backslash "
        "or a line break."
    )
    passes = False  # a description that spoils an answer spoils the next one, too

    @property
    def is_of_the_node(self) -> bool:
        """Whether the node itself answered, and its daemon could not read that (§11.1).

        About one thing, such an answer proves that it is there: what is not is refused readably.
        """
        return self.errcode == _GARBLED


class TooLong(Unreadable):
    """An answer beyond any node's: it is left unread, or it would hold up everybody else's work."""

    default_sentence = say("DBC's answer is too long to be read.")
    change_sentence = say(
        "The command was sent, but DBC's answer is too long to be read: it may be done."
    )
    default_hint = say(
        "It lists far more than a node has: at most 1,000 entries are read. Tell whoever runs it."
    )


class StrangeCode(OutcomeUnknown):
    """An error code that no DBC is known to refuse with: what it means is not known."""

    passes = False  # it came over the way there, which is thus not what failed


class Unconfirmed(OutcomeUnknown):
    """Error code 0, and a text that success is not known to have (docs/dbc-api.md §11.4)."""

    default_sentence = say("DBC's answer is not one that it gives to success.")
    change_sentence = say(
        "The command was sent, but the answer is not one that DBC gives to success: "
        "it may or may not be done."
    )

    @property
    def said(self) -> str:  # type: ignore[override]
        """The answer's own words: they say what was wrong."""
        return self.dbc_text

    @property
    def answer(self) -> Text:  # type: ignore[override]
        """The answer as a sentence."""
        return say("The node answered “{text}”.", text=self.dbc_text)


class ChainUnavailable(DbcError):
    """The node could not look up on the chain who rents it, so it refuses everybody.

    It passes, and says nothing about the session, the rental or the machine (docs/dbc-api.md
    §11.4). A node that is reported offline on the chain answers the same.
    """

    default_sentence = say("{Node} cannot reach the chain to check the rental.")
    change_sentence = say(
        "{Node} received the command and refused it, because it cannot reach the chain to check "
        "the rental. Nothing has changed."
    )
    default_hint = say(
        "This usually passes within a minute and does not mean that the session is invalid. "
        "If it lasts, the chain may list the node as offline."
    )
    change_hint = say(
        "Try again in a minute. This does not mean that the session is invalid; if it lasts, the "
        "chain may list the node as offline."
    )
    passes = True


class NotAuthorised(DbcError, Refused):
    """The node, or we before sending, refused the credentials. `reason` says why."""

    def __init__(
        self,
        reason: Reason,
        *,
        sent: bool = True,
        mode: Mode = Mode.READ,
        dbc_text: str = "",
        http_status: int = 0,
        errcode: int | None = None,
    ) -> None:
        sentence, hint = REASONS[reason]
        super().__init__(
            sentence,
            hint=hint,
            mode=mode,
            dbc_text=dbc_text,
            http_status=http_status,
            errcode=errcode,
        )
        self.reason = reason
        if not sent:
            self.delivery = Delivery.NOT_SENT

    @property
    def says_access_is_gone(self) -> bool:
        """Whether it says that the session, or the rental behind it, is no longer valid."""
        return self.reason in LOST


def says_unrented(problem: Exception) -> bool:
    """Whether a node says that nobody rents it, so that it refuses everybody."""
    return isinstance(problem, NotAuthorised) and problem.reason is Reason.NOT_RENTED


class Missing(DbcError, NotFound):
    """Something named in the request does not exist there: an image, disk, network, snapshot."""

    default_sentence = say("What was named does not exist on the node.")
    default_hint = say("The list command of that kind shows what is there.")


class TaskNotFound(Missing):
    """No such machine on the node, or none that these credentials can see."""

    default_sentence = say("There is no such machine on this node.")
    default_hint = say(
        "It was deleted, belongs to someone else, or its creation has failed or just begun."
    )


class StateConflict(DbcError, Conflict):
    """The machine's present state does not allow this."""

    default_sentence = say("The machine's present state does not allow this.")
    default_hint = say("Look at its state first.")


class Clash(DbcError, Conflict):
    """Something is taken: a port, an id, a name, a file under transfer."""

    default_sentence = say("This clashes with something that is already there.")


class TaskExists(Clash):
    """A creation's own task id is taken: proof that the machine exists (docs/dbc-api.md §4.3).

    Every creation has a new id, so it is this very request that arrived before: something on the
    way has sent it twice. What becomes of the machine is settled by looking.
    """

    default_sentence = say("A machine with this id already exists.")
    default_delivery = Delivery.UNKNOWN
    answer = say("The node answered that it already has this machine.")
    said: Text = answer


class OperationRefused(DbcError):
    """The node refused for a reason of its own; `dbc_text` says which."""

    @property
    def said(self) -> str:  # type: ignore[override]
        """The node's own words: nothing of ours says as much."""
        return self.dbc_text

    default_sentence = say("The node refused to do this.")


class NoCapacity(OperationRefused):
    """Not enough free GPUs, cores, memory or disk, or more than is rented."""

    default_sentence = say(
        "{Node} does not have enough free resources for this, or fewer are rented."
    )

    def named(self, node: Text, at_start: Text = "") -> None:
        """Say which node it is about, and how to see what it has left if there is no other hint."""
        super().named(node, at_start)
        if not self.hint or self.hint == _what_is_left("<node>"):
            self.hint = _what_is_left("<node>" if at_start else _as_word(str(node)))


def _what_is_left(node: str) -> Line:
    return line(say("See what it has left: {command}", command=command(f"node show {node}")))


class WrongNodeKind(OperationRefused):
    """A GPU node was asked for bare metal or the other way round."""

    default_sentence = say("This kind of node cannot do that.")
    default_hint = say("Check whether a GPU node, a bare-metal machine or its manager is meant.")


class NoBackEnd(OperationRefused):
    """`bare metal client not existed`. The boot-device call answers so even when it worked."""

    default_sentence = say("The bare-metal manager has no means of controlling this machine.")
