"""A reason is asked for where the rules want one, and nothing that was typed is lost."""

from pathlib import Path

from tests.scenarios.site import rules, site
from tests.scenarios.stage import CHANNEL, Stage

TICKET = '[[rule]]\nname = "ticket"\nmatch = { %s }\nreason = "^OPS-[0-9]+"\n'
CREATE = TICKET % 'command = "vm.create"'
IMAGE = "ubuntu-22.04-cuda-12.qcow2"
TYPED = {"Name": "t1", "Image": IMAGE}


async def opens(stage: Stage, line: str) -> None:
    await stage.alice.types(f"/dbc {line}", CHANNEL)
    await stage.quiet()


async def test_the_form_has_the_reason_required_and_explained(tmp_path: Path) -> None:
    async with site(tmp_path, CREATE) as stage:
        await opens(stage, "vm create on=gpu1")
        form = stage.alice.modal
        assert form is not None
        assert "The rules require one that matches “^OPS-[0-9]+”." in form.plain
        await stage.alice.submits(TYPED)
        form = stage.alice.modal
        assert form is not None
        assert form.errors == {"Reason": "Please complete this required field."}
        await stage.alice.submits({"Reason": "because"})
        form = stage.alice.modal
        assert form is not None
        assert form.errors == {"Reason": "The reason must match “^OPS-[0-9]+”."}
        assert form.value("Name") == "t1"
        assert stage.changes() == []
        await stage.alice.submits({"Reason": "OPS-17"})
        await stage.ends(stage.alice, "t1 is running on gpu1")


async def test_where_only_the_target_tells_the_form_comes_back_with_all_of_it(
    tmp_path: Path,
) -> None:
    async with site(tmp_path) as stage:
        node = stage.node("gpu1").node_id
        rules(stage, TICKET % f'command = "vm.create", node = "{node}"')
        await opens(stage, "vm create on=gpu1")
        form = stage.alice.modal
        assert form is not None
        assert "For some targets, the rules require one" in form.plain
        await stage.alice.submits(TYPED)
        await stage.quiet()
        form = stage.alice.modal
        assert form is not None
        assert "A reason is needed for this." in form.plain
        assert form.value("Name") == "t1"
        await stage.alice.submits({"Reason": "OPS-17"})
        await stage.quiet()
        assert stage.changes() == ["tasks.create"]


async def test_a_form_from_before_the_rule_comes_back_with_the_field(tmp_path: Path) -> None:
    async with site(tmp_path) as stage:
        await opens(stage, "vm create on=gpu1")
        rules(stage, CREATE)
        await stage.alice.submits(TYPED)
        await stage.quiet()
        form = stage.alice.modal
        assert form is not None
        assert "A reason is needed for this." in form.plain
        assert form.value("Name") == "t1"
        await stage.alice.submits({"Reason": "OPS-17"})
        await stage.ends(stage.alice, "t1 is running on gpu1")


async def test_a_line_without_a_reason_is_offered_as_a_form(tmp_path: Path) -> None:
    async with site(tmp_path, CREATE) as stage:
        await opens(stage, f"vm create name=t1 {IMAGE} cpu=3 on gpu1")
        refused = await stage.alice.sees("A reason is needed", CHANNEL)
        await stage.alice.presses("Add a reason", refused)
        await stage.quiet()
        form = stage.alice.modal
        assert form is not None
        assert form.value("Name") == "t1"
        assert form.value("CPU cores") == "3"
        await stage.alice.submits({"Reason": "OPS-17"})
        await stage.ends(stage.alice, "t1 is running on gpu1")
        assert stage.task("t1").cpu_cores == 3


async def test_a_reason_that_a_spent_budget_wants_may_stay_empty(tmp_path: Path) -> None:
    async with site(tmp_path) as stage:
        budget = f'[[budget]]\nname = "all"\nperson = "{stage.alice.id}"\nusd = 5\n'
        rules(stage, budget + TICKET % 'command = "vm.create", over = "all"')
        await opens(stage, "vm create on=gpu1")
        await stage.alice.submits(TYPED)  # nothing of it is spent
        await stage.ends(stage.alice, "t1 is running on gpu1")
