"""What the renter signs, as text to copy: the bot holds no key and sends no transaction."""

from bot.model import RentalOrder
from bot.orders.schedule import DAY
from bot.reply import CodeBlock, Note, Part, line, say


def confirmation(order: RentalOrder) -> tuple[Part, ...]:
    """The call that confirms an order."""
    return (_how(), CodeBlock(f"{order.pallet}.confirmRent(rent_id = {order.number})"))


def renewal(order: RentalOrder, blocks: int) -> tuple[Part, ...]:
    """The call that renews it for so many blocks."""
    told = say(
        "The duration is in blocks: {day} are a day. An order reaches at most 60 days ahead; what "
        "is more is cut without a word.",
        day=str(DAY),
    )
    called = f"{order.pallet}.reletMachine(rent_id = {order.number}, duration = {blocks})"
    return (_how(), CodeBlock(called), Note(line(told)))


def _how() -> Note:
    return Note(line(say("To be signed with the renter's wallet:")))
