"""What a command takes: the parameters of its function, and the look-ups that derive from them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from bot.folding import fold
from bot.language.args import Parameter, parameters
from bot.language.traditional import simplified


@dataclass(frozen=True, slots=True)
class Signature:
    """The parameters of a command, in their order."""

    parameters: tuple[Parameter, ...] = field(init=False)
    _spelled: Mapping[str, Parameter] = field(init=False, repr=False, compare=False)

    def _take(self, run: Callable[..., object]) -> None:
        taken = parameters(run)
        object.__setattr__(self, "parameters", taken)
        # Each line asks for it dozens of times. Of two that are spelled alike the first counts.
        spelled = {key: one for one in reversed(taken) for key in one.spellings}
        object.__setattr__(self, "_spelled", spelled)

    @staticmethod
    def is_node_option(parameter: Parameter) -> bool:
        """Whether a parameter says on which node something is done: `on <node>`."""
        return parameter.arg.kind.has_default and not parameter.arg.positional

    @property
    def has_default_node(self) -> bool:
        """Whether a node may be meant that is not named."""
        return any(p.required and p.arg.kind.has_default for p in self.parameters)

    @property
    def node_option(self) -> Parameter | None:
        """The parameter for the node on which it acts, with a session for it: `on <node>`."""
        return next((p for p in self.parameters if self.is_node_option(p)), None)

    @property
    def secrets(self) -> frozenset[str]:
        """The parameters that take a secret, by name."""
        return frozenset(p.name for p in self.parameters if p.arg.kind.is_secret)

    @property
    def defaults(self) -> Mapping[str, str]:
        """The texts that stand for what is left out."""
        return {
            p.name: p.arg.canonical(p.name, str(p.default))
            for p in self.parameters
            if p.default not in {None, (), ""} and p.default is not False
        }

    @property
    def target(self) -> Parameter | None:
        """The parameter that says to which machine or node it is done."""
        machines = [p for p in self.parameters if p.arg.kind.is_machine]
        nodes = [p for p in self.parameters if p.arg.kind.is_node]
        return next(iter([*machines, *nodes]), None)

    def parameter(self, key: str) -> Parameter | None:
        """The parameter that `key=` means."""
        return self._spelled.get(simplified(fold(key)).replace("-", "_"))

    def missing(self, values: Mapping[str, str]) -> list[Parameter]:
        """Required parameters without a value. Nodes have defaults, so they are never missing."""
        given = {p.arg.instead for p in self.parameters if values.get(p.name)}
        return [
            p
            for p in self.parameters
            if p.required
            and not p.arg.kind.has_default
            and not values.get(p.name)
            and p.name not in given
        ]

    def has_instead(self, name: str) -> bool:
        """Whether another argument may be given in the place of this one."""
        return any(p.arg.instead == name for p in self.parameters)
