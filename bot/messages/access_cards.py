"""The words of requests for access, and of shares that end by themselves. Pure builders."""

from collections.abc import Sequence
from datetime import timedelta

from bot.errors import certain
from bot.ids import NodeId, UserId
from bot.messages import ways
from bot.messages.cards import people_line
from bot.model import AccessRequest, Audience, Node, NodeKind, Share
from bot.reply import (
    Actions,
    Button,
    Line,
    Note,
    Para,
    Reply,
    Span,
    Text,
    bold,
    channel,
    command,
    emoji,
    line,
    mention,
    say,
    sentences,
    time,
)

ASK = "access.ask"  # carries the node
SHARE = "access.share"
SHARE_HOURS = "access.share_hours"
DECLINE = "access.decline"

HOURS = 8  # a working day
WAITS = timedelta(days=1)  # for an answer


def ask_button(node_id: NodeId) -> Button:
    """Asks those who hold a session for the node; without one, whoever presses says for which."""
    return Button(say("Ask for access"), ASK, node_id)


def key_of(request: AccessRequest, holder: UserId) -> str:
    """The key of the card of one of those who were asked."""
    return f"access:{request.id}.{holder}"


def told_key(request: AccessRequest) -> str:
    """The key of the message with the answer."""
    return f"access:{request.id}.told"


def card(request: AccessRequest, node: str, reason: str) -> Reply:
    """The question to one who holds a session; nobody else sees it or the answer."""
    sentence = say(
        "{user} asks for access to {node}.", user=mention(request.asker), node=bold(node)
    )
    why = (Para(line(say("Reason: {reason}", reason=reason))),) if reason else ()
    share = say("Share for {hours} hours", hours=HOURS)
    explained = say(
        "With your session they can do there whatever you can, and never see it. Every use is "
        "recorded under their name. This request expires {time}.",
        time=time(request.created_at + WAITS),
    )
    buttons = Actions(
        (
            Button(share, SHARE_HOURS, request.id, "primary"),
            Button(say("Share until I take it back"), SHARE, request.id),
            Button(say("No"), DECLINE, request.id),
        )
    )
    head = Para(line(emoji("raised_hand"), " ", sentence))
    return Reply(
        sentences((sentence, *(one.text for one in why))),
        (head, *why, buttons, Note(line(explained))),
    )


def granted(request: AccessRequest, share: Share, node: str, holder: UserId) -> Reply:
    """The card's last face, for one who was asked: whoever shares it by button reads no other."""
    more = taken_back() if holder == share.user else ""
    return _said("white_check_mark", shared(share, mention(request.asker), node), more)


def taken_back() -> Text:
    """What a share means for whoever gives it, and how it ends."""
    return say(
        "Nobody sees it, and every use is recorded under who used it. Take it back with {command}.",
        command=command("session unshare"),
    )


def shared(share: Share, audience: Span, node: str) -> Line:
    """`@alice shares their session for gpu1 with @bob until 18:00.`"""
    names = {"user": mention(share.user), "node": bold(node), "audience": audience}
    if share.ends_at is None:
        return line(say("{user} shares their session for {node} with {audience}.", **names))
    return line(
        say(
            "{user} shares their session for {node} with {audience} until {time}.",
            **names,
            time=time(share.ends_at),
        )
    )


def granted_to_user(share: Share, node: Node) -> Reply:
    """To whoever gets a session: what they can use, until when, and where to begin."""
    names = {"user": mention(share.user), "node": bold(node.label)}
    told = say("{user} shares their session for {node} with you.", **names)
    if share.ends_at is not None:
        told = say(
            "{user} shares their session for {node} with you until {time}.",
            **names,
            time=time(share.ends_at),
        )
    if node.kind is not NodeKind.GPU:
        hint = say("Bare-metal machines: {command}", command=command("metal list"))
        return _said("white_check_mark", told, hint)
    return _said("white_check_mark", told).also(Actions((ways.to_machines(node.id, node.label),)))


def declined(request: AccessRequest, node: str) -> Reply:
    """The card of one who said no."""
    told = say(
        "You did not share your session for {node} with {user}.",
        node=bold(node),
        user=mention(request.asker),
    )
    return _said("no_entry_sign", told)


def refused(request: AccessRequest, node: str) -> Reply:
    """The answer, once everybody who was asked has said no."""
    told = say(
        "{people} did not share their session for {node} with you.",
        people=people_line(request.holders),
        node=bold(node),
    )
    if len(request.holders) > 1:
        told = say("Nobody shared a session for {node} with you.", node=bold(node))
    return _said("no_entry_sign", told, _add_yours())


