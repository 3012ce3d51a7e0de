"""The Slack app manifest: exactly the commands, events and scopes that the listeners use."""

from handlers.payloads import Json
from handlers.scopes import SCOPES
from handlers.server import PATH
from handlers.shortcuts import SHORTCUTS

EVENTS = ("app_home_opened", "app_mention", "message.im", "user_change")
PUBLIC_ADDRESS = "https://dbc-bot.example.com"


def manifest(command: str, *, socket_mode: bool) -> Json:
    """The manifest to paste. In HTTP mode, replace its addresses by the bot's own."""
    address = {} if socket_mode else {"url": PUBLIC_ADDRESS + PATH}
    request = {} if socket_mode else {"request_url": PUBLIC_ADDRESS + PATH}
    options = {} if socket_mode else {"message_menu_options_url": PUBLIC_ADDRESS + PATH}
    return {
        "_metadata": {"major_version": 1, "minor_version": 1},
        "display_information": {
            "name": "DBC machines",
            "description": "Run DeepBrain Chain GPU machines from Slack",
            "background_color": "#1d2333",
        },
        "features": {
            "app_home": {
                "home_tab_enabled": True,
                "messages_tab_enabled": True,
                "messages_tab_read_only_enabled": False,
            },
            "bot_user": {"display_name": command.removeprefix("/"), "always_online": True},
            "slash_commands": [
                {
                    "command": command,
                    **address,
                    "description": "See and run GPU machines",
                    "usage_hint": "help | vm list | vm show <machine>",
                    "should_escape": True,
                }
            ],
            "shortcuts": [dict(one) for one in SHORTCUTS],
        },
        "oauth_config": {"scopes": {"bot": list(SCOPES)}},
        "settings": {
            "event_subscriptions": {**request, "bot_events": list(EVENTS)},
            "interactivity": {"is_enabled": True, **request, **options},
            "org_deploy_enabled": False,
            "socket_mode_enabled": socket_mode,
            "token_rotation_enabled": False,
        },
    }
