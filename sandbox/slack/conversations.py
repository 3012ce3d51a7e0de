"""Channels, direct messages and what stands in them. Knows nothing of who may see or change it."""

from dataclasses import dataclass, field

from sandbox.slack.errors import Json


@dataclass
class File:
    """An uploaded file; `shared` once completeUploadExternal has named it."""

    id: str
    name: str
    length: int
    token: str
    title: str = ""
    content: bytes | None = None
    shared: bool = False

    def body(self, base_url: str, user: str) -> Json:
        """The file object as messages and files.completeUploadExternal carry it."""
        url = f"{base_url}files/{self.id}/{self.name}"
        return {
            "id": self.id,
            "name": self.name,
            "title": self.title or self.name,
            "size": self.length,
            "mode": "hosted",
            "user": user,
            "is_external": False,
            "url_private": url,
            "url_private_download": url,
            "permalink": url,
        }


@dataclass
class Message:
    """One message. `only_for` makes it ephemeral: shown to that member, stored nowhere in Slack."""

    ts: str
    channel: str
    user: str
    text: str
    blocks: list[Json] = field(default_factory=list)
    attachments: list[Json] = field(default_factory=list)
    thread_ts: str | None = None
    broadcast: bool = False
    bot: bool = False
    bot_id: str = ""
    metadata: Json | None = None
    edited_ts: str | None = None
    only_for: str | None = None
    files: list[File] = field(default_factory=list)
    reactions: dict[str, list[str]] = field(default_factory=dict)
    tombstone: bool = False
    client_msg_id: str | None = None
    subtype: str = ""

    @property
    def in_thread(self) -> bool:
        """Whether it is a reply (a parent carries its own ts as thread_ts once answered)."""
        return self.thread_ts is not None and self.thread_ts != self.ts


@dataclass
class Channel:
    """A conversation. `kind` is channel (public), private or im."""

    id: str
    name: str
    kind: str
    members: list[str] = field(default_factory=list)
    topic: str = ""
    is_archived: bool = False
    messages: dict[str, Message] = field(default_factory=dict)
    last_read: dict[str, str] = field(default_factory=dict)

    @property
    def is_im(self) -> bool:
        """Whether it is a direct message between two."""
        return self.kind == "im"

    def replies(self, ts: str) -> list[Message]:
        """The replies that everybody sees under a message, oldest first."""
        return [
            m
            for m in self.messages.values()
            if m.thread_ts == ts and m.ts != ts and m.only_for is None and not m.tombstone
        ]

    def body(self, me: str, created: int) -> Json:
        """The channel object of conversations.info, as the member `me` sees it."""
        common: Json = {
            "id": self.id,
            "created": created,
            "is_archived": self.is_archived,
            "is_im": self.is_im,
            "is_org_shared": False,
            "context_team_id": None,
            "updated": created * 1000,
        }
        if self.is_im:
            other = next((m for m in self.members if m != me), me)
            return common | {"user": other, "is_user_deleted": False, "priority": 0}
        return common | {
            "name": self.name,
            "name_normalized": self.name,
            "is_channel": self.kind == "channel",
            "is_group": False,
            "is_mpim": False,
            "is_private": self.kind == "private",
            "is_general": False,
            "is_shared": False,
            "is_ext_shared": False,
            "is_member": me in self.members,
            "topic": {"value": self.topic, "creator": "", "last_set": 0},
            "purpose": {"value": "", "creator": "", "last_set": 0},
            "previous_names": [],
            "num_members": len(self.members),
        }
