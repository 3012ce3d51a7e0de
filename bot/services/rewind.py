"""Watches of a former process: only the machine's clock is known to both, and it may have been set.

So the time between that process's last look and this one's first counts for nothing: whatever has
to last for a while lasts only while somebody looks.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from bot.model import MOMENTS, Noted, Watch
from storage import FARTHEST_AHEAD


def caught_up(watch: Watch, began: datetime, now: datetime) -> Watch:
    """`watch` as if the process that `began` then had looked at it last before it paused.

    The time between its moments stays, but that no pace is reckoned over a time that nobody saw.
    """
    kept = {name: datetime.fromisoformat(at) for name in MOMENTS if (at := watch.about.get(name))}
    last = max(watch.started_at, watch.silent_since or watch.started_at, *kept.values())
    if last <= now and began <= watch.next_poll_at <= now + FARTHEST_AHEAD:
        return watch
    by = now - max(last, watch.next_poll_at)
    about = {**watch.about, **{name: (at + by).isoformat() for name, at in kept.items()}}
    if by > timedelta() and watch.about.get(Noted.PERCENT) and not watch.stopped_by:
        at = now.isoformat()
        about |= {Noted.FIRST: about[Noted.PERCENT], Noted.FIRST_AT: at, Noted.MOVED_AT: at}
    return replace(
        watch,
        started_at=watch.started_at + by,
        deadline_at=watch.deadline_at + by,
        silent_since=watch.silent_since and watch.silent_since + by,
        about=about,
    )
