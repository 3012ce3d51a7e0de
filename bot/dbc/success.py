"""Which texts prove that a change was carried out, by operation.

An error code of 0 is no proof: a manager looks for `Error:` only in what its power tool says, so
`failed: Insufficient privilege level` comes with it (docs/dbc-api.md §11.4). Any other text is
therefore raised as Unproved, and the change counts as neither done nor refused.
"""

import re
from collections.abc import Callable

from bot.dbc.models import BootResult, Modified, PowerCommand, PowerReport, power_in

_NEXT_BOOT = "some changes will take effect on the next boot"
# ipmitool's words, and those of the cloud-cybercafe back end (§3.7.4).
_POWERED: dict[PowerCommand, frozenset[str]] = {
    "on": frozenset({"chassis power control: up/on", "chassis power is on", "power is on", "ok"}),
    "off": frozenset(
        {"chassis power control: down/off", "chassis power is off", "power is off", "ok"}
    ),
    "reset": frozenset({"chassis power control: reset", "chassis power control: cycle", "ok"}),
}
_BOOTS = re.compile(r"set boot device to (force_)?(pxe|disk|cdrom|bios)")
_FORGOTTEN = re.compile(r"[1-9]\d* were successfully deleted, 0 failed")
_BREAK = "<line>"  # what a manager makes of its tool's line breaks


class Unproved(ValueError):
    """The answer has error code 0 and a text that no success is known to have."""


def done(message: object) -> None:
    """For changes that answer `ok` and nothing else."""
    if _said(message) != "ok":
        raise Unproved


def silent(message: object) -> None:
    """For `bare_metal/modify`, which answers nothing at all."""
    if _said(message) not in {"", "ok"}:
        raise Unproved


def forgotten(message: object) -> None:
    """For `bare_metal/delete`, which counts; one machine is deleted at a time."""
    if not _FORGOTTEN.fullmatch(_said(message)):
        raise Unproved


def modified(message: object) -> Modified:
    """`ok`, or that some changes take effect on the next boot."""
    if _said(message) == _NEXT_BOOT:
        return Modified.NEXT_BOOT
    done(message)
    return Modified.NOW


def powered(command: PowerCommand) -> Callable[[object], PowerReport]:
    """For `bare_metal/power`: the tool's text, where each line of it says that it was done."""

    def check(message: object) -> PowerReport:
        lines = _lines(message)
        if not lines or not all(text in _POWERED[command] for text in lines):
            raise Unproved
        return PowerReport(text=str(message), is_on=power_in(str(message)))

    return check


def booting(message: object) -> BootResult:
    """For `bare_metal/bootdev`, should a manager ever report its result."""
    if _said(message) != "ok" and not _BOOTS.fullmatch(_said(message)):
        raise Unproved
    return BootResult.DONE


def _said(message: object) -> str:
    return " ".join(_lines(message))


def _lines(message: object) -> list[str]:
    if not isinstance(message, str):
        raise Unproved
    lines = message.lower().replace(_BREAK, "\n").splitlines()
    return [" ".join(each.split()) for each in lines if each.strip()]
