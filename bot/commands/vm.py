"""Machines: list, show, create, start … (docs/dbc-api.md §3.2)."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from functools import partial
from typing import Annotated, Literal

from pydantic import SecretStr

from bot.commands import vm_create, vm_list, vm_modify, vm_show
from bot.commands.gpu_claims import holders
from bot.commands.nicknames import NAMING, check_nickname, rename, verify_nickname
from bot.commands.order_notes import running_under
from bot.commands.restarts import before_restart, before_start, log_before, noting_state
from bot.dbc import fields
from bot.dbc.errors import (
    StateConflict,
    TaskNotFound,
)
from bot.dbc.models import Phase, phase_of
from bot.errors import BotError, Refused
from bot.language.args import Nickname, Vm
from bot.language.kind import WORD, Arg
from bot.language.kinds import CHOICE, FLAG, INT, SECRET
from bot.language.row_parts import Follow, Listing, Moot
from bot.language.table import Command, Group
from bot.language.text import quoted
from bot.messages import machine_buttons
from bot.messages.facts import DISKS, SNAPSHOTS, STATE
from bot.messages.log_lines import Excerpt, excerpt
from bot.messages.question import Losses, Nothing
from bot.model import Deed, Effect, Goal, Logged, Machine, TakesGpus
from bot.pipeline.context import Context
from bot.pipeline.ended import may_still
from bot.pipeline.machine_looks import look_at
from bot.reply import (
    CodeBlock,
    Note,
    Para,
    Part,
    Phrase,
    Reply,
    bold,
    code,
    command,
    line,
    say,
    say_number,
)
from bot.services.logins import NO_AGENT

Force = Annotated[
    bool,
    Arg(
        say("Force"),
        FLAG,
        say("Cut the power instead of asking the guest to reboot"),
        "force",
    ),
]
LogEnd = Annotated[
    str,
    Arg(
        say("End"),
        CHOICE,
        say("Which end of the log"),
        "tail",
        choices=("tail", "head"),
        labels=(say("The last lines"), say("The first lines")),
    ),
]
Lines = Annotated[
    int,
    Arg(say("Lines"), INT, say("How many lines"), "20", least=1, most=100, names=("n",)),
]
UserName = Annotated[
    str,
    Arg(
        say("User"),
        WORD,
        say("The user in the machine; empty for its present login"),
        "dbc",
        names=("username",),
        positional=False,
    ),
]
Password = Annotated[
    str, Arg(say("New password"), SECRET, say("No quotes, backslashes or line breaks"))
]


async def start(ctx: Context, vm: Vm) -> None:
    """Start a machine that is off, or wake one that sleeps."""
    await ctx.dbc.tasks.start(await ctx.use_session(vm), vm.task)


async def shutdown(ctx: Context, vm: Vm) -> None:
    """Shut down a machine; on DBC this cuts the power without asking the guest."""
    target = await ctx.use_session(vm)
    await noting_state(ctx, vm, partial(ctx.dbc.tasks.shutdown, target, vm.task))


async def poweroff(ctx: Context, vm: Vm) -> None:
    """Cut a machine's power, even while it is shutting down."""
    target = await ctx.use_session(vm)
    await noting_state(ctx, vm, partial(ctx.dbc.tasks.poweroff, target, vm.task))


async def restart(ctx: Context, vm: Vm, force: Force = False) -> None:
    """Restart a machine: ask the guest to reboot or, with force, cut the power and start it."""
    await ctx.dbc.tasks.restart(await ctx.use_session(vm), vm.task, force=force)


async def reset(ctx: Context, vm: Vm) -> None:
    """Press a running machine's reset button."""
    await ctx.dbc.tasks.reset(await ctx.use_session(vm), vm.task)


async def delete(ctx: Context, vm: Vm) -> None:
    """Delete a machine with all its disks and snapshot files."""
    target = await ctx.use_session(vm)
    await noting_state(ctx, vm, partial(ctx.dbc.tasks.delete, target, vm.task))


async def logs(ctx: Context, vm: Vm, end: LogEnd = "tail", lines: Lines = 10) -> Reply:
    """Show the first or last lines of the node's log about a machine, passwords masked."""
    which: Literal["head", "tail"] = "head" if end == "head" else "tail"
    page = await ctx.dbc.tasks.logs(await ctx.use_session(vm), vm.task, which, lines)
    count = say_number("{number} line", "{number} lines", len(page.lines))
    title = say("{machine}: last {lines}", machine=vm.label, lines=count)
    if end == "head":
        title = say("{machine}: first {lines}", machine=vm.label, lines=count)
    about = say("This is the node's log about the machine, not the machine's console.")
    if not page.is_vouched_for:
        about = say(
            "{told} Only you see it: its present passwords could not be read, so one that the "
            "log spells in an unusual way may be left.",
            told=about,
        )
    shown = excerpt(page.lines)
    if shown.errors:
        errors = say_number("{number} error", "{number} errors", shown.errors)
        title = say("{title}, {errors}", title=title, errors=errors)
    is_whole = len(page.lines) < lines and not page.may_lack_some
    content: list[Part] = [CodeBlock(shown.text), *_span_of(shown, vm, "" if is_whole else end)]
    if not page.lines:
        content = [Para(line(say("The log is empty.")))]
    may = await may_still(ctx.services, ctx.actor, ctx.place.channel, [vm.node])
    return Reply(
        title,
        (
            Para(line(bold(title))),
            *content,
            Note(line(about)),
            machine_buttons.beside(vm.node, vm.task, vm.status, besides="logs", may=may),
        ),
        private=not page.is_vouched_for,
        data={"task": vm.task, "name": vm.label, "end": end, "lines": list(page.lines)},
    )


