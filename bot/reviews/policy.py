"""The site's rules: who may ask for what, and what review it needs. Pure decisions.

Every rule that matches counts, and the stricter wins: a denial over everything, more approvals
over fewer, a shorter expiry over a longer one. So their order means nothing, and a rule more never
lessens a review. Only `self_approval` and `break_glass` give something, and only where every rule
that speaks of them agrees. What is decided without any rule are the defaults.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import StrEnum
from fnmatch import fnmatchcase
from functools import partial
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PrivateAttr,
    ValidationInfo,
    field_validator,
)

from bot.errors import Refused
from bot.ids import ChannelId, NodeId, TaskId, UserId
from bot.model import Effect, TakesGpus
from bot.reply import say
from bot.reviews import patterns
from bot.reviews.policy_values import (
    AuditSettings,
    BreakerSettings,
    Budget,
    Channels,
    DoctorSettings,
    FreezeSettings,
    Groups,
    LimitSettings,
    Nodes,
    OrderSettings,
    OutageSettings,
    People,
    Persons,
    Span,
    Strict,
    Texts,
    as_tuple,
)
from bot.reviews.rule_arguments import Argument, Known, Wanted, called, faults

# To see what waits, to take one's own request back and to be helped needs nobody's leave.
_FREE = re.compile(r"approval\..*|help")
# Who may do these is said in a table of its own: nothing else counts, and none waits for approval.
_BY_TABLE = {"freeze": "freeze", "unfreeze": "freeze", "doctor": "doctor"}
_CLOSED = (
    "(Slack does not say who is in a user group of this rule: the group is disabled or gone, or "
    "Slack gives no answer. So the rule counts for whoever may be in it.)"
)
GROWTH = "gpu growth"  # a fact: how many GPUs more the machine would hold; none where not read
EFFECTS = {effect.name.lower(): effect for effect in Effect}
_OF_THE_STRICTEST = ("approvals", "denials", "expires", "self_approval", "type_name")
_DEFAULT = "(default)"  # how the defaults are named where rules are
OF_BUDGETS = "budget:"  # how the names of the budgets' own rules begin
_LONGEST_NAME, _LONGEST_SENTENCE = 80, 1000  # characters: both stand on cards
DEFAULTED = ("change", "disrupt", "destroy")  # effects that have a default review


def _pattern(value: object) -> object:
    if isinstance(value, str) and (why := patterns.fault(value)):
        raise ValueError(f"is no regular expression that can be used (RE2): {why}")
    return value


def _name(value: str) -> str:
    if value == _DEFAULT:
        raise ValueError("is how the defaults are called: choose another name")
    if _has_controls(value) or len(value) > _LONGEST_NAME:
        raise ValueError(f"is one line of at most {_LONGEST_NAME} characters")
    return value


def _sentence(value: str) -> str:
    # PostgreSQL and Slack take no NUL, and nobody reads the others.
    if _has_controls(value.replace("\n", " ")) or len(value) > _LONGEST_SENTENCE:
        raise ValueError(f"has no control characters, and at most {_LONGEST_SENTENCE} characters")
    return value


def _has_controls(text: str) -> bool:
    return any(unicodedata.category(char) == "Cc" for char in text)


Pattern = Annotated[str, BeforeValidator(_pattern)]


class Review(Strict):
    """What a command needs before it runs.

    `approvers` narrows who may approve beyond "entitled to the node"; each of several rules must
    be met. `reason` is a pattern that the requester's reason must match (`".+"`: any). `remind`:
    when who could decide is first reminded; the pauses grow from there. `type_name`: an approver
    has to type the machine's description or id. `break_glass`: who may run it at once, with a
    reason, to be reviewed later.
    """

    approvals: Annotated[int, Field(ge=0, le=20)] = 0
    confirm: bool = False
    denials: Annotated[int, Field(ge=1, le=20)] | None = None
    self_approval: bool | None = None
    approvers: People | None = None
    reason: Pattern | None = None
    expires: Span | None = None
    remind: Span | None = None
    type_name: bool = False
    break_glass: People | None = None


class Match(Strict):
    """When a rule counts: every given condition has to hold. Patterns: `vm.*`, `*.delete`."""

    command: Texts = ()
    effect: Texts = ()
    arguments: Mapping[str, Wanted] = {}
    node: Nodes = ()
    channel: Channels = ()
    person: Persons = ()
    group: Groups = ()
    over: Texts = ()  # budgets, one of which is spent
    _known: Known = PrivateAttr(default_factory=dict)

    def model_post_init(self, context: Any) -> None:
        """Keep what the table says of arguments: each command has its own names for them."""
        self._known = (context or {}).get("commands") or {}

    @field_validator("command")
    @classmethod
    def _known_commands(cls, value: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        known = (info.context or {}).get("commands", ())
        for pattern in value if known else ():
            if not any(fnmatchcase(command, pattern) for command in known):
                raise ValueError(f"“{pattern}” fits no command, so the rule would guard nothing")
        return value

    @field_validator("arguments")
    @classmethod
    def _known_arguments(
        cls, value: Mapping[str, Wanted], info: ValidationInfo
    ) -> Mapping[str, Wanted]:
        known: Known = (info.context or {}).get("commands") or {}
        patterns = info.data.get("command", ())
        matched = [one for one in known if _any(patterns, partial(fnmatchcase, one))]
        if matched and (found := list(faults(value, matched, known))):
            raise ValueError("; it ".join(found))
        return value

    @field_validator("effect")
    @classmethod
    def _known_effects(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for effect in value:
            if effect not in EFFECTS:
                raise ValueError(f"is one of {', '.join(EFFECTS)}, not “{effect}”")
        return value

    def has_arguments(self, request: "Request") -> bool:
        """Whether what was given for the arguments is what this wants, however it was written."""
        guarded = self._known.get(request.command)
        known = guarded.arguments if guarded is not None else ()
        for name, wanted in self.arguments.items():
            argument = called(name, known) or Argument(name, frozenset({name}))
            given = request.arguments.get(argument.name, "")
            if not argument.holds(request.task if argument.is_machine else given, wanted):
                return False
        return True


class Rule(Review):
    """One rule of the file: `match`, and either a denial with its sentence or a review."""

    name: Annotated[str, Field(min_length=1), AfterValidator(_name)]
    match: Match
    deny: Annotated[str, AfterValidator(_sentence)] = ""

    def matches(self, request: "Request") -> bool:
        """Whether it counts for `request`: also where nobody can tell who is in its group."""
        return self._fits_but_for_groups(request) and _any(
            self.match.group, (request.groups | request.closed).__contains__
        )

    def groups_about(self, request: "Request") -> tuple[str, ...]:
        """The groups on which it hangs whether it counts for `request`; empty where none does."""
        return self.match.group if self._fits_but_for_groups(request) else ()

    def hangs_on_budgets(self, request: "Request") -> bool:
        """Whether it counts for `request` only once a budget is spent."""
        spent = replace(request, over=frozenset(self.match.over))
        matters = self.deny or request.effect is not Effect.READ
        return bool(self.match.over and matters) and self._fits_but_for_groups(spent)

    def counting(self, request: "Request") -> "Rule":
        """It, as it counts for `request`: gives nothing where it may not be meant."""
        if not self.match.group or any(one in request.groups for one in self.match.group):
            return self
        closed = {
            "self_approval": None if self.self_approval is None else False,
            "break_glass": None if self.break_glass is None else People(),
            "denials": None if self.denials is None else 1,
            "deny": f"{self.deny} {_CLOSED}" if self.deny else "",
        }
        return self.model_copy(update=closed)

    def _fits_but_for_groups(self, request: "Request") -> bool:
        match = self.match
        return (
            _any(match.command, lambda p: fnmatchcase(request.command, p))
            and _any(match.effect, lambda e: EFFECTS[e] is request.effect)
            and _any(match.node, request.node.__eq__)
            and _any(match.channel, request.channel.__eq__)
            and _any(match.person, request.person.__eq__)
            and _any(match.over, request.over.__contains__)
            and match.has_arguments(request)
        )


def _any(wanted: tuple[str, ...], fits: object) -> bool:
    return not wanted or any(fits(one) for one in wanted)  # type: ignore[operator]


class BudgetRule(Rule):
    """What a budget that is spent asks for: approval of whatever makes its cost grow."""

    _where_given: frozenset[str] = PrivateAttr(default=frozenset())

    @classmethod
    def of(cls, budget: Budget, known: Known) -> "BudgetRule":
        """The rule of a budget; where no command is known to take GPUs, every change counts."""
        takes = {name: one.takes_gpus for name, one in known.items()}
        match = Match(
            command=tuple(name for name, when in takes.items() if when is not TakesGpus.NEVER),
            effect=DEFAULTED,
            person=budget.person,
            channel=budget.channel,
            over=(budget.name,),
        )
        rule = cls(name=f"{OF_BUDGETS} {budget.name}", match=match, approvals=budget.approvals)
        rule._where_given = frozenset(
            name for name, when in takes.items() if when is TakesGpus.WHERE_GIVEN
        )
        return rule

    def _fits_but_for_groups(self, request: "Request") -> bool:
        gpus = request.arguments.get("gpu", "")
        if "0" in (gpus, request.arguments.get(GROWTH)):
            return False
        if not gpus and request.command in self._where_given:
            return False
        return super()._fits_but_for_groups(request)


class Defaults(Strict):
    """What counts for each effect without any rule."""

    change: Review = Review()
    disrupt: Review = Review(confirm=True)
    destroy: Review = Review(approvals=1)


class Expectation(Strict):
    """What the rules shall decide for a line, beside them in the file: `policy test` looks.

    The bot itself takes no notice of it. `by` are rules that must be among those that count.
    """

    ask: Annotated[str, Field(min_length=1)]  # as for `policy check`: "U1 in C2: vm delete x"
    node: NodeId = NodeId("")
    groups: Groups = ()
    expect: Literal["runs", "confirm", "approve", "denied", "reason"]
    approvals: int | None = None
    break_glass: bool | None = None
    by: Texts = ()
    over: Texts = ()  # budgets that are spent then


class Policy(Strict):
    """The whole file. Without a file: the defaults."""

    defaults: Defaults = Defaults()
    rule: Annotated[tuple[Rule, ...], BeforeValidator(as_tuple)] = ()
    audit: AuditSettings = AuditSettings()
    freeze: FreezeSettings = FreezeSettings()
    doctor: DoctorSettings = DoctorSettings()
    breaker: BreakerSettings = BreakerSettings()
    limits: LimitSettings = LimitSettings()
    test: Annotated[tuple[Expectation, ...], BeforeValidator(as_tuple)] = ()
    orders: OrderSettings = OrderSettings()
    outages: OutageSettings = OutageSettings()
    budget: Annotated[tuple[Budget, ...], BeforeValidator(as_tuple)] = ()
    _of_budgets: tuple[Rule, ...] = PrivateAttr(default=())

    def model_post_init(self, context: Any) -> None:
        """Make the rules of the budgets."""
        known: Known = (context or {}).get("commands") or {}
        self._of_budgets = tuple(BudgetRule.of(one, known) for one in self.budget)

    @property
    def rules(self) -> tuple[Rule, ...]:
        """All rules, those of the budgets among them."""
        return (*self.rule, *self._of_budgets)

    def only(self, counts: "Callable[[Rule], bool]") -> "Policy":
        """The same without the rules that do not count, such as for a node that is settled."""
        narrower = self.model_copy(update={"rule": tuple(filter(counts, self.rule))})
        narrower._of_budgets = tuple(filter(counts, self._of_budgets))  # noqa: SLF001 - one's own
        return narrower

    @property
    def glass(self) -> tuple[People, ...]:
        """Whom the defaults and each rule let break the glass; nobody where none is given."""
        defaults = (self.defaults.change, self.defaults.disrupt, self.defaults.destroy)
        return tuple(one.break_glass for one in (*defaults, *self.rules) if one.break_glass)

    def table_of(self, command: str) -> tuple[str, People] | None:
        """The table that alone says who may use a command, and whom it names; None for others."""
        table = _BY_TABLE.get(command)
        return None if table is None else (table, getattr(self, table).people)

    def groups_about(
        self, request: "Request", *, glass: bool = False, denials: bool = False
    ) -> frozenset[str]:
        """The user groups that must be known to decide on `request`.

        `glass`: whether the glass may be broken matters. `denials`: nothing but denials does.
        """
        if is_unruled(request.command):
            return frozenset()
        rules = [rule for rule in self.rules if rule.deny] if denials else self.rules
        found = {group for rule in rules for group in rule.groups_about(request)}
        if glass and request.effect is not Effect.READ:
            reviews: list[Review] = [getattr(self.defaults, request.effect.name.lower()), *rules]
            found |= {g for one in reviews if one.break_glass for g in one.break_glass.groups}
        return frozenset(found)


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked, by ids. `groups` are the user groups of `person`, as far as they matter.

    `closed` are those of which nobody can tell: they are gone, disabled, or Slack does not say.
    Their rules count, and give nothing. `task` is the machine's id, `over` names the budgets that
    are spent.
    """

    person: UserId
    channel: ChannelId
    command: str
    effect: Effect
    arguments: Mapping[str, str]
    node: NodeId = NodeId("")
    groups: frozenset[str] = frozenset()
    closed: frozenset[str] = frozenset()
    task: TaskId = TaskId("")
    over: frozenset[str] = frozenset()


