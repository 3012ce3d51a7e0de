"""Routing and parsing where the recordings do not reach."""

import pytest

from sandbox.dbc import Node, World, rapidjson
from sandbox.dbc.values import size_text
from tests.sandbox.dbc.conftest import Caller


@pytest.mark.parametrize(
    ("path", "op"),
    [
        ("/tasksABC", "tasks.detail"),
        ("/tasks/", "tasks.list"),
        ("/tasks/start/", "tasks.create"),
        ("/tasks/start/x", "tasks.start"),
        ("/tasks/delete/", "tasks.detail"),
        ("/snapshot/list/x/y", "snapshots.detail"),
        ("/lan/whatever", "lan.list"),
        ("/bare_metal/whatever", "metal.list"),
        ("/bare_metal/modify/x", "metal.modify"),
        ("/monitor/whatever", "monitor.list"),
        ("/rent_orders/1287", "rent_orders.list"),
    ],
)
async def test_path_leads_where_the_prefixes_say(
    caller: Caller, world: World, path: str, op: str
) -> None:
    await caller.raw(path, {})
    assert world.calls[0].op == op


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/tasks/7a9Q/restart", 500, -32701),
        ("/tasks/a/b/c", 400, -32600),
        ("/snapshot/list/a/b/c", 400, -32600),
        ("/stat/x", 500, -32701),
        ("/peers", 400, -32600),
        ("/peers/none", 400, -25),
        ("/deeplink/other", 400, -32600),
        ("/nothing", 404, -32601),
    ],
)
async def test_path_that_leads_nowhere(caller: Caller, path: str, status: int, code: int) -> None:
    outcome = await caller.ask(path, None)
    assert (outcome.status, outcome.code) == (status, code)


async def test_empty_list_and_empty_id_differ_where_the_real_one_tells_them_apart(
    caller: Caller,
) -> None:
    assert (await caller.ask("/lan", None)).message == {"networks": []}
    assert (await caller.ask("/lan", "")).text == "create node request failed"
    assert (await caller.ask("/mining_nodes", "")).text == "create node request failed"
    assert (await caller.ask("/images/download", "")).text == "peer_nodeid is empty"


async def test_networks_are_an_array_on_a_node_and_an_object_in_the_daemon(
    caller: Caller, node: Node
) -> None:
    made = await caller.ask("/lan/create", node, network_name="lan001", ip_cidr="10.0.0.0/24")
    assert made.message == "ok"
    again = await caller.ask("/lan/create", node, network_name="lan001", ip_cidr="10.0.1.0/24")
    assert (again.code, again.text) == (-3, "network name already existed")
    (row,) = (await caller.ask("/lan", node)).message
    assert (row["ip_start"], row["ip_end"]) == ("10.0.0.2", "10.0.0.254")
    assert (await caller.ask("/lan", None)).message == {"networks": [row]}
    assert (await caller.ask("/lan/lan001", node)).message == row
    assert (await caller.ask("/lan/lan002", None)).code == -32701
    task_id = await caller.create(node, network_name="lan001")
    used = await caller.ask("/lan/delete/lan001", node)
    assert used.text == "network is in used, please delete task in the network first"
    node.drop(node.tasks[task_id])
    assert (await caller.ask("/lan/delete/lan001", node)).message == "ok"


async def test_monitoring_servers_are_kept_by_wallet(caller: Caller, node: Node) -> None:
    servers = ["203.0.113.9:10051"]
    assert (await caller.ask("/monitor/set", node, servers=servers)).message == "ok"
    assert (await caller.ask("/monitor/set", node)).message == "ok"
    assert (await caller.ask("/monitor", node)).message == {"servers": servers}
    refused = await caller.ask("/monitor/set", node, servers=["a:1", "b:2", "c:3"])
    assert refused.text == "can not enter more than two servers"


async def test_unescaped_description_spoils_every_list(caller: Caller, node: Node) -> None:
    await caller.create(node, desc="ok")
    for task in node.tasks.values():
        task.desc = 'a"b'
    outcome = await caller.ask("/tasks", node)
    assert (outcome.status, outcome.text) == (500, "response parse error")


@pytest.mark.parametrize(
    ("text", "words", "offset"),
    [
        (b"", "The document is empty.", 0),
        (b"{", "Missing a name for object member.", 1),
        (b'{"a" 1}', "Missing a colon after a name of object member.", 5),
        (b'{"a":1 "b"}', "Missing a comma or } after an object member.", 7),
        (b"[1 2]", "Missing a comma or ] after an array element.", 3),
        (b"[tru]", "Invalid value.", 4),
        (b"[-]", "Invalid value.", 2),
        (b"[1.]", "Miss fraction part in number.", 3),
        (b"[1e]", "Miss exponent in number.", 3),
        (b'["\\x"]', "Invalid escape character in string.", 2),
        (b'["a\nb"]', "Invalid encoding in string.", 3),
        (b"[1],", "The document root must not be followed by other values.", 3),
    ],
)
def test_json_errors_are_worded_as_rapidjson_does(text: bytes, words: str, offset: int) -> None:
    with pytest.raises(rapidjson.ParseError) as caught:
        rapidjson.loads(text)
    assert (caught.value.words, caught.value.offset) == (words, offset)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (b'{"a":1,"a":2}', {"a": 1}),
        (b'[{"a":[1,{"b":null}]},true] \0 rubbish', [{"a": [1, {"b": None}]}, True]),
    ],
)
def test_json_is_read_as_rapidjson_does(text: bytes, value: object) -> None:
    assert rapidjson.loads(text) == value


def test_json_is_read_however_deep_it_is() -> None:
    found, depth = rapidjson.loads(b"[" * 5000 + b"]" * 5000), 0
    while found:
        [found] = found
        depth += 1
    assert (found, depth) == ([], 4999)


@pytest.mark.parametrize(
    ("gib", "text"),
    [(0, "0K"), (350, "350G"), (1024, "1T"), (1536, "1T"), (1540, "1T"), (1177.38, "1.15T")],
)
def test_sizes_lose_remainders_from_a_tebibyte_on(gib: float, text: str) -> None:
    assert size_text(int(gib * 1024**3)) == text
