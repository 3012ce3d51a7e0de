"""The table's vocabulary: groups, rows, and the look-ups that derive from them.

The rows themselves stand in the groups' own files; `bot.commands.rows` gathers them.
"""

import inspect
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from bot.errors import BotError
from bot.folding import plain
from bot.language.args import NODE_OPTION
from bot.language.chinese import ALONE, GROUPS
from bot.language.row_parts import Follow, Foreseen, Listing, Moot, Wording, said
from bot.language.signature import Signature
from bot.language.traditional import simplified
from bot.messages.cards import Subject, asked, doing
from bot.messages.facts import OF_MACHINES, STATE, WHY, FactKind, Kinds
from bot.messages.question import Losses
from bot.model import (
    MACHINE_GOALS,
    VERBS_OF_MACHINES,
    Deed,
    Effect,
    Fact,
    Filing,
    Goal,
    TakesGpus,
)
from bot.reply import Given, Line, Phrase, Reply, Text, Words

_LONGEST_TITLE = 24  # Slack's limit for a view's title
BY_ACTOR = "actor"  # among the names of `Command.alike`

Function = Callable[..., Awaitable[Reply | None]]
EffectOf = Callable[[Mapping[str, str]], Effect]
LossesOf = Callable[[Mapping[str, str]], Losses]
Check = Callable[[Mapping[str, str]], object]
Look = Callable[..., Awaitable[Mapping[str, str]]]
Doubt = Callable[..., Awaitable[bool]]
Verify = Callable[..., Awaitable[None]]
Foresight = Callable[..., Awaitable[Foreseen]]
Explanation = Callable[..., Awaitable[BotError | None]]
_ABBREVIATIONS = frozenset({"vm", "lan"})