def _span_of(shown: Excerpt, vm: Machine, end: str) -> Iterator[Note]:
    """From when to when the lines are, and how to read the other `end`; none where that is all."""
    moments = say("{first} to {last}, node time", first=shown.first, last=shown.last)
    if not end:
        if shown.first:
            yield Note(line(moments))
        return
    other = "tail" if end == "head" else "head"
    way = command(f"vm logs {quoted(vm.label)} {other}")
    told = say("The first lines: {way}", way=way)
    if other == "tail":
        told = say("The last lines: {way}", way=way)
    yield Note(line(moments, " · ", told) if shown.first else line(told))


async def passwd(ctx: Context, vm: Vm, password: Password, user: UserName = "") -> Reply:
    """Set a user's password inside a running machine."""
    target, user = await ctx.use_session(vm), user or ctx.facts["user"]
    await ctx.dbc.tasks.passwd(target, vm.task, user, SecretStr(password))
    return Reply.of(
        say("The password of {user} in {machine} is set.", user=code(user), machine=bold(vm.label)),
        private=True,
    )


async def _login(ctx: Context, vm: Machine, user: str, **_other: object) -> Mapping[str, str]:
    """Whose password is meant where no user is named."""
    if user:
        return {}
    user = (await look_at(ctx, vm)).user_name
    if user in {"", NO_AGENT}:
        raise Refused(
            say("DBC does not know this machine's login."), hint=say("Name the user."), field="user"
        )
    return {"user": user}


def _check_password(values: Mapping[str, str]) -> None:
    """Find what DBC would choke on while the form is still open."""
    fields.secret(SecretStr(values.get("password", "")), "password")


async def name(ctx: Context, vm: Vm, nickname: Nickname) -> Reply:
    """Give a machine a nickname that everyone here can use."""
    return await rename(ctx, vm, nickname)


def _is_forced(values: Mapping[str, str]) -> bool:
    return bool(values.get("force"))


def _restart_effect(values: Mapping[str, str]) -> Effect:
    return Effect.DESTROY if _is_forced(values) else Effect.DISRUPT


def _restart_called(values: Mapping[str, str]) -> Phrase:
    return say("Force-restart a machine") if _is_forced(values) else say("Restart a machine")


def _restart_asks(values: Mapping[str, str]) -> Phrase:
    return say("Force-restart {target}") if values.get("force") else say("Restart {target}")


def _restart_loses(values: Mapping[str, str]) -> Losses:
    if _is_off(values):
        return Nothing(say("Nothing is lost: it is off, and this starts it."))
    return _POWER_CUT if values.get("force") else say("Whatever runs in it is interrupted.")


def _is_off(values: Mapping[str, str]) -> bool:
    return phase_of(values.get(STATE, "")) is Phase.OFF


def _shutdown_loses(values: Mapping[str, str]) -> Losses:
    return _IS_OFF if _is_off(values) else _SHUTDOWN_CUTS


def _reset_loses(values: Mapping[str, str]) -> Losses:
    return _IS_OFF if _is_off(values) else _POWER_CUT


def _poweroff_loses(values: Mapping[str, str]) -> Losses:
    """A guest that hangs while it shuts down reads as off, too (docs/dbc-api.md §4.1)."""
    return _MAY_HANG if _is_off(values) else _POWER_CUT


def _is_so_already(error: BotError, _known: Mapping[str, str]) -> bool:
    return isinstance(error, StateConflict)


def _is_gone(error: BotError, _known: Mapping[str, str]) -> bool:
    return isinstance(error, TaskNotFound)


def _restart_done(values: Mapping[str, str]) -> Phrase:
    """A soft restart reads `running` as soon as the guest was asked (docs/dbc-api.md §3.2.8)."""
    if values.get("force"):
        return say("{label} has restarted on {node}")
    return say("{label} was told to reboot and reads as running on {node}")