class DecisionKind(StrEnum):
    """What comes of a request by the rules."""

    RUN = "run"
    CONFIRM = "confirm"  # by the requester
    APPROVE = "approve"  # by others
    DENY = "deny"


@dataclass(frozen=True, slots=True)
class Decision:
    """What the rules say. `rules` name those that counted, the defaults as `(default)`.

    With APPROVE: `approvals` people are needed, `denials` end it, every one of
    `approvers` must contain an approver, `reasons` must all match. `says` names the rules that say
    what counts, by key: of several approvals, the one that wants the most.
    """

    kind: DecisionKind
    why: str = ""
    rules: tuple[str, ...] = ()
    approvals: int = 0
    denials: int = 1
    self_approval: bool = False
    approvers: tuple[People, ...] = ()
    reasons: tuple[str, ...] = ()
    expires: timedelta | None = None
    remind: timedelta | None = None
    type_name: bool = False
    break_glass: bool = False
    glass: tuple[People, ...] = field(default=(), compare=False)  # each has to have who breaks it
    says: Mapping[str, tuple[str, ...]] = field(default_factory=dict, compare=False)
    spent: tuple[str, ...] = field(default=(), compare=False)  # budgets, by which rules counted

    def check_reason(self, reason: str) -> None:
        """Raise Refused when the rules want a (better) reason."""
        if self.reasons and not reason:
            raise Refused(
                say("A reason is needed for this."), hint=say('Add it: reason="…"'), field="reason"
            )
        for pattern in self.reasons:
            if not patterns.is_found(pattern, reason):
                raise Refused(
                    say("The reason must match “{pattern}”.", pattern=pattern),
                    hint=say('Say it: reason="…"'),
                    field="reason",
                )

    def takes(self, reason: str) -> bool:
        """Whether the rules are content with this reason."""
        return all(reason and patterns.is_found(pattern, reason) for pattern in self.reasons)

    def runs(self, reason: str, *, alike: bool) -> bool:
        """Whether it runs at once; not where one `alike` is in progress."""
        return self.kind is DecisionKind.RUN and not alike and self.takes(reason)

    def may_approve(self, person: UserId, groups: Iterable[str]) -> bool:
        """Whether the rules let this person approve; entitlement to the node is another matter."""
        groups = tuple(groups)
        return all(people.has(person, groups) for people in self.approvers)


