"""What is asked and told of image files and their transfers, by what was found out of them."""

from collections.abc import Mapping

from bot.commands.servers import DOWNLOAD
from bot.messages.facts import unread
from bot.messages.question import Losses, Nothing
from bot.pipeline.formatting import several
from bot.reply import Phrase, kept, say


def to_stop(known: Mapping[str, str]) -> Phrase:
    """What a transfer that is told to stop is, until it has ended."""
    if known.get("direction") == DOWNLOAD:
        return say("{label} was told to stop downloading to {node}")
    return say("{label} was told to stop uploading from {node}")


def downloading(known: Mapping[str, str]) -> Phrase:
    """What a download is, under way."""
    server = known.get("server", "")
    return say("{label} is being downloaded from {server} to {node}", server=server)


def uploading(known: Mapping[str, str]) -> Phrase:
    """What an upload is, under way."""
    server = known.get("server", "")
    return say("{label} is being uploaded from {node} to {server}", server=server)


def delete_loses(known: Mapping[str, str]) -> Phrase:
    """What is lost with an image file on a node."""
    told = say("The file on the node is deleted.")
    if size := known.get("size"):
        told = say("The file ({size}) on the node is deleted.", size=size)
    return say(
        "{deleted} DBC does not check whether a machine uses it, and one that does would break. "
        "{users}",
        deleted=told,
        users=_users(known),
    )


def _users(known: Mapping[str, str]) -> Phrase:
    if machines := known.get("used_by"):
        return say("Known to use it: {machines}.", machines=several(machines))
    if known.get(unread("used_by")):
        return say("Whether one does could not be read.")
    return say("I know of no machine that does, which proves nothing.")


def _may_be_there(known: Mapping[str, str]) -> bool:
    return bool(known.get("before") or known.get(unread("before")))


def download_asks(known: Mapping[str, str]) -> Phrase:
    """What replaces a file says so."""
    if _may_be_there(known):
        return say("Download and replace {label} from {server} to {node}")
    return say("Download {label} from {server} to {node}")


def upload_asks(known: Mapping[str, str]) -> Phrase:
    """What replaces a file says so."""
    if _may_be_there(known):
        return say("Upload and replace {label} from {node} to {server}")
    return say("Upload {label} from {node} to {server}")


def _perhaps_replaced(why: str) -> Phrase:
    return say(
        "A file of that name there is replaced. Whether there is one is not known: {why}",
        why=kept(why),
    )


def download_loses(known: Mapping[str, str]) -> Losses:
    """What a download replaces."""
    if why := known.get(unread("before")):
        return _perhaps_replaced(why)
    if not known.get("before"):
        return Nothing(say("Nothing: there is no such file on the node."))
    return say(
        "The node's present file ({before}) is replaced by {server}'s ({size}). "
        "Machines based on it may break.",
        before=known["before"],
        server=known["server"],
        size=known["size"],
    )


def upload_loses(known: Mapping[str, str]) -> Losses:
    """What an upload replaces."""
    if why := known.get(unread("before")):
        return _perhaps_replaced(why)
    if not known.get("before"):
        return Nothing(say("Nothing: there is no such file on the image server."))
    return say(
        "{server}'s present file ({before}) is replaced for everyone.",
        server=known["server"],
        before=known["before"],
    )