@dataclass(frozen=True, slots=True)
class Command(Signature):
    """One row. The function's signature is the argument list, its docstring's first line the help.

    `asks` is the card's question; names that it leaves open are those of what is known
    (`cards.asked`), and
    `loses` what the card says will be lost, for what needs a review. These and `effect` may depend
    on the typed arguments. `form` marks a command that is a form by nature. `look` takes the
    function's arguments and reads what must be known before anything is asked or sent: it raises a
    BotError where DBC would refuse or, worse, would not, and gives facts; under a parameter's name,
    what is sent where that was left out. A review shows, and compares before the run, all
    arguments, those of the facts that are in `facts`, what `shows` reads, which is called like
    `look` for a review alone, and what it `reads` of the machine itself.
    `check` looks at all texts together before anything is recorded and raises a BotError. `verify`
    does so with what is known here (services, person, texts); it asks nobody. `opens` raises one
    where its form can only fail (services, person, place): there is nothing to choose. `present`
    reads what the machine that is given is like now, by parameter, for the form. `example` is a
    whole line without the slash command. `doubts` tells whether the texts look as if something else
    was meant, of what would run at once: it is asked to confirm then. `foresees` is called like
    `look` and after it, and tells what a node would refuse of it now. A dry run shows all of that;
    before it is sent, what a node would surely refuse is refused here, and what asks for caution is
    asked about. `warns` is like it, of what no node has to tell: what it finds is told whatever
    becomes of the rest. `explains` is called with a failure once its end is stored: it may find out
    more for whoever requested it, and offer buttons. `moot`: in that state of its machine nobody is
    asked for it. `unanswered`: what is over with DBC's answer is followed like this where the
    answer got lost. `repeated` tells whether an error, with what is known, is also the answer to
    the same request once more: where its effect shows, it is followed, for something on the way
    sent it twice.
    `alike` names the parameters that say what it makes: a second request in which they agree is
    pointed out while nobody knows the end of the first. With BY_ACTOR, only the same person's.
    `deed` is what it does, where that matters to who looks for its end. `synonyms` and `chinese`
    are other words for its verb, the usual one first. `removes`: what it is given is gone
    afterwards. `lists`: it is the list of these. `details`: it shows one of these, which is what
    buttons and other words of it lead to. `takes_gpus`: when it can make a machine hold more GPUs
    than before: budgets count it then. `spans_nodes`: it takes no node, and shows something of
    each. `begins`: without it nobody gets anywhere, so rules that deny it lock people out.
    `on_node`: what is meant where a node is named, which it does not take.
    `is_open`: guests, too, may use it, since it shows nothing of any machine. `needs_session`: it
    is refused to who has no session, though others of its group are not. `is_personal`: it is about
    whoever requests it, so two people never request the same. `at_once`: it waits for no other
    change of its machine, for it is what helps in an emergency, or touches no machine.
    `is_kept_here`: what it changes is the bot's own, and DBC gets nothing. `ends_itself`: it stores
    its end with what it changes, so what was interrupted has done nothing. `does` titles its form:
    `Create a machine`. `button` is what its button says, where the verb has no usual word for that
    (`forms`).
    """

    verb: str
    run: Function
    effect: Effect | EffectOf = Effect.READ
    example: str = ""
    form: bool = False
    check: Check | None = None
    verify: Verify | None = None
    opens: Verify | None = None
    look: Look | None = None
    present: Look | None = None
    doubts: Doubt | None = None
    warns: Foresight | None = None
    foresees: Foresight | None = None
    shows: Look | None = None
    moot: Moot | None = None
    explains: Explanation | None = None
    facts: Kinds = field(default_factory=dict, hash=False)
    reads: tuple[str, ...] = (STATE,)
    asks: Wording = ""
    loses: Wording | LossesOf = ""
    follow: Follow | None = None
    unanswered: Follow | None = None
    repeated: Callable[[BotError, Mapping[str, str]], bool] | None = None
    alike: tuple[str, ...] = ()
    deed: Deed = field(default_factory=Deed)
    synonyms: tuple[str, ...] = ()
    chinese: str = ""
    removes: bool = False
    lists: Listing | None = None
    details: Listing | None = None
    takes_gpus: TakesGpus | None = None
    spans_nodes: bool = False
    begins: bool = False
    on_node: str = ""
    is_open: bool = False
    needs_session: bool = False
    is_personal: bool = False
    at_once: bool | Callable[[Mapping[str, str]], bool] = False
    is_kept_here: bool = False
    ends_itself: bool = False
    does: Wording = ""
    button: Text = ""
    group: str = ""

    def __post_init__(self) -> None:
        self._take(self.run)

    @property
    def id(self) -> str:
        """`vm.restart`: names the command for ever, also in the ledger."""
        return f"{self.group}.{self.verb}" if self.group else self.verb

    @property
    def title(self) -> str:
        """`vm restart`."""
        return f"{self.group} {self.verb}".strip()

    @property
    def in_chinese(self) -> tuple[str, ...]:
        """The Chinese words for its verb."""
        return tuple(self.chinese.split())

    @property
    def called(self) -> Text:
        """`Restart a machine`, in a sentence about a request; its title where nothing else is."""
        return self.called_with({})

    def called_with(self, known: Mapping[str, str]) -> Text:
        """The same of a request of which so much is known: `Force-restart a machine`."""
        return said(self.does, known) or self.title

    @property
    def heading(self) -> str:
        """`VM restart`, where a sentence begins with it."""
        group, _, verb = self.title.partition(" ")
        first = group.upper() if group in _ABBREVIATIONS else group.capitalize()
        return f"{first} {verb}".rstrip()

    @property
    def help(self) -> Phrase:
        """One sentence, which the catalogue has, too (`bot.cli.catalogue`)."""
        return Phrase((inspect.getdoc(self.run) or "").partition("\n")[0])

    @property
    def usage(self) -> str:
        """`vm restart <machine> [force]`."""
        shown = [
            "|".join(
                [p.usage, *(one.bare_usage for one in self.parameters if one.arg.instead == p.name)]
            )
            for p in self.parameters
            if not self.is_node_option(p) and not p.arg.kind.is_secret and not p.arg.instead
        ]
        if any(self.is_node_option(p) for p in self.parameters):
            shown.append("[on <node>]")
        return " ".join([self.title, *shown])

    @property
    def asks_first(self) -> bool:
        """Whether a node may refuse what was given before it is carried out, or a secret."""
        return self.look is not None or bool(self.secrets)

    def spoken(self, sentence: Text) -> Text:
        """The sentence with DBC's names of fields said as the form says them."""
        if isinstance(sentence, Phrase):
            return replace(
                sentence, given=tuple((key, self._spoken(key, one)) for key, one in sentence.given)
            )

        def label(match: re.Match[str]) -> str:
            parameter = self.parameter(match[0].removeprefix("new_"))
            return str(parameter.arg.label) if parameter else match[0]

        return re.sub(r"^[a-z]\w*|\b\w+_\w+\b", label, sentence)

    def _spoken(self, key: str, value: Given) -> Given:
        """What a sentence is filled in with; a name of a field is called so: `field`, `field_2`."""
        if not key.startswith("field") or not isinstance(value, str):
            return value
        parameter = self.parameter(value.removeprefix("new_"))
        return parameter.arg.label if parameter else value

    def effect_of(self, values: Mapping[str, str]) -> Effect:
        """What it does with these arguments."""
        return self.effect if isinstance(self.effect, Effect) else self.effect(values)

    def skips_queue(self, values: Mapping[str, str]) -> bool:
        """Whether it waits for no other change of its machine, with these arguments."""
        return self.at_once if isinstance(self.at_once, bool) else self.at_once(values)

    def asked(self, known: Mapping[str, str], subject: Subject) -> Line:
        """The card's question without its mark, of what is known: `Delete train-01 on gpu1`."""
        known = {**self.defaults, **known}
        kinds = self.kinds

        def told(name: str) -> Words:
            text = known.get(name, "")
            return kinds[name].said(text) if name in kinds and text else text

        return asked(said(self.asks, known) or self.heading, told, subject)

    def brief(self, known: Mapping[str, str], subject: Subject) -> Line:
        """What was requested, in few words: `Restart train-01 on gpu1`."""
        asks = said(self.asks, {**self.defaults, **known})
        if isinstance(asks, Phrase) and asks.open and asks.open <= {"target", "label", "node"}:
            named = bool(subject.label) or asks.open == {"node"}
            if named and (subject.node_label or "node" not in asks.open):
                return asked(asks, str, subject)
        return doing(self.called_with(known), subject)

    def lost(self, known: Mapping[str, str], shown: Mapping[str, Fact]) -> Losses:
        """What the card says will be lost, by what it is told and by what is `shown` of it.

        What could not be read counts for nothing, whatever was seen before.
        """
        if isinstance(self.loses, str | Phrase):
            return self.loses
        read = {key: fact.text for key, fact in shown.items() if not fact.unread}
        return self.loses({**read, **known})

    @property
    def kinds(self) -> Kinds:
        """All facts that a review of it may show, by key."""
        given = {p.name: FactKind(p.arg.label, said=p.arg.said) for p in self.parameters}
        shown = {**OF_MACHINES, **{key: given[key] for key in given.keys() & {WHY}}}
        return {**given, **shown, **self.facts}

    @property
    def worst_effect(self) -> Effect:
        """The strongest effect that its flags can give it."""
        flags = {p.name: "true" for p in self.parameters if p.arg.kind.is_flag}
        return max(self.effect_of({}), self.effect_of(flags))


