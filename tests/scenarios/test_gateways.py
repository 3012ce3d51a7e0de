"""Something in front of the daemon answers: who it was and with which status is said as it is."""

import pytest

from tests.scenarios.stage import CHANNEL, Stage

SAID = {
    "html_body": r"A gateway \(nginx\) at 127.0.0.1:\d+ answered HTTP 502 \(Bad Gateway\)",
    "gateway_down": r"gateway \(nginx\) at 127.0.0.1:\d+ answered HTTP 503 \(Service Unavailable\)",
    "gateway_timeout": r"gateway \(nginx\) at 127.0.0.1:\d+ answered HTTP 504 \(Gateway Timeout\)",
    "redirect": r"redirects to https://sso.test \(HTTP 301 \(Moved Permanently\)\)",
    "forbidden": r"refused the request with HTTP 403 \(Forbidden\)",
    "proxy_login": r"refused the request with HTTP 407 \(Proxy Authentication Required\)",
    "web_page": r"is not a DBC daemon: it answered HTTP 200 \(OK\), text/html",
    "other_service": r"is not a DBC daemon: it answered HTTP 200 \(OK\) with JSON that has no",
}
REFUSED = {"forbidden", "proxy_login"}


@pytest.mark.parametrize("fault", SAID)
async def test_a_read_says_what_answered_instead_of_the_daemon(
    one_stage: Stage, fault: str
) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu1")
    await stage.asks(stage.alice, "/dbc vm list")
    stage.world.faults.on(fault, path="/tasks/logs")
    await stage.alice.types("/dbc vm logs inference", CHANNEL)
    told = await stage.alice.sees(SAID[fault], CHANNEL)
    for wrong in ("quote", "backslash", "description", "<html", "/x"):
        assert wrong not in told.plain


@pytest.mark.parametrize("fault", SAID)
async def test_a_change_is_unknown_where_it_may_have_been_sent_on_and_failed_where_not(
    one_stage: Stage, fault: str
) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu1")
    stage.world.faults.on(fault, path="/lan/create")
    await stage.alice.types("/dbc lan create team01 192.168.66.0/24 on gpu1", CHANNEL)
    told = await stage.alice.sees(SAID[fault], CHANNEL)
    if fault in REFUSED:
        assert "failed" in told.plain
    else:
        assert "it is unknown whether the command was carried out; I keep looking" in told.plain
        for _ in range(10):
            await stage.passes(30)
        (end,) = stage.endings(stage.alice)
        assert ("gpu1 has the network team01 now" in end) == (fault == "gateway_timeout")
    assert len(stage.world.calls.of("lan.create")) <= 1


async def test_a_list_behind_a_gateway_is_not_called_unreadable(one_stage: Stage) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu1")
    await stage.asks(stage.alice, "/dbc vm list")
    stage.world.faults.on("html_body", path="/tasks")
    told = await stage.asks(stage.alice, "/dbc vm list")
    assert "HTTP 502 (Bad Gateway)" in told.plain
    assert "cannot be read" not in told.plain
    assert "inference" in told.plain  # as last seen
