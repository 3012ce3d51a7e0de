"""What of Slack's answers the bot relies on, checked before it is used.

A proxy, or a Slack in trouble, answers with anything: that must not look like a fault of ours, and
nobody's right may hang on it.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, StringConstraints, ValidationError

from bot.ids import ChannelId, UserId
from bot.ports import DeliveryFailed, UserGroup

_SOON = timedelta(seconds=5)

_NOT_EMPTY = StringConstraints(min_length=1)
Id = Annotated[str, _NOT_EMPTY]
# Slack says null, or nothing, where somebody has not set it.
Text = Annotated[str, BeforeValidator(lambda value: "" if value is None else value)]


class OddAnswer(DeliveryFailed):
    """Slack took the call, but its answer is built in another way than Slack documents."""


class _Shape(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True)


class Posted(_Shape):
    """chat.postMessage: where the message stands."""

    channel: Annotated[ChannelId, _NOT_EMPTY]
    ts: Id


class _Conversation(_Shape):
    id: Annotated[ChannelId, _NOT_EMPTY]


class Opened(_Shape):
    """conversations.open."""

    channel: _Conversation


class _Cursor(_Shape):
    next_cursor: Text = ""


class Page(_Shape):
    """conversations.history and conversations.replies: some messages, and where more are."""

    messages: list[dict[str, Any]]
    response_metadata: _Cursor | None = None


class _View(_Shape):
    id: Id
    hash: Id


class OpenedView(_Shape):
    """views.open and views.update."""

    view: _View


class _Profile(_Shape):
    display_name: Text = ""


class _EnterpriseUser(_Shape):
    teams: list[str] | None = None


class Account(_Shape):
    """A person in users.info. What Slack leaves out is not so."""

    id: Annotated[UserId, _NOT_EMPTY]
    team_id: Id
    name: Text = ""
    real_name: Text = ""
    profile: _Profile | None = None
    enterprise_user: _EnterpriseUser | None = None
    locale: Text = ""
    tz: Text = ""
    deleted: bool = False
    is_bot: bool = False
    is_restricted: bool = False
    is_ultra_restricted: bool = False
    is_stranger: bool = False
    is_invited_user: bool = False

    @property
    def is_barred(self) -> bool:
        """Whether it is no full member of its own workspace."""
        return (
            self.deleted
            or self.is_bot
            or self.is_restricted
            or self.is_ultra_restricted
            or self.is_stranger
            or self.is_invited_user
            # The one bot that users.info does not call a bot.
            or self.id == "USLACKBOT"
        )


class Described(_Shape):
    """users.info."""

    user: Account


class Linked(_Shape):
    """chat.getPermalink."""

    permalink: Text


class _Group(_Shape):
    id: Id
    users: list[UserId] | None = None
    date_delete: int = 0


class Listed(_Shape):
    """usergroups.list, with users. Each group is read by itself (`group_in`)."""

    usergroups: list[Any]
    response_metadata: _Cursor | None = None


def group_in(listed: Any) -> tuple[str, UserGroup]:
    """One group of `Listed`, by its id; an odd one says nothing of the others."""
    try:
        group = _Group.model_validate(listed)
    except ValidationError:
        known = listed.get("id") if isinstance(listed, dict) else ""
        return known if isinstance(known, str) else "", UserGroup(frozenset(), is_readable=False)
    is_active = not group.date_delete
    # Of a disabled group it is no matter who was in it.
    is_readable = group.users is not None or not is_active
    return group.id, UserGroup(frozenset(group.users or ()), is_active, is_readable)


S = TypeVar("S", bound=_Shape)


def shaped(shape: type[S], answer: Mapping[str, Any]) -> S:
    """The answer, as it should be built. Raises OddAnswer."""
    try:
        return shape.model_validate(answer)
    except ValidationError as faults:
        where = ".".join(str(part) for part in faults.errors(include_input=False)[0]["loc"])
        raise OddAnswer(f"an answer without a proper {where}", _SOON) from None
