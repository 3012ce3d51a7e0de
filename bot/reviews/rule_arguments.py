"""What a rule may say of a command's arguments, and whether it holds for what was given. Pure.

Knows arguments by their names and canonical texts only; which there are is told by the table.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from bot.errors import Refused
from bot.folding import fold
from bot.model import Effect, TakesGpus

Wanted = str | bool | int

_TRUE = frozenset({"true", "yes", "1", "on", "y"})


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument of a command, as rules see it.

    `spellings` are all names that mean it. `canonical` gives the one text that stands for
    everything that means the same (`64G`, `064`: `64`), and raises Refused for what it cannot be.
    `default` counts where nothing was given. Of a list, one part is enough. A machine is named by
    its id. `instead` says how a rule names it where it cannot do so by an argument. What
    `is_required` is never left out. Of `choices` there are no more.
    """

    name: str
    spellings: frozenset[str]
    canonical: Callable[[str], str] = str.strip
    default: str = ""
    is_list: bool = False
    is_machine: bool = False
    instead: str = ""
    is_required: bool = False
    choices: tuple[str, ...] = ()

    def holds(self, given: str, wanted: Wanted) -> bool:
        """Whether what was given is what the rule wants."""
        given = self.folded(given or self.default)
        if isinstance(wanted, bool):
            return (given in _TRUE) is wanted
        text = self.folded(str(wanted))
        if self.is_list and text:
            return set(text.split()) <= set(given.split())
        return given == text

    def folded(self, text: str) -> str:
        """The one text that is compared for everything that means the same."""
        try:
            return fold(self.canonical(text)) if text else ""
        except Refused:  # of a former version, or of another command of the rule
            return fold(text)

    def fault(self, wanted: Wanted) -> str:
        """Why it can never be `wanted`; empty where it can."""
        if self.instead:
            return self.instead
        if wanted == "":
            if self.is_required:
                return "it is never left out"
            return f"left out, it is {self.default}" if self.default else ""
        try:
            self.canonical(str(wanted).lower() if isinstance(wanted, bool) else str(wanted))
        except Refused as refusal:
            return refusal.sentence
        return ""


Texts = Mapping[str, str]


def _any_effect(_given: Texts) -> frozenset[Effect]:
    return frozenset(Effect)


@dataclass(frozen=True, slots=True)
class Guarded:
    """One command, as rules see it.

    `effects` gives all that it may have once some arguments are given. `is_free`: rules do not
    count for it. `has_node`: it may be about a node. `lists_nodes`: it shows something of every
    node, and leaves out what is denied. `begins`: it gives the first right to a node, so there may
    be nobody yet who is entitled to it. `takes_gpus`: when it can make a machine hold more of them.
    """

    arguments: Sequence[Argument] = ()
    effects: Callable[[Texts], frozenset[Effect]] = _any_effect
    is_free: bool = False
    has_node: bool = True
    lists_nodes: bool = False
    begins: bool = False
    takes_gpus: TakesGpus = TakesGpus.NEVER

    def effects_with(self, wanted: Mapping[str, Wanted]) -> frozenset[Effect]:
        """What it may do where a rule's arguments hold; nothing where they never do together."""
        given: dict[str, Wanted] = {}
        for name, value in wanted.items():
            argument = called(name, self.arguments)
            if argument is None:
                if value in (False, ""):
                    continue  # what it does not take is not given
                return frozenset()
            if argument.fault(value) or not _agree(argument, given.get(argument.name), value):
                return frozenset()
            given[argument.name] = value
        return self.effects({name: _text(value) for name, value in given.items()})


def _agree(argument: Argument, one: Wanted | None, other: Wanted) -> bool:
    """Whether both can hold for what was given."""
    if one is None or argument.is_list:
        return True
    return argument.holds(_text(one), other)


def _text(wanted: Wanted) -> str:
    if isinstance(wanted, bool):
        return "true" if wanted else ""
    return str(wanted)


Known = Mapping[str, Guarded]  # by the ids of all commands


def called(name: str, arguments: Sequence[Argument]) -> Argument | None:
    """The argument that `name` means, in any spelling."""
    wanted = fold(name).replace("-", "_")
    return next((one for one in arguments if wanted in one.spellings), None)


def faults(wanted: Mapping[str, Wanted], commands: Sequence[str], known: Known) -> Iterator[str]:
    """What is wrong with a rule's arguments: each must mean something to one of its commands."""
    for name, value in wanted.items():
        meant = [one for command in commands if (one := called(name, known[command].arguments))]
        if not meant:
            yield f"names `{name}`, {_not_known(name, commands, known)}"
        elif fault := _fault(meant, value):
            yield f"can never hold for `{name}`: {fault.rstrip('.')}"


def _fault(meant: Sequence[Argument], wanted: Wanted) -> str:
    """Why none of these can ever be `wanted`; a name that only seems to guard nodes is a fault."""
    found = {one: one.fault(wanted) for one in meant}
    fitting = [one for one in meant if not found[one]]
    if any(one.is_machine for one in fitting):
        return ""
    instead = next((one.instead for one in meant if one.instead), "")
    return instead or ("" if fitting else found[meant[0]])


def _not_known(name: str, commands: Sequence[str], known: Known) -> str:
    names = {s for command in commands for one in known[command].arguments for s in one.spellings}
    if close := get_close_matches(name.lower(), sorted(names), n=1, cutoff=0.7):
        return f"which no command of this rule takes; perhaps `{close[0]}` is meant"
    return "which no command of this rule takes"
