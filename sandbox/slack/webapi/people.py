"""users.*, usergroups.*, bots.*, team.*, auth.*: who is who."""

from sandbox.slack.conversations import Channel
from sandbox.slack.errors import Json, SlackError
from sandbox.slack.webapi.call import Call, Method, page


def auth_test(call: Call) -> Json:
    """auth.test."""
    state = call.core.state
    return {
        "ok": True,
        "url": call.core.base_url,
        "team": "Sandbox",
        "user": state.bot.name,
        "team_id": state.team_id,
        "user_id": state.bot.id,
        "bot_id": state.bot.bot_id,
        "is_enterprise_install": False,
    }


def users_info(call: Call) -> Json:
    """users.info."""
    core = call.core
    member = core.state.members.get(call.text("user"))
    if member is None:
        raise SlackError("user_not_found")
    user = member.user(
        core.clock.now(),
        core.state.app_id,
        with_locale=call.flag("include_locale"),
        with_email="users:read.email" in core.config.scopes,
    )
    return {"ok": True, "user": user}


def users_list(call: Call) -> Json:
    """users.list."""
    core = call.core
    users = [
        member.user(
            core.clock.now(),
            core.state.app_id,
            with_locale=call.flag("include_locale"),
            with_email="users:read.email" in core.config.scopes,
        )
        for member in core.state.members.values()
    ]
    return page(call, users, "members")


def users_conversations(call: Call) -> Json:
    """users.conversations."""
    core = call.core
    user = call.text("user") or core.state.bot.id
    if user not in core.state.members:
        raise SlackError("user_not_found")
    found = [c.body(user, 1) for c in _visible(call) if user in c.members]
    return page(call, found, "channels")


def _visible(call: Call) -> list[Channel]:
    """The channels of the types asked for that the bot may know of."""
    kinds = _kinds(call)
    bot = call.core.state.bot.id
    return [
        channel
        for channel in call.core.state.channels.values()
        if channel.kind in kinds
        and (channel.kind == "channel" or bot in channel.members)
        and not (channel.is_archived and call.flag("exclude_archived"))
    ]


def _kinds(call: Call) -> set[str]:
    names = {"public_channel": "channel", "private_channel": "private", "im": "im", "mpim": "mpim"}
    asked = (call.text("types") or "public_channel").replace(" ", "").split(",")
    if unknown := [kind for kind in asked if kind not in names]:
        raise SlackError("invalid_types", response_metadata={"messages": unknown})
    return {names[kind] for kind in asked}


def conversations_list(call: Call) -> Json:
    """conversations.list: public channels, and others the bot is in."""
    bot = call.core.state.bot.id
    return page(call, [channel.body(bot, 1) for channel in _visible(call)], "channels")


def usergroups_list(call: Call) -> Json:
    """usergroups.list."""
    core = call.core
    groups = [
        group.body(core.state.team_id, with_users=call.flag("include_users"))
        for group in core.state.usergroups.values()
        if not group.disabled or call.flag("include_disabled")
    ]
    return {"ok": True, "usergroups": groups}


def usergroups_users_list(call: Call) -> Json:
    """usergroups.users.list."""
    group = call.core.state.usergroups.get(call.need("usergroup"))
    if group is None or (group.disabled and not call.flag("include_disabled")):
        raise SlackError("no_such_subteam")
    return {"ok": True, "users": list(group.users)}


def bots_info(call: Call) -> Json:
    """bots.info."""
    core = call.core
    if call.text("bot") not in ("", core.state.bot.bot_id):
        raise SlackError("bot_not_found")
    return {"ok": True, "bot": core.bot_profile()}


def team_info(call: Call) -> Json:
    """team.info."""
    state = call.core.state
    return {
        "ok": True,
        "team": {
            "id": state.team_id,
            "name": "Sandbox",
            "domain": state.team_domain,
            "email_domain": "",
            "icon": {},
        },
    }


METHODS = {
    "auth.test": Method(auth_test),
    "users.info": Method(users_info, ("users:read",)),
    "users.list": Method(users_list, ("users:read",)),
    "users.conversations": Method(
        users_conversations, ("channels:read", "groups:read", "im:read", "mpim:read")
    ),
    "conversations.list": Method(
        conversations_list, ("channels:read", "groups:read", "im:read", "mpim:read")
    ),
    "usergroups.list": Method(usergroups_list, ("usergroups:read",)),
    "usergroups.users.list": Method(usergroups_users_list, ("usergroups:read",)),
    "bots.info": Method(bots_info, ("users:read",)),
    "team.info": Method(team_info, ("team:read",)),
}