def is_free(command: str) -> bool:
    """Whether a command, by its id, needs nobody's leave: no rule counts for it."""
    return _FREE.fullmatch(command) is not None


def is_unruled(command: str) -> bool:
    """Whether no rule counts for a command, by its id: it is free, or has people of its own."""
    return is_free(command) or command in _BY_TABLE


def decide(policy: Policy, request: Request) -> Decision:
    """What the rules say of `request`. What only reads is denied or runs: nobody reviews it."""
    if is_unruled(request.command):
        return Decision(DecisionKind.RUN, rules=(_DEFAULT,))
    return decide_by(policy, [rule for rule in policy.rules if rule.matches(request)], request)


def decide_by(policy: Policy, matching: Iterable[Rule], request: Request) -> Decision:
    """The same, where it is known which rules match."""
    rules = [rule.counting(request) for rule in matching]
    names = (_DEFAULT, *(rule.name for rule in rules))
    denied = sorted((rule for rule in rules if rule.deny), key=lambda rule: rule.name)
    if denied:
        return Decision(DecisionKind.DENY, " ".join(rule.deny for rule in denied), names)
    if request.effect is Effect.READ:
        return Decision(DecisionKind.RUN, rules=(_DEFAULT,))
    standing: Review = getattr(policy.defaults, request.effect.name.lower())
    reviews: list[Review] = [standing, *rules]
    approvals = max(review.approvals for review in reviews)
    if not approvals:
        is_confirmed = any(review.confirm for review in reviews)
        kind = DecisionKind.CONFIRM if is_confirmed else DecisionKind.RUN
    else:
        kind = DecisionKind.APPROVE
    spans = [review.expires for review in reviews if review.expires is not None]
    pauses = [review.remind for review in reviews if review.remind is not None]
    said = [review.self_approval for review in reviews if review.self_approval is not None]
    denials = [review.denials for review in reviews if review.denials is not None]
    glass = [review.break_glass for review in reviews if review.break_glass is not None]
    decision = Decision(
        kind,
        rules=names,
        approvals=approvals,
        denials=min(denials, default=1),
        self_approval=bool(said) and all(said),
        approvers=tuple(review.approvers for review in reviews if review.approvers is not None),
        reasons=tuple(sorted({review.reason for review in reviews if review.reason})),
        expires=min(spans, default=None),
        remind=min(pauses, default=None),
        type_name=any(review.type_name for review in reviews),
        break_glass=bool(glass) and all(p.has(request.person, request.groups) for p in glass),
        glass=tuple(glass),
        spent=tuple(sorted({one for rule in rules for one in rule.match.over} & request.over)),
    )
    return replace(decision, says=_says(decision, dict(zip(names, reviews, strict=True))))


def _says(decision: Decision, reviews: Mapping[str, Review]) -> dict[str, tuple[str, ...]]:
    """Which rules say what counts, of that which the strictest says."""
    said: dict[str, tuple[str, ...]] = {}
    for key in _OF_THE_STRICTEST:
        counts = getattr(decision, key)
        each = [(name, getattr(one, key)) for name, one in reviews.items()]
        said[key] = tuple(n for n, one in each if one is not None and one == counts)
    return said
