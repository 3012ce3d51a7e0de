"""One text for everything that means the same: `64G`, `064` and `64`, `RESET` and `reset`.

Lines, forms, the ledger (and with it what a review covers) and the site's rules all go by it.
"""

from collections.abc import Iterator, Mapping
from functools import cache, partial
from itertools import product
from types import MappingProxyType

from bot.dbc.fields import own_task_id
from bot.errors import refuse_all
from bot.language.args import OPTIONS, Option, Parameter
from bot.language.table import Command, Table
from bot.model import Effect, TakesGpus
from bot.reviews.policy import is_unruled
from bot.reviews.rule_arguments import Argument, Guarded, Known

_task_id = partial(own_task_id, field="a machine's id")

_BY_NODE = 'it has several names; `match` says which is meant by its id: node = "…"'


def canonical(command: Command, values: Mapping[str, str]) -> dict[str, str]:
    """The texts as the ledger has them; a flag that is off is left out.

    Raises Refused with the field for a text that cannot be, Faults for several.
    """
    taken: list[Parameter | Option] = [*command.parameters, *options_of(command)]
    texts: dict[str, str] = {}

    def take(one: Parameter | Option) -> None:
        texts[one.name] = one.arg.canonical(one.name, values[one.name])

    refuse_all(partial(take, one) for one in taken if one.name in values)
    flags = {one.name for one in taken if one.arg.kind.is_flag}
    found = {name: texts.get(name, text) for name, text in values.items()}
    return {name: text for name, text in found.items() if text or name not in flags}


def options_of(command: Command) -> list[Option]:
    """Everyone's options, without those whose name the command has for something of its own."""
    return [option for option in OPTIONS if command.parameter(option.name) is None]


@cache
def known_arguments(commands: Table) -> Known:
    """What rules may say of each command and its arguments, by its id."""
    known = {
        command.id: Guarded(
            arguments=(
                *(_argument(one) for one in command.parameters if not one.arg.kind.is_secret),
                *(_option(one) for one in options_of(command)),
            ),
            effects=partial(_effects, command),
            is_free=is_unruled(command.id),
            has_node=any(one.arg.kind.is_target for one in command.parameters),
            lists_nodes=command.spans_nodes,
            begins=command.begins,
            takes_gpus=command.takes_gpus or TakesGpus.NEVER,
        )
        for command in commands
    }
    return MappingProxyType(known)  # one for all who ask


def _effects(command: Command, given: Mapping[str, str]) -> frozenset[Effect]:
    """All that it may do, whatever is given for its other arguments."""
    if isinstance(command.effect, Effect):
        return frozenset({command.effect})
    names = [one.name for one in command.parameters]
    return frozenset(
        command.effect_of({name: text for name, text in zip(names, texts, strict=True) if text})
        for texts in product(*(tuple(_texts(one, given)) for one in command.parameters))
    )


def _texts(parameter: Parameter, given: Mapping[str, str]) -> Iterator[str]:
    """What may stand for it, as far as an effect may depend on it."""
    if parameter.name in given:
        yield given[parameter.name]
        return
    yield ""
    yield from parameter.arg.choices or ("true",)


def _argument(parameter: Parameter) -> Argument:
    arg, default = parameter.arg, parameter.default
    read = _task_id if arg.kind.is_machine else partial(arg.canonical, parameter.name)
    return Argument(
        name=parameter.name,
        spellings=parameter.spellings,
        canonical=read,
        default="" if default in {None, (), ""} else read(str(default)),
        is_list=arg.kind.is_list,
        is_machine=arg.kind.is_machine,
        instead=_BY_NODE if arg.kind.is_node else "",
        is_required=parameter.required,
        choices=arg.choices or ("true",) * arg.kind.is_flag,
    )


def _option(option: Option) -> Argument:
    read = partial(option.arg.canonical, option.name)
    return Argument(option.name, frozenset({option.name}), read)