@dataclass(frozen=True, slots=True)
class Group:
    """A first word and its commands. The nameless group holds `help` and its like.

    `needs_session`: nobody can do anything with it who has no session for a node.
    """

    name: str
    help: Text
    commands: tuple[Command, ...]
    needs_session: bool = False


async def _gone(_ctx: object) -> None:
    """Do what only another version of the bot can do."""


def words_of(command: Command) -> tuple[str, ...]:
    """What stands for the command behind its group, the verb first."""
    return (command.verb, *command.synonyms, *command.in_chinese)


class Table:
    """All rows, checked: refuses duplicates and rows that say too little."""

    def __init__(self, groups: Sequence[Group]) -> None:
        self.groups = tuple(
            replace(g, commands=tuple(replace(c, group=g.name) for c in g.commands)) for g in groups
        )
        self._groups = {g.name: g for g in self.groups if g.name}
        self._deeds: dict[str, Deed] = {}  # as they were asked for
        self._by_id: dict[str, Command] = {}
        self._by_words: dict[tuple[str, str], Command] = {}
        self._listings: dict[Listing, str] = {}
        self._details: dict[Listing, Command] = {}
        for command in self:
            _check(command)
            for verb in words_of(command):
                if self._by_words.setdefault((command.group, verb), command) is not command:
                    raise ValueError(f"two commands are called {command.group} {verb}")
            self._by_id[command.id] = command
            if command.lists and self._listings.setdefault(command.lists, command.id) != command.id:
                raise ValueError(f"{command.id}: there is another list of {command.lists}")
            what = command.details
            if what and self._details.setdefault(what, command) is not command:
                raise ValueError(f"{command.id}: another command shows one of the {what}")

    def __iter__(self) -> Iterator[Command]:
        return (command for group in self.groups for command in group.commands)

    def __getitem__(self, command_id: str) -> Command:
        return self._by_id[command_id]

    def get(self, command_id: str) -> Command | None:
        """The row of that id, or None: an id that a former version wrote down may be gone."""
        return self._by_id.get(command_id)

    def spoken_of(self, command_id: str) -> Command:
        """The row of that id; for one that a former version wrote down, one to name it by."""
        group, _, verb = command_id.rpartition(".")
        return self._by_id.get(command_id) or Command(verb, _gone, group=group)

    def listing(self, what: Listing) -> str:
        """The command that lists these, by its id."""
        return self._listings[what]

    def details(self, what: Listing) -> Command:
        """The command that shows one of these."""
        return self._details[what]

    @property
    def deletions(self) -> frozenset[str]:
        """The commands after which their machine is gone, by their ids."""
        return frozenset(command.id for command in self if _deletes_a_machine(command))

    def filing(self, *what: Filing) -> list[str]:
        """The commands that do one of these with an image file, by their ids."""
        return [command.id for command in self if command.deed.filing in what]

    def deed(self, command_id: str) -> Deed:
        """What the command of that id does, also one that a former version wrote down."""
        row = self._by_id.get(command_id)
        if row is None:
            return Deed(verb=command_id.partition(".")[2], moves=True)  # for all that is known
        if (known := self._deeds.get(command_id)) is not None:
            return known
        stops = row.follow is not None and row.follow.stops is not None
        moves = row.follow is not None and row.follow.goal in MACHINE_GOALS - {Goal.SETTLED}
        verb = row.deed.verb or row.verb
        deed = replace(row.deed, verb=verb, stops=stops, moves=moves)
        return self._deeds.setdefault(command_id, deed)

    def find(self, group: str, verb: str) -> Command | None:
        """The row for two words, or None."""
        word = simplified(plain(group))
        return self._by_words.get((GROUPS.get(word, word), simplified(plain(verb))))

    def group(self, name: str) -> Group | None:
        """The group of that name, or None."""
        word = simplified(plain(name))
        return self._groups.get(GROUPS.get(word, word))

    def needs_session(self, command: Command) -> bool:
        """Whether it is refused to who has no session for its node."""
        group = self.group(command.group)
        return command.needs_session or (group is not None and group.needs_session)

    def needs_access(self, command: Command) -> bool:
        """Whether it can do nothing for who has a session for no such node: its form neither."""
        kinds = [p.arg.kind for p in command.parameters]
        is_of_nodes = any(kind.is_machine or kind.has_default or kind.is_metal for kind in kinds)
        return self.needs_session(command) and is_of_nodes

    def alone(self, verb: str) -> Command | None:
        """The one command that has this verb, whatever its group; None where several have it."""
        word = simplified(plain(verb))
        if (meant := self._by_id.get(ALONE.get(word, ""))) is not None:
            return meant
        found = [c for c in self if word in {c.verb, *c.in_chinese}]
        return found[0] if len(found) == 1 else None