def expired(request: AccessRequest, node: str) -> Reply:
    """The card of one who did not answer in time."""
    told = say(
        "{user} asked for access to {node}. Nobody answered in time.",
        user=mention(request.asker),
        node=bold(node),
    )
    hint = say("Share it all the same: {command}", command=command("session share"))
    return _said("hourglass", told, hint)


def without_session(request: AccessRequest, node: str) -> Reply:
    """The card of one who cannot answer any more."""
    told = say(
        "{user} asked for access to {node}. You have no session for it any more.",
        user=mention(request.asker),
        node=bold(node),
    )
    return _said("no_entry_sign", told)


def forsaken(request: AccessRequest, node: str) -> Reply:
    """The answer, once nobody is left who could share a session."""
    if request.refused:
        told = say("Nobody shared a session for {node} with you.", node=bold(node))
    else:
        told = say("Nobody whom you asked has a session for {node} any more.", node=bold(node))
    return _said("no_entry_sign", told, _add_yours())


def unanswered(request: AccessRequest, node: str) -> Reply:
    """The answer, where there was none in time."""
    told = say(
        "{people} did not answer your request for access to {node}.",
        people=people_line(request.holders),
        node=bold(node),
    )
    return _said("hourglass", told).also(Actions((ask_button(request.node),)))


def asked(request: AccessRequest, node: str) -> Reply:
    """What the asker reads at once."""
    told = say(
        "You asked {people} for access to {node}.",
        people=people_line(request.holders),
        node=bold(node),
    )
    note = say(
        "You are told here as soon as somebody answers. Expires {time}.",
        time=time(request.created_at + WAITS),
    )
    return Reply(line(told), (Para(line(told)), Note(line(note))), private=True)


# Shares that end by themselves


def share_key(share: Share, stage: str, place: str) -> str:
    """The key of a message about the end of a share: told once in each place."""
    end = "" if share.ends_at is None else f"{share.ends_at:%Y%m%dT%H%M%S}"
    return f"share:{share.user}.{share.node}.{share.audience}.{end}.{stage}.{place}"


def begun_key(share: Share) -> str:
    """The key of the message to whoever gets a session."""
    return share_key(share, f"begun-{share.created_at:%Y%m%dT%H%M%S%f}", share.audience)


def ends_soon(share: Share, node: str) -> Sequence[tuple[str, Reply]]:
    """An hour before it ends: what those who use it read, and who shares it."""
    ends_at = certain(share.ends_at, "others do not end by themselves")
    names = {"node": bold(node), "time": time(ends_at)}
    to_user = say(
        "{user} shares their session for {node} until {time}. It ends within the hour.",
        user=mention(share.user),
        **names,
    )
    to_owner = say(
        "Your session for {node} is shared with {audience} until {time}. It ends within the hour.",
        audience=_audience(share),
        **names,
    )
    longer = say("Share it longer: {command}", command=command("session share"))
    return (
        (share.audience, _said("hourglass_flowing_sand", to_user)),
        (share.user, _said("hourglass_flowing_sand", to_owner, longer)),
    )


def has_ended(share: Share, node: str) -> Sequence[tuple[str, Reply]]:
    """Once it has ended: what those who used it read, and who shared it."""
    to_user = say(
        "{user} no longer shares their session for {node}: the agreed time is over.",
        user=mention(share.user),
        node=bold(node),
    )
    to_owner = say(
        "Your session for {node} is no longer shared with {audience}: the agreed time is over.",
        node=bold(node),
        audience=_audience(share),
    )
    again = _said("lock", to_user)
    if share.kind is Audience.PERSON:
        again = again.also(Actions((ask_button(share.node),)))
    return (share.audience, again), (share.user, _said("lock", to_owner))


def taken_away(share: Share, node: str) -> Reply:
    """What told a person of a share, once whoever gave it has taken it back."""
    told = say(
        "{user} no longer shares their session for {node} with {whom}.",
        user=mention(share.user),
        node=bold(node),
        whom=_audience(share),
    )
    return _said("lock", told)


def _audience(share: Share) -> Span:
    return (
        mention(UserId(share.audience))
        if share.kind is Audience.PERSON
        else channel(share.audience)
    )


def _add_yours() -> Text:
    return say("Add a session of your own: {command}", command=command("session add"))


def _said(sign: str, told: Text | Line, hint: Text = "") -> Reply:
    sentence = told if isinstance(told, tuple) else line(told)
    note = (Note(line(hint)),) if hint else ()
    return Reply(sentences((sentence, hint)), (Para(line(emoji(sign), " ", sentence)), *note))
