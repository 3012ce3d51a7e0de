"""The panel of the chain, on a phone and in Chinese: orders end there by thumb."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import expect

from sandbox.chain import Chain, RpcNode
from sandbox.chain_control import ChainControl
from sandbox.dbc import Daemon, World, control_app, demo_renter
from sandbox.slack import Workspace
from tests.sandbox.page.conftest import Open

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.slow]

THUMB = 44


@pytest_asyncio.fixture(loop_scope="session")
async def ws(world: World, chain: Chain) -> AsyncIterator[Workspace]:
    workspace = Workspace(ack_seconds=2)
    levers = ChainControl(chain, [RpcNode(chain), RpcNode(chain)], world, demo_renter().address)
    workspace.app.add_subapp("/chain-control/", levers.application())
    workspace.app.add_subapp("/dbc-control/", control_app(world, demo_renter(), [Daemon(world)]))
    async with workspace:
        yield workspace


async def test_an_order_ends_by_thumb_and_its_machines_go(opens: Open, world: World) -> None:
    page = await opens("alice")
    await page.set_viewport_size({"width": 390, "height": 844})
    await page.get_by_role("button", name="Channels").click()
    await page.get_by_role("button", name="Orders on the chain").click()
    order = page.locator("[data-order='1287']")
    await expect(order).to_contain_text("Ends in 6 hours")
    buttons = await order.get_by_role("button").all()
    boxes = [await button.bounding_box() for button in buttons]
    assert [box for box in boxes if box is None or box["height"] < THUMB] == []
    await order.get_by_role("button", name="It ends in 50 minutes").click()
    await expect(order).to_contain_text("Ends in 50 minutes")
    await order.get_by_role("button", name="It ended 3 days ago").click()
    await expect(order).to_contain_text("Ended: 3 days ago")
    await page.get_by_role("button", name="Nodes look now").click()
    await expect(page.get_by_role("status")).to_contain_text("The nodes have looked")
    assert not world.node("gpu1").tasks
    await page.get_by_role("button", name="Rent gpu1 for 3 days").click()
    await page.locator("[data-order='1289']").get_by_role("button", name="Confirm").click()
    await expect(page.locator("[data-order='1289']")).to_contain_text("Ends in 3 days")


async def test_the_chain_falls_ill_and_gets_well_in_chinese(ws: Workspace, opens: Open) -> None:
    ws.core.state.member("alice").locale = "zh-CN"
    page = await opens("alice")
    await page.get_by_role("button", name="链上的订单").click()
    await page.get_by_role("button", name="停滞").click()
    stuck = page.get_by_role("button", name="停滞")
    await expect(stuck).to_have_attribute("aria-pressed", "true")
    await page.locator("[data-order='1288']").get_by_role("button", name="确认").click()
    await expect(page.locator("[data-order='1288']")).to_contain_text("3 天后到期")
    await page.get_by_role("button", name="gpu2 24 小时后删除一台虚拟机").click()
    await expect(page.locator("[data-order='1289']")).to_contain_text("已到期：48 小时前")
