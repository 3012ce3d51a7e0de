"""The scopes that the bot uses, and which of them its token lacks, as Slack answers."""

from collections.abc import Mapping

import structlog

from bot.health import Health
from bot.reply import listed, say
from handlers.refusals import granted

# Where each scope is used; Slack asks the installing admin for every one of them.
SCOPES = (
    "app_mentions:read",  # on_mention
    "channels:history",  # SlackMessenger.find, in public channels
    "chat:write",  # every message
    "commands",  # the slash command and the shortcuts
    "files:write",  # SlackMessenger.upload
    "groups:history",  # SlackMessenger.find, in private channels
    "im:history",  # direct messages to the bot; SlackMessenger.find there
    "im:write",  # SlackMessenger.direct
    "mpim:history",  # SlackMessenger.find, in group messages
    "usergroups:read",  # SlackDirectory.members, when a policy names user groups
    "users:read",  # SlackDirectory.person; user_change
)

_WHAT = "the scopes of the bot token"

log = structlog.get_logger()


class Scopes:
    """Keeps `health` told of the scopes that are missing, before anything fails for want of one."""

    def __init__(self, health: Health) -> None:
        self._health = health
        self._missing: tuple[str, ...] = ()

    def note(self, headers: Mapping[str, str]) -> None:
        """Look at the headers of an answer to the bot token; some answers name no scopes."""
        has = granted(str(headers.get("x-oauth-scopes", "")))
        missing = tuple(sorted(set(SCOPES) - has))
        if not has or missing == self._missing:
            return
        self._missing = missing
        if not missing:
            self._health.impaired(_WHAT, ())
            log.info("slack.has_all_scopes")
            return
        told = say(
            "The bot token lacks {scopes}: add what is missing under OAuth & Permissions and "
            "reinstall the app.",
            scopes=listed(missing),
        )
        self._health.impaired(_WHAT, (told,))
        log.warning("slack.lacks_scopes", scopes=list(missing), sentence=str(told))
