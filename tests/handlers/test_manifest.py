"""The manifest names what the listeners and the messenger use; the workspace enforces it."""

import pytest

from handlers.manifest import manifest


def test_socket_mode_needs_no_address() -> None:
    made = manifest("/dbc", socket_mode=True)
    assert made["settings"]["socket_mode_enabled"] is True
    assert "url" not in str(made)


def test_http_mode_names_the_address_wherever_slack_wants_it() -> None:
    made = manifest("/dbc", socket_mode=False)
    assert str(made).count("/slack/events") == 4


@pytest.mark.parametrize("socket_mode", [True, False])
def test_the_command_is_the_configured_one_and_is_escaped(*, socket_mode: bool) -> None:
    (command,) = manifest("/gpu", socket_mode=socket_mode)["features"]["slash_commands"]
    assert (command["command"], command["should_escape"]) == ("/gpu", True)
