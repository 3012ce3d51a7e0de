"""What is told of who confirms or renews an order, and of what they have signed. Pure."""

from bot.ids import UserId
from bot.model import OrderPhase
from bot.orders.facts import Facts
from bot.orders.schedule import goal_of
from bot.orders.words import message_about, order_and_node
from bot.reply import Note, Reply, Text, code, line, mention, say


def taken(facts: Facts, user: UserId) -> Reply:
    """Somebody confirms or renews it: the others need not."""
    goal = facts.at(goal_of(facts.order))
    told = say(
        "{person} renews order {order} for {node}, which ends {time}.",
        person=mention(user), **order_and_node(facts), time=goal,
    )  # fmt: skip
    if facts.order.phase is OrderPhase.WAITING:
        told = say(
            "{person} confirms order {order} for {node}, which lapses {time}.",
            person=mention(user), **order_and_node(facts), time=goal,
        )  # fmt: skip
    return message_about(facts, "raised_hand", line(told))


def taken_over(facts: Facts, user: UserId) -> Reply:
    """To whoever has taken it: somebody else does it now."""
    named = {"person": line(mention(user)), **order_and_node(facts)}
    told = say(
        "{person} has taken over from you: they renew order {order} for {node}, not you.", **named
    )
    if facts.order.phase is OrderPhase.WAITING:
        told = say(
            "{person} has taken over from you: they confirm order {order} for {node}, not you.",
            **named,
        )
    return message_about(facts, "raised_hand", line(told))


def unsigned(facts: Facts) -> Reply:
    """To whoever has signed: the chain does not show it, or cannot be read."""
    if not facts.is_read:
        told = say(
            "Whether what you signed for order {order} for {node} is on the chain, could not be "
            "read.",
            **order_and_node(facts),
        )
    elif facts.order.phase is OrderPhase.WAITING:
        told = say(
            "No confirmation of order {order} for {node} is on the chain yet. It lapses {time}.",
            **order_and_node(facts), time=facts.at(goal_of(facts.order)),
        )  # fmt: skip
    else:
        told = say(
            "No renewal of order {order} for {node} is on the chain yet. It ends {time}.",
            **order_and_node(facts), time=facts.at(facts.order.ends),
        )  # fmt: skip
    return message_about(facts, "warning", line(told), Note(line(checks(facts))))


def checks(facts: Facts) -> Text:
    """What whoever has signed checks, and when to sign again: each renewal is paid for."""
    if facts.is_read:
        return say(
            "Look in the wallet whether the transaction failed: a failed one is in a block as "
            "well. Check that it was signed with {renter} and is about order {order}, and that the "
            "wallet has enough DBC. Then sign again, and press Done again.",
            renter=code(facts.order.renter), order=str(facts.order.number),
        )  # fmt: skip
    if facts.order.phase is OrderPhase.WAITING:
        return say(
            "You get a message once it can be read. Sign again only if the wallet says that the "
            "transaction failed."
        )
    return say(
        "You get a message once it can be read. Sign again only if the wallet says that the "
        "transaction failed: a second renewal is added to the first, and paid as well."
    )


def snoozed(facts: Facts, user: UserId) -> Reply:
    """Only the last warnings are given from now on."""
    told = say(
        "{person} snoozes order {order} for {node}: the next warnings come 6 hours, 1 hour "
        "and 15 minutes before its end.",
        person=mention(user), **order_and_node(facts),
    )  # fmt: skip
    return message_about(facts, "zzz", line(told))
