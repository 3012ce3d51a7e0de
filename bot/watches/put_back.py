"""Words for what a restored backup held open: it was not sent from here, and may have been since.

Pure.
"""

from collections.abc import Mapping
from dataclasses import replace

from bot.model import Execution, ExecutionStatus
from bot.reply import Given, Phrase, Text, Words, say
from bot.watches.machine_ends import Verdict

_DECIDED = say(
    "the request for {target} was waiting for a decision in the backup that was restored; it may "
    "have been approved and carried out since"
)
_SENT = say(
    "the request for {target} had not been sent when the backup was made that was restored; it may "
    "have been carried out since"
)
_OF_REQUEST: Mapping[str, Phrase] = {
    ExecutionStatus.WAITING: say(
        "“{request}” was waiting for a decision in the backup that was restored; it may have been "
        "approved and carried out since."
    ),
    ExecutionStatus.RECORDED: say(
        "“{request}” had not been sent when the backup was made that was restored; it may have "
        "been carried out since."
    ),
}
_FOUND: Mapping[str, Phrase] = {
    ExecutionStatus.WAITING: say(
        "The request was waiting for a decision in the backup that was restored; it may have been "
        "approved and carried out since."
    ),
    ExecutionStatus.RECORDED: say(
        "The request had not been sent when the backup was made that was restored; it may have "
        "been carried out since."
    ),
}
_WHY: Mapping[str, Phrase] = {ExecutionStatus.WAITING: _DECIDED, ExecutionStatus.RECORDED: _SENT}
_FOLLOWED: Mapping[str, Phrase] = {
    ExecutionStatus.WAITING: say(
        "The request for {target} was waiting for a decision in the backup that was restored"
    ),
    ExecutionStatus.RECORDED: say(
        "The request for {target} had not been sent when the backup was made that was restored"
    ),
}
_UNANSWERED = say("it is unknown whether the command was carried out; I keep looking")
_NOT_KNOWN = say("it is unknown whether the command was carried out")
_LOOKING = say("restored from a backup; I am checking whether it has been carried out since")


def told(found: Verdict, execution: Execution) -> Verdict:
    """The same verdict; where it is in doubt, not as if a command had got no answer."""
    why = _WHY.get(execution.put_back)
    return replace(found, why=why, more="") if why and found.in_doubt else found


def remark(found: Verdict, execution: Execution) -> Words:
    """What to say beside an end that is not in doubt: what shows need not come of the request."""
    return "" if found.in_doubt else _FOUND.get(execution.put_back, "")


def doing(execution: Execution, usual: Text) -> Text:
    """What its card says is under way: not that something is done which nobody has sent."""
    return _FOLLOWED.get(execution.put_back, usual)


def looking(execution: Execution) -> Phrase:
    """What is said while it is not known whether it was carried out."""
    return _LOOKING if execution.put_back else _UNANSWERED


def in_doubt(execution: Execution) -> Phrase:
    """The same beside what a look has shown."""
    return _LOOKING if execution.put_back else _NOT_KNOWN


def of_request(status: str, request: Given) -> Phrase | None:
    """Why the end of a `request` is not known that nothing can show; None for all others."""
    said = _OF_REQUEST.get(status)
    return said.filled(lambda _: request) if said else None
