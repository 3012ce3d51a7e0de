"""What can be changed of a machine, and what its details say became of it. Pure.

The details show a changed size or VNC port at once, although it counts from the machine's next
start (docs/dbc-api.md §11.4). Its more ports they show nowhere.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.dbc.models import TaskDetail
from bot.model import Watch, WatchState
from bot.reply import Line, Phrase, Words, apart, say, sentences
from bot.watches.machine_ends import UNSURE_FOR, WAIT, Verdict

NONE = "none"
NOW = "now "  # before a field's name: the fact of what it is before the change
THEN = "then "  # … of what it will be
TRIED = "tried"  # the names of the fields of which a change was sent, in order


@dataclass(frozen=True, slots=True)
class Field:
    """A thing that can be changed: DBC's name of it, ours, also as the label of what it is now.

    Then its unit, and when a change counts.
    """

    sent: str
    called: Phrase
    now: Phrase
    unit: str = ""
    at_next_start: bool = False

    def told(self, before: str, after: str) -> Phrase:
        """`memory 32 → 64 GiB`; without what it was, where DBC does not tell that."""
        value = f"{after}{self.unit if after != NONE else ''}"
        if not before:
            return say("{field}: {value}", field=self.called, value=value)
        return say("{field} {before} → {value}", field=self.called, before=before, value=value)


# In DBC's own order (docs/dbc-api.md §3.2.10), which is the order in which they are sent.
FIELDS = {
    "public_ip": Field("new_public_ip", say("public IP"), say("Public IP now")),
    "ssh": Field("new_ssh_port", say("SSH port"), say("SSH port now")),
    "rdp": Field("new_rdp_port", say("RDP port"), say("RDP port now")),
    "ports": Field("new_custom_port", say("more ports"), say("More ports now")),
    "filters": Field("new_network_filters", say("network filters"), say("Network filters now")),
    "vnc": Field("new_vnc_port", say("VNC port"), say("VNC port now"), at_next_start=True),
    "gpu": Field("new_gpu_count", say("GPUs"), say("GPUs now"), at_next_start=True),
    "cpu": Field("new_cpu_cores", say("CPU cores"), say("CPU cores now"), at_next_start=True),
    "mem": Field("new_mem_size", say("memory"), say("Memory now"), " GiB", at_next_start=True),
}


def present(detail: TaskDetail) -> dict[str, str]:
    """What DBC tells of it, as it would be typed; its more ports and public IP it does not."""
    memory = detail.mem_size.gib
    told = {
        "ssh": detail.ssh_port,
        "rdp": detail.rdp_port,
        "vnc": detail.vnc_port,
        "gpu": detail.gpu_count,
        "cpu": detail.cpu_cores,
        "mem": None if memory is None else f"{memory:g}",
        "filters": " ".join(detail.network_filters) or NONE,
    }
    return {name: str(value) for name, value in told.items() if value is not None}


def verdict(watch: Watch, detail: TaskDetail, now: datetime) -> Verdict:
    """How a change without an answer stands, going by the machine's details."""
    about = watch.about
    wanted = [name for name in FIELDS if THEN + name in about]
    tried = about[TRIED].split() if TRIED in about else wanted
    shown = present(detail)
    is_so = {name: _is_so(name, about, shown, detail) for name in tried}
    # One is sent after the other was answered: what was sent later proves what was sent before.
    last = max((i for i, name in enumerate(tried) if is_so[name]), default=-1)
    if TRIED in about:
        last = max(last, len(tried) - 2)
    done, open_ = tried[: last + 1], tried[last + 1 :]
    left = [name for name in wanted if name not in tried]
    if not open_:
        return _all_done(about, done, left)
    can_show = any(is_so[name] is not None for name in open_)
    if can_show and now - watch.started_at < UNSURE_FOR:
        return WAIT
    return _in_doubt(about, shown, done, open_, left, can_show=can_show)


def _is_so(
    name: str, about: Mapping[str, str], shown: Mapping[str, str], detail: TaskDetail
) -> bool | None:
    """Whether it is as it was to be; None where the details do not tell."""
    then = about[THEN + name]
    if name == "public_ip":
        if then == NONE:
            return detail.ssh_ip != about[NOW + name] if NOW + name in about else None
        return detail.ssh_ip == then
    if name not in shown:
        return None
    return shown[name] == then


def _all_done(about: Mapping[str, str], done: Sequence[str], left: Sequence[str]) -> Verdict:
    changes = changes_told(about, done)
    if left:
        why = say("{target} was changed in part: {changes}", changes=changes)
        return Verdict(WatchState.FAILED, why, more=_not_tried(about, left))
    return Verdict(
        WatchState.DONE, say("{label} was changed on {node}: {changes}", changes=changes)
    )


def _not_tried(about: Mapping[str, str], names: Sequence[str]) -> Words:
    return say("Not tried: {changes}.", changes=changes_told(about, names)) if names else ""


def _in_doubt(
    about: Mapping[str, str],
    shown: Mapping[str, str],
    done: Sequence[str],
    open_: Sequence[str],
    left: Sequence[str],
    *,
    can_show: bool,
) -> Verdict:
    first, field = open_[0], FIELDS[open_[0]]
    why = say(
        "{target} may or may not have changed: DBC does not show “{field}” anywhere",
        field=field.called,
    )
    if first in shown:
        value = f"{shown[first]}{field.unit}"
        why = say(
            "{target} still has {field} {value}; the command got no clear answer",
            field=field.called,
            value=value,
        )
    changed = say("Changed: {changes}.", changes=changes_told(about, done)) if done else ""
    # A process died in the middle: how far it came is not known.
    unseen = (
        say("Not seen: {changes}.", changes=changes_told(about, open_[1:])) if open_[1:] else ""
    )
    more = sentences((changed, unseen, _not_tried(about, left)))
    return Verdict(WatchState.UNKNOWN, why, more=more, resumable=can_show, in_doubt=can_show)


def changes_told(about: Mapping[str, str], names: Sequence[str]) -> Line:
    """The changes of these fields: `memory 32 → 64 GiB (from the next start)`."""
    changes: list[Words] = []
    for name in names:
        change = FIELDS[name].told(about.get(NOW + name, ""), about[THEN + name])
        if FIELDS[name].at_next_start:
            change = say("{change} (from the next start)", change=change)
        changes.append(change)
    return apart(changes)
