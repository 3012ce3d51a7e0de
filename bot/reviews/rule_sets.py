"""Which rules count for a request, without asking each of them about each request. Pure.

Rules are the bits of whole numbers: which of them a condition lets count is looked up by what was
asked, and which of them count is what all these numbers have in common. So the work grows with the
rules, not with their pairs. What one rule says of one request is in `bot.reviews.policy`.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from bot.model import Effect
from bot.reviews.policy import BudgetRule, Request, Rule
from bot.reviews.rule_arguments import Argument, Guarded, Wanted, called


def bits(some: int) -> Iterator[int]:
    """The numbers of the rules in a set, in their order."""
    while some:
        lowest = some & -some
        yield lowest.bit_length() - 1
        some ^= lowest


class Condition:
    """One condition of every rule: which rules it lets count for given values."""

    def __init__(self, wanted: Iterable[Sequence[str]]) -> None:
        self._silent = 0  # rules without this condition
        self._naming: dict[str, int] = {}
        for number, some in enumerate(wanted):
            if not some:
                self._silent |= 1 << number
            for one in some:
                self._naming[one] = self._naming.get(one, 0) | 1 << number

    def met(self, values: Iterable[str]) -> int:
        """The rules that name one of these values, and those without the condition."""
        found = self._silent
        for one in values:
            found |= self._naming.get(one, 0)
        return found

    def named(self, value: str) -> int:
        """The rules that name this value."""
        return self._naming.get(value, 0)

    def fits(self, command: str) -> int:
        """The same, where what the rules name are patterns of commands."""
        return self.met(one for one in self._naming if fnmatchcase(command, one))


@dataclass(slots=True)
class _Name:
    """What rules want of an argument under one of its names, each text as what it stands for."""

    argument: Argument
    speaking: int = 0
    texts: dict[str, int] = field(default_factory=dict)
    truths: dict[bool, int] = field(default_factory=dict)
    parts: dict[str, int] = field(default_factory=dict)

    def add(self, bit: int, wanted: Wanted) -> None:
        self.speaking |= bit
        if isinstance(wanted, bool):
            self.truths[wanted] = self.truths.get(wanted, 0) | bit
            return
        text = self.argument.folded(str(wanted))
        if not self.argument.is_list or not text:
            self.texts[text] = self.texts.get(text, 0) | bit
        for part in text.split() if self.argument.is_list else ():
            self.parts[part] = self.parts.get(part, 0) | bit

    def held(self, given: str) -> int:
        """The rules that want nothing else than this. See `Argument.holds`."""
        argument = self.argument
        text = argument.folded(given or argument.default)
        held = self.texts.get(text, 0) | self.truths.get(argument.holds(given, True), 0)  # noqa: FBT003
        missing = 0
        parts = set(text.split()) if self.parts else set()
        for part, naming in self.parts.items():
            held |= naming
            missing |= 0 if part in parts else naming
        return ~self.speaking | held & ~missing


class OneCommand:
    """The rules about one command, as sets."""

    def __init__(self, rules: Sequence[Rule], fitting: int, effects: Condition, guarded: Guarded):
        self._rules, self._fitting, self._effects = rules, fitting, effects
        self._names: dict[str, _Name] = {}
        self._held: dict[tuple[str, ...], int] = {}
        self._budgets = self._looking = 0  # those that hang on more than who asks where
        for number in bits(fitting):
            rule = rules[number]
            self._budgets |= isinstance(rule, BudgetRule) << number
            self._looking |= (bool(rule.match.arguments) or isinstance(rule, BudgetRule)) << number
            for name, wanted in rule.match.arguments.items():
                if name not in self._names:
                    own = called(name, guarded.arguments) or Argument(name, frozenset({name}))
                    self._names[name] = _Name(own)
                self._names[name].add(1 << number, wanted)

    def counting(self, effect: Effect, around: int, asking: Callable[[], Request]) -> int:
        """Those that count, as `Rule.matches` says of each.

        `around` are those that count by who asks where; the request itself is made only where
        something hangs on more.
        """
        found = around & self._fitting & self._effects.met((effect.name.lower(),))
        if not found & self._looking:
            return found
        request = asking()
        found &= self._holding(request)
        for number in bits(found & self._budgets):
            if not self._rules[number].matches(request):
                found &= ~(1 << number)
        return found

    def _holding(self, request: Request) -> int:
        """Those whose arguments hold for what was given."""
        given = tuple(
            request.task
            if one.argument.is_machine
            else request.arguments.get(one.argument.name, "")
            for one in self._names.values()
        )
        if given not in self._held:
            held = -1  # all
            for one, text in zip(self._names.values(), given, strict=True):
                held &= one.held(text)
            self._held[given] = held
        return self._held[given]


class RuleSets:
    """The rules of a policy as sets, by what can be asked."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._rules = rules
        matches = [rule.match for rule in rules]
        self._commands = Condition([one.command for one in matches])
        self._effects = Condition([one.effect for one in matches])
        self._places = tuple(
            (name, Condition([getattr(one, name) for one in matches]))
            for name in ("node", "channel", "person")
        )
        self._groups = Condition([one.group for one in matches])
        self._over = Condition([one.over for one in matches])

    @staticmethod
    def where(holds: Iterable[bool]) -> int:
        """The rules of which this holds, given for each in their order."""
        return sum(1 << number for number, one in enumerate(holds) if one)

    def about(self, command: str, guarded: Guarded) -> OneCommand:
        """Those about a command."""
        return OneCommand(self._rules, self._commands.fits(command), self._effects, guarded)

    def around(self, asked: Request) -> int:
        """Those that count by who asks where and about which node, whatever is asked."""
        found = self._groups.met(asked.groups | asked.closed) & self._over.met(asked.over)
        for name, condition in self._places:
            found &= condition.met((getattr(asked, name),))
        return found

    def beside(self, rule: Rule) -> int:
        """Those that may count for one request together with a rule, as far as ids tell."""
        found = -1  # all
        for name, condition in self._places:
            if mine := getattr(rule.match, name):
                found &= condition.met(mine)
        return found
