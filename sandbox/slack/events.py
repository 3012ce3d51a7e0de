"""Events API payloads, and which events a message or an opened tab causes."""

import secrets

from sandbox.slack.conversations import Channel, Message
from sandbox.slack.core import Core
from sandbox.slack.errors import Json
from sandbox.slack.members import Member

_CHANNEL_TYPES = {"channel": "channel", "private": "group", "im": "im"}
_SUBSCRIPTIONS = {"channel": "message.channels", "private": "message.groups", "im": "message.im"}


def event_callback(core: Core, event: Json) -> Json:
    """The outer payload of an event."""
    state = core.state
    return {
        "token": core.verification_token,
        "team_id": state.team_id,
        "context_team_id": state.team_id,
        "context_enterprise_id": None,
        "api_app_id": state.app_id,
        "event": event,
        "type": "event_callback",
        "event_id": f"Ev{secrets.token_hex(5).upper()}",
        "event_time": int(core.clock.now().timestamp()),
        "authorizations": [
            {
                "enterprise_id": None,
                "team_id": state.team_id,
                "user_id": state.bot.id,
                "is_bot": True,
                "is_enterprise_install": False,
            }
        ],
        "is_ext_shared_channel": False,
        "event_context": f"4-{secrets.token_urlsafe(24)}",
    }


def message_event(core: Core, channel: Channel, message: Message) -> None:
    """Tell the app of a new message where it subscribes to such; its own come with a bot_id."""
    bot = core.state.bot
    if bot.id not in channel.members:
        return
    body = core.message_payload(message, with_metadata=False)
    body |= {"channel": channel.id, "event_ts": message.ts}
    if core.config.hears(_SUBSCRIPTIONS[channel.kind]):
        typed = body | {"channel_type": _CHANNEL_TYPES[channel.kind]}
        core.dispatcher.event(event_callback(core, typed))
    is_said = not message.bot and message.subtype != "channel_join"
    mentioned = f"<@{bot.id}>" in message.text and is_said and not channel.is_im
    if mentioned and core.config.hears("app_mention"):
        core.dispatcher.event(event_callback(core, body | {"type": "app_mention"}))


def change_event(core: Core, channel: Channel, previous: Json, message: Message | None) -> None:
    """Tell the app of an edited or deleted (None) message where it subscribes to such."""
    is_member = core.state.bot.id in channel.members
    if not is_member or not core.config.hears(_SUBSCRIPTIONS[channel.kind]):
        return
    event: Json = {
        "type": "message",
        "subtype": "message_changed" if message else "message_deleted",
        "hidden": True,
        "channel": channel.id,
        "channel_type": _CHANNEL_TYPES[channel.kind],
        "previous_message": previous,
        "ts": core.state.new_ts(),
    }
    event["event_ts"] = event["ts"]
    if message is not None:
        event["message"] = core.message_payload(message, with_metadata=False)
    else:
        event["deleted_ts"] = previous["ts"]
    core.dispatcher.event(event_callback(core, event))


def user_event(core: Core, member: Member) -> None:
    """Tell the app that a member has changed; not what their locale is, as not every event does."""
    if not core.config.hears("user_change"):
        return
    now = core.clock.now()
    event: Json = {
        "type": "user_change",
        "user": member.user(now, core.state.app_id, with_locale=False, with_email=False),
        "cache_ts": int(now.timestamp()),
        "event_ts": core.state.new_ts(),
    }
    core.dispatcher.event(event_callback(core, event))


def home_event(core: Core, user: str) -> None:
    """Tell the app that a member opened its Home tab."""
    if not core.config.hears("app_home_opened"):
        return
    dm = core.state.dm(user, core.state.bot.id)
    event: Json = {
        "type": "app_home_opened",
        "user": user,
        "channel": dm.id,
        "tab": "home",
        "event_ts": core.state.new_ts(),
    }
    if home := core.state.homes.get(user):
        event["view"] = core.view_payload(home)
    core.dispatcher.event(event_callback(core, event))
