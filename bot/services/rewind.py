"""Watches from before the machine's clock was set back, as if they had begun by the new time."""

from dataclasses import replace
from datetime import datetime, timedelta

from bot.model import Watch

_SINCE = (
    "first_at",
    "moved_at",
    "ended_at",
    "refused_since",
    "stopped_at",
    "left_since",
    "missing_since",
)  # moments that observers keep in `about`


def rewound(watch: Watch, now: datetime) -> Watch:
    """`watch` with no past moment later than `now`; the time between its moments stays.

    Otherwise nothing that has to last for a while would count as lasting before `now` is there.
    """
    kept = {name: datetime.fromisoformat(at) for name in _SINCE if (at := watch.about.get(name))}
    by = max(watch.started_at, watch.silent_since or now, *kept.values(), now) - now
    if by <= timedelta():
        return watch
    return replace(
        watch,
        started_at=watch.started_at - by,
        deadline_at=watch.deadline_at - by,
        silent_since=watch.silent_since and watch.silent_since - by,
        about={**watch.about, **{name: (at - by).isoformat() for name, at in kept.items()}},
    )
