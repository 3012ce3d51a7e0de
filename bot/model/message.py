"""Messages that are kept true."""

from dataclasses import dataclass
from datetime import datetime

from bot.ids import ChannelId
from bot.model.asked import Place


@dataclass(frozen=True, slots=True)
class MessageRef:
    """A posted Slack message."""

    channel: ChannelId
    ts: str


SURPRISE = "surprise"  # the problem of a message at which something failed on our side


@dataclass(frozen=True, slots=True)
class Message:
    """A message kept true: what it should say (`content`, a dumped `Reply`) and what it says.

    `key` names it for ever (`card:<execution>`, `end:<execution>`); `version` counts the wanted
    contents, `delivered` is the version Slack shows (0: not posted yet). `attempts` counts the
    deliveries begun since the last success: above 0 and unposted means that a crash may have
    left it posted without our knowing. `problem` is why it was not delivered, or why it stands
    elsewhere than in `place`. Until `unsettled_until` Slack may still carry out what it was sent
    and did not answer, before this delivery; until `sent_until` it may carry out what this one
    sends, as it is written down; None: nothing is written down yet. Until `copies_until` it is
    looked whether it stands there twice, where it may be `posted_twice`; else an old edit may
    come in place of a newer one.
    """

    id: str
    key: str
    place: Place
    content: str
    version: int
    delivered: int
    created_at: datetime
    attempts: int = 0
    ref: MessageRef | None = None
    problem: str = ""
    unsettled_until: datetime | None = None
    copies_until: datetime | None = None
    posted_twice: bool = True
    sent_until: datetime | None = None
    told_in: str = ""  # the message that told it together with others, or was refused
    held_until: datetime | None = None  # by the quiet hours of who is told
    under: str = ""  # the message in whose thread it belongs, by its key
    can_wait: bool = False  # what it should say: something newer tells more than it, soon

    def thread_in(self, place: Place) -> Place:
        """The thread of this message, if it stands in `place`, outside of threads; else `place`."""
        if self.ref is None or place.thread or self.place.thread:
            return place
        is_direct = place.channel.startswith(("U", "W")) and place == self.place
        if self.ref.channel != place.channel and not is_direct:
            return place
        return Place(self.ref.channel, self.ref.ts)

    @property
    def may_be_sent(self) -> bool:
        """Whether it is sent without a look: one that may have been posted is looked for first."""
        return self.ref is not None or self.attempts <= 1

    @property
    def was_said(self) -> bool:
        """Whether what it should say was said in another way, so that it stands nowhere."""
        return self.ref is None and self.delivered == self.version

    @property
    def is_told_elsewhere(self) -> bool:
        """Whether another message tells it with others, and was not refused so far."""
        return bool(self.told_in) and self.ref is None and self.delivered > 0