def _check(command: Command) -> None:
    """Refuse a row that would leave a person guessing, or do unnoticed what is watched for."""
    for fault in (*_faults_of_words(command), *_faults_of_deeds(command)):
        raise ValueError(f"{command.id}: {fault}")


def _faults_of_words(command: Command) -> Iterator[str]:
    told = command.help.template
    if not told.endswith(".") or "{" in told:
        yield "the help text is a sentence with nothing to fill in"
    if not command.example.startswith(command.title):
        yield "the example is a whole line"
    if command.effect is not Effect.READ and not command.asks:
        yield "the card must say what is asked"
    if command.worst_effect >= Effect.DISRUPT and not command.loses:
        yield "the card must say what is lost"
    if command.facts.keys() & OF_MACHINES.keys() or not OF_MACHINES.keys() >= set(command.reads):
        yield "its facts are not those of machines, what it reads is"
    if len(str(said(command.does, {}))) > _LONGEST_TITLE:
        yield f"its form's title (does) has at most {_LONGEST_TITLE} characters"
    names = [name for p in command.parameters for name in p.spellings - {NODE_OPTION}]
    if len(names) != len(set(names)):
        yield "two parameters answer to one name"


def _faults_of_deeds(command: Command) -> Iterator[str]:
    if set(command.alike) - {BY_ACTOR, *(p.name for p in command.parameters)}:
        yield "what makes two requests alike are its parameters"
    if (command.unanswered is None) is not (command.deed.trace is None):
        yield "what shows it, where its answer got lost, is its trace"
    if command.takes_gpus is None and _may_take_gpus(command):
        yield "it must say when it takes GPUs, for budgets go by that"
    if _deletes_a_machine(command) and not command.removes:
        yield "its machine is gone afterwards, so it removes something"
    verb = command.deed.verb or command.verb
    if _is_done_to_a_machine(command) and verb not in VERBS_OF_MACHINES:
        yield "its deed must say what DBC calls it"


def _is_done_to_a_machine(command: Command) -> bool:
    """Whether the machine's own state tells the end, also where the answer got lost."""
    follow = command.follow
    return follow is not None and follow.goal in MACHINE_GOALS and not command.deed.only_looks


def _deletes_a_machine(command: Command) -> bool:
    return command.follow is not None and command.follow.goal is Goal.GONE


def _may_take_gpus(command: Command) -> bool:
    """Whether a machine may run afterwards that did not before, or have other GPUs."""
    deed, follow = command.deed, command.follow
    runs = follow is not None and follow.goal is Goal.RUNNING
    has_number = any(p.name == "gpu" for p in command.parameters)
    is_change = command.worst_effect is not Effect.READ
    return is_change and (runs or has_number or deed.makes_machine or deed.brings_up)
