"""A Slack workspace in memory, as strict as Slack: the demo's and the double of every scenario."""

from sandbox.slack.clock import HandClock, SystemClock
from sandbox.slack.errors import CannotDo, SlackError
from sandbox.slack.person import Person, SeenMessage, SeenView
from sandbox.slack.workspace import Workspace

__all__ = [
    "CannotDo",
    "HandClock",
    "Person",
    "SeenMessage",
    "SeenView",
    "SlackError",
    "SystemClock",
    "Workspace",
]