_POWER_CUT = say("The power is cut: what is not on disk is lost.")
_SHUTDOWN_CUTS = say(
    "On DBC a shutdown cuts the power: what is not on disk is lost. Shut the guest down from "
    "inside first."
)
_IS_OFF = Nothing(say("Nothing is lost: it is off."))
_MAY_HANG = say("Nothing, if it is off. If it hangs while shutting down: what is not on disk.")
_OFF_ALREADY = Moot(
    Phase.OFF, say("{node} says that {machine} is off already."), offers=("start", "show")
)
_RUNS_ALREADY = Moot(
    Phase.ON, say("{node} says that {machine} is running already."), offers=("restart", "show")
)
_NOT_RUNNING = Moot(
    Phase.OFF,
    say("{node} says that {machine} is off. Only a running machine can be reset."),
    offers=("start", "show"),
)
_SOON = timedelta(minutes=60)  # a node works one by one: a healthy job may wait that long (§8.36)

GROUP = Group(
    "vm",
    say("Virtual machines on GPU nodes"),
    (
        vm_list.COMMAND,
        Command(
            "show", vm_show.show, example="vm show train-01", details=Listing.MACHINES,
            chinese="查看 详情 状态",
            does=say("Show a machine"),
        ),
        vm_create.COMMAND,
        Command(
            "start", start, Effect.CHANGE, "vm start train-01", look=before_start,
            warns=running_under,
            moot=_RUNS_ALREADY, explains=holders,
            asks=say("Start {target}"), deed=Deed(brings_up=True), takes_gpus=TakesGpus.ALWAYS,
            repeated=_is_so_already,
            follow=Follow(
                Goal.RUNNING, say("{label} is starting on {node}"),
                say("{label} is running on {node}"), _SOON,
            ),
            chinese="启动 开机",
            does=say("Start a machine"),
        ),
        Command(
            "shutdown", shutdown, Effect.DESTROY, "vm shutdown train-01", at_once=True,
            asks=say("Shut down {target}"), loses=_shutdown_loses, moot=_OFF_ALREADY,
            repeated=_is_so_already,
            follow=Follow(
                Goal.CLOSED, say("{label} is being shut down on {node}"),
                say("{label} is off on {node}"), _SOON,
            ),
            chinese="关机",
            does=say("Shut down a machine"),
        ),
        Command(
            "poweroff", poweroff, Effect.DESTROY, "vm poweroff train-01", at_once=True,
            asks=say("Power off {target}"), loses=_poweroff_loses,
            repeated=_is_so_already,
            follow=Follow(
                Goal.CLOSED, say("{label} is being powered off on {node}"),
                say("{label} is off on {node}"), _SOON,
            ),
            chinese="断电",
            does=say("Power off a machine"),
        ),
        Command(
            "restart", restart, _restart_effect, "vm restart train-01 force",
            look=before_restart, warns=running_under, explains=holders, at_once=_is_forced,
            deed=Deed(logged=Logged.RESTART),
            takes_gpus=TakesGpus.ALWAYS,  # it starts a machine that is off
            asks=_restart_asks,
            loses=_restart_loses,
            follow=Follow(
                Goal.RUNNING, say("{label} is restarting on {node}"), _restart_done,
                _SOON,
            ),
            chinese="重启",
            does=_restart_called,
        ),
        Command(
            "reset", reset, Effect.DESTROY, "vm reset train-01", at_once=True,
            look=log_before, asks=say("Reset {target}"), loses=_reset_loses, moot=_NOT_RUNNING,
            deed=Deed(logged=Logged.RESET), takes_gpus=TakesGpus.NEVER,
            follow=Follow(
                Goal.RUNNING, say("{label} is resetting on {node}"),
                say("{label} has been reset on {node}"), _SOON,
            ),
            chinese="重置",
            does=say("Reset a machine"),
        ),
        Command(
            "delete", delete, Effect.DESTROY, "vm delete train-01",
            removes=True,
            asks=say("Delete {target}"), reads=(STATE, DISKS, SNAPSHOTS),
            loses=say("The machine, all its disks with their data, and its snapshot files on the "
                "node are erased. Nothing brings them back."),
            repeated=_is_gone,
            follow=Follow(
                Goal.GONE, say("{label} is being deleted on {node}"),
                say("{label} is deleted on {node}"), _SOON,
            ),
            chinese="删除",
            does=say("Delete a machine"),
        ),
        Command(
            "logs", logs, example="vm logs train-01 tail 20",
            chinese="日志",
            does=say("Show a machine's log"),
        ),
        vm_modify.COMMAND,
        Command(
            "passwd", passwd, Effect.CHANGE, "vm passwd train-01",
            form=True, check=_check_password, look=_login,
            asks=say("Set the password of {user} in {target}"),
            loses=say("The user's present password stops working."),
            chinese="改密码 设置密码",
            does=say("Set a password"), button=say("Set password"),
        ),
        Command(
            "name", name, Effect.CHANGE, "vm name 7a9QmX2c train-01", at_once=True,
            check=check_nickname, verify=verify_nickname, **NAMING,
            is_kept_here=True, chinese="改名 命名", does=say("Name a machine"),
        ),
    ),
    needs_session=True,
)  # fmt: skip
