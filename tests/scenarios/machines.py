"""What machines of the sandbox are brought to, as if by somebody else."""

from sandbox.dbc.task import Libvirt, Status
from tests.scenarios.stage import Stage


def off(stage: Stage, desc: str = "inference") -> None:
    """The machine is off."""
    machine = stage.task(desc)
    machine.status = Status.CLOSED
    assert machine.domain is not None
    machine.domain.state = Libvirt.SHUT_OFF
