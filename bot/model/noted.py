"""What a watch knows by name beside its own fields: `Watch.about`, texts that outlive the process.

Three things fill it, the later ones over the earlier: what was known of the command when it was
sent, what its answer told, and what looks remember for the next one.
"""

from enum import StrEnum


class Noted(StrEnum):
    """The names in `Watch.about` that the bot itself reads; the values stand in databases.

    The other names there are arguments and facts of single commands (`disk vda`, `now ssh`), which
    only the command's own observer reads.
    """

    # Known when the command was sent: its id, its arguments, facts of its row.
    COMMAND = "command"
    OWN_NAME = "own_name"  # the description of its machine as it began
    NAME = "name"  # of a snapshot or a private network
    IMAGE = "image"  # a file's name
    PATH = "path"  # of a file on the node
    DIRECTORY = "directory"  # on the node, where it goes
    SERVER = "server"  # an image server; empty where the node chooses
    SIZE = "size"  # that it has where it comes from; of a disk, in GiB
    BEFORE = "before"  # the size of the file that stood there before
    DISK = "disk"
    BY = "by"  # how many GiB a disk grows
    FORCE = "force"
    WAS = "was"  # a machine's state just before the change
    LOOKED_AT = "looked_at"  # since when what was read before the change may be untrue
    LOG_BEFORE = "log_before"  # the newest time in the machine's log just before the change
    WANTED = "wanted"  # what was to become of a bare-metal machine's power

    # Told by the answer.
    ANSWERED = "answered"  # who answered what, where that does not say that it is done (`keep`)
    TWICE = "twice"  # what is known where the node seems to have got it twice (`keep`)

    # Remembered from look to look.
    FIRST = "first"  # the percentage that was seen first
    FIRST_AT = "first_at"
    PERCENT = "percent"  # the one that was seen last
    MOVED_AT = "moved_at"  # when it last grew
    ENDED_AT = "ended_at"  # since when a transfer is no longer at work
    THERE = "there"  # the size in the image server's list at the last look
    STOPPED_AT = "stopped_at"  # since when a transfer that was told to stop is not reported
    LEFT = "left"  # the size of what is left of it
    LEFT_SINCE = "left_since"
    MISSING_SINCE = "missing_since"  # since when lists do not show it
    REFUSED_SINCE = "refused_since"  # since when looks are refused
    REFUSED_TIMES = "refused_times"
    LOG_SINCE = "log_since"  # the newest time in the log when it was first read after the change
    STOOD_AFTER = "stood_after"  # after which other change the machine was seen otherwise
    LATE_TOLD_AS = "late"  # the key of the message that told that it is unknown
    LATE_WHY = "late_why"  # in which words (`keep`)
    LATE_MORE = "late_more"  # and what was said after it (`keep`)
    LATE_RESUMED = "late_resumed"  # somebody has pressed for it


# Those that are moments by the bot's own clock.
MOMENTS: frozenset[str] = frozenset(
    {
        Noted.FIRST_AT,
        Noted.MOVED_AT,
        Noted.ENDED_AT,
        Noted.STOPPED_AT,
        Noted.LEFT_SINCE,
        Noted.MISSING_SINCE,
        Noted.REFUSED_SINCE,
    }
)
