"""People and bots of the workspace, as users.info and payloads show them."""

from dataclasses import dataclass, field
from datetime import datetime

from sandbox.slack.errors import Json

_COLORS = ("9f69e7", "4bbe2e", "e7392d", "3c989f", "674b1b", "e96699", "684b6c", "5b89d5")


@dataclass
class Member:
    """A member as Slack knows one. A guest is restricted; a stranger belongs to another team."""

    id: str
    name: str
    team_id: str
    real_name: str
    title: str = ""
    is_bot: bool = False
    deleted: bool = False
    is_admin: bool = False
    is_restricted: bool = False
    is_ultra_restricted: bool = False
    is_stranger: bool = False
    is_invited_user: bool = False
    locale: str = "en-US"
    tz: str = "Europe/Amsterdam"
    tz_offset: int = 3600
    bot_id: str = ""

    @property
    def color(self) -> str:
        """The color of the name, stable for a member."""
        return _COLORS[sum(self.id.encode()) % len(_COLORS)]

    def user(self, now: datetime, app_id: str, *, with_locale: bool, with_email: bool) -> Json:
        """The `user` object of users.info."""
        user: Json = {
            "id": self.id,
            "team_id": self.team_id,
            "name": self.name,
            "deleted": self.deleted,
            "profile": self._profile(app_id, with_email=with_email),
            "is_bot": self.is_bot,
            "is_app_user": False,
            "updated": int(now.timestamp()),
        }
        if self.deleted:
            return user
        user |= {
            "color": self.color,
            "real_name": self.real_name,
            "tz": self.tz,
            "tz_label": self.tz,
            "tz_offset": self.tz_offset,
            "is_admin": self.is_admin,
            "is_owner": False,
            "is_primary_owner": False,
            "is_restricted": self.is_restricted or self.is_ultra_restricted,
            "is_ultra_restricted": self.is_ultra_restricted,
            "is_email_confirmed": True,
            "who_can_share_contact_card": "EVERYONE",
        }
        if self.is_stranger:
            user["is_stranger"] = True
        if self.is_invited_user:
            user["is_invited_user"] = True
        if with_locale:
            user["locale"] = self.locale
        return user

    def _profile(self, app_id: str, *, with_email: bool) -> Json:
        profile: Json = {
            "title": self.title,
            "phone": "",
            "real_name": self.real_name,
            "real_name_normalized": self.real_name,
            "display_name": self.name,
            "display_name_normalized": self.name,
            "status_text": "",
            "status_emoji": "",
            "avatar_hash": "",
            "image_48": "",
            "team": self.team_id,
        }
        if self.is_bot:
            profile |= {"api_app_id": app_id, "bot_id": self.bot_id, "always_active": True}
        elif with_email:
            profile["email"] = f"{self.name}@example.com"
        return profile


@dataclass
class Usergroup:
    """A named group such as @oncall; a disabled one has a date of deletion."""

    id: str
    handle: str
    name: str
    users: list[str] = field(default_factory=list)
    disabled: bool = False
    is_odd: bool = False  # without its users, though they were asked for

    def body(self, team_id: str, *, with_users: bool) -> Json:
        """The object of usergroups.list."""
        group: Json = {
            "id": self.id,
            "team_id": team_id,
            "is_usergroup": True,
            "name": self.name,
            "handle": self.handle,
            "description": "",
            "is_external": False,
            "date_delete": 1 if self.disabled else 0,
            "user_count": len(self.users),
            "prefs": {"channels": [], "groups": []},
        }
        if with_users and not self.is_odd:
            group["users"] = list(self.users)
        return group
