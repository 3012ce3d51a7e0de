"""A rule on an argument holds however it was written, and wherever: line, form or alias."""

from pathlib import Path

import pytest

from tests.scenarios.metal import rents_slot
from tests.scenarios.site import NAME, rules, site, told
from tests.scenarios.stage import CHANNEL, Stage, staged


def rule(command: str, arguments: str, then: str = "approvals = 1") -> str:
    return (
        '[[rule]]\nname = "r"\n'
        f'match = {{ command = "{command}", arguments = {{ {arguments} }} }}\n{then}\n'
    )


async def fills_in(stage: Stage, line: str, values: dict[str, str]) -> None:
    await stage.alice.types(f"/dbc {line}", CHANNEL)
    await stage.quiet()
    await stage.alice.submits(values)
    await stage.quiet()


@pytest.mark.parametrize("given", ["48", "48G", "48 GiB", "048"])
@pytest.mark.parametrize("wanted", ["48", '"48G"'])
async def test_a_size_is_asked_about_however_it_is_written(
    tmp_path: Path, given: str, wanted: str
) -> None:
    async with site(tmp_path, rule("vm.modify", f"mem = {wanted}"), entitled="alice bob") as stage:
        await fills_in(stage, f"vm modify {NAME}", {"Memory (GiB)": given})
        assert told(stage.alice, "Requested by")
        await stage.asks(stage.alice, f"/dbc vm modify {NAME} mem='{given}'")
        assert stage.changes() == []


@pytest.mark.parametrize("given", ["6", "06", "６"])
async def test_a_number_is_a_number(tmp_path: Path, given: str) -> None:
    async with site(tmp_path, rule("vm.modify", "cpu = 6"), entitled="alice bob") as stage:
        await stage.asks(stage.alice, f"/dbc vm modify {NAME} cpu={given}")
        assert told(stage.alice, "Requested by")
        assert stage.changes() == []


async def test_an_alias_is_no_way_round_a_rule(tmp_path: Path) -> None:
    async with site(tmp_path, rule("vm.modify", "mem = 48"), entitled="alice bob") as stage:
        await stage.asks(stage.alice, f"/dbc alias add big = vm modify {NAME} mem=$1")
        await stage.asks(stage.alice, "/dbc big 48GB")
        assert told(stage.alice, "Requested by")
        assert stage.changes() == []


@pytest.mark.parametrize("argument", ["power", "command"])
async def test_a_choice_is_denied_in_capitals_and_by_either_name(
    tmp_path: Path, argument: str
) -> None:
    async with staged(tmp_path) as stage:
        machine = await rents_slot(stage)
        rules(stage, rule("metal.power", f'{argument} = "reset"', 'deny = "Not that."'))
        for line in ("metal power Reset slot-1", "metal power RESET slot-1"):
            said = await stage.asks(stage.alice, f"/dbc {line.replace('slot-1', machine.node_id)}")
            assert "Not that." in said.plain
        assert stage.changes() == []


async def test_a_choice_in_capitals_is_asked_about_as_what_it_is(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        machine = await rents_slot(stage)
        await stage.asks(stage.alice, f"/dbc metal power RESET {machine.node_id}")
        await stage.confirms(stage.alice, "Reset")
        assert stage.changes() == ["metal.power"]


@pytest.mark.parametrize(
    "line",
    [
        "image download windows10.qcow2 on gpu1",  # the only server that has it
        "image download windows10.qcow2 on gpu1 from=hub",
    ],
)
async def test_what_was_left_out_counts_as_what_is_meant(tmp_path: Path, line: str) -> None:
    policy = rule("image.download", 'from = "hub"', 'deny = "Not from there."')
    async with site(tmp_path, policy, entitled="alice") as stage:
        said = await stage.asks(stage.alice, f"/dbc {line}")
        assert "Not from there." in said.plain
        assert stage.changes() == []


async def test_a_default_counts_like_the_word_for_it(tmp_path: Path) -> None:
    policy = rule("vm.logs", 'end = "tail"', 'deny = "Not the end of it."')
    async with site(tmp_path, policy, entitled="alice") as stage:
        assert "Not the end" in (await stage.asks(stage.alice, f"/dbc vm logs {NAME}")).plain
        said = await stage.asks(stage.alice, f"/dbc vm logs {NAME} head")
        assert "Not the end" not in said.plain


async def test_one_of_several_ports_is_enough(tmp_path: Path) -> None:
    policy = rule("vm.modify", 'ports = "tcp,22"', 'deny = "No second SSH."')
    async with site(tmp_path, policy, entitled="alice") as stage:
        said = await stage.asks(stage.alice, f'/dbc vm modify {NAME} ports="tcp,8080 tcp,22"')
        assert "No second SSH." in said.plain
        await fills_in(stage, f"vm modify {NAME}", {"More ports": "tcp,22\ntcp,8080"})
        assert stage.changes() == []


async def test_a_machine_is_meant_by_its_id_whatever_it_was_called(tmp_path: Path) -> None:
    async with site(tmp_path, entitled="alice") as stage:
        task = stage.task(NAME).task_id
        rules(stage, rule("vm.*", f'machine = "{task}"', 'deny = "Leave it."'))
        for called in (NAME, task, task[:8], NAME[:4]):
            said = await stage.asks(stage.alice, f"/dbc vm shutdown {called}")
            assert "Leave it." in said.plain
            said = await stage.asks(stage.alice, f"/dbc vm show {called}")
            assert "Leave it." in said.plain


async def test_what_was_typed_into_a_form_is_put_back_as_it_was(tmp_path: Path) -> None:
    async with site(tmp_path, entitled="alice") as stage:
        await fills_in(stage, f"vm modify {NAME}", {"Memory (GiB)": "0064G"})
        modal = await stage.alice.sees_modal("There is nothing to change")
        assert "0064G" in str(modal.blocks)
