"""How much of a line an argument takes, and what its text becomes."""

from enum import Enum, auto


class Takes(Enum):
    """How much of a line one of the kind takes."""

    WORD = auto()
    REST = auto()  # all bare words that are left
    LINE = auto()  # all that is left, options and all


class Binds(Enum):
    """What a text of the kind becomes for the command's function (`bot.pipeline.targets`)."""

    VALUE = auto()  # what `read` says
    MACHINE = auto()
    NODE = auto()
    PLACE = auto()  # a node, or what is no node's name as it is
