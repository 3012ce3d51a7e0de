"""Each operation of docs/dbc-api.md §3 is declared once, with what it does to the world."""

from bot.dbc import disks, images, lans, metal, nodes, snapshots, tasks
from bot.dbc.endpoint import Auth, Endpoint
from bot.dbc.errors import Mode

READS = {
    "/",
    "/mining_nodes",
    "/mining_nodes/session_id",
    "/rent_orders",
    "/tasks",
    "/tasks/{task_id}",
    "/tasks/logs/{task_id}",
    "/disk/list/{task_id}",
    "/snapshot/list/{task_id}",
    "/snapshot/list/{task_id}/{name}",
    "/images/servers",
    "/images",
    "/images/downloadprogress",
    "/images/uploadprogress",
    "/lan",
    "/lan/{name}",
    "/bare_metal",
    "/bare_metal/{machine}",
    "/bare_metal/power",
}
CHANGES = {
    "/tasks/start",
    "/tasks/start/{task_id}",
    "/tasks/shutdown/{task_id}",
    "/tasks/poweroff/{task_id}",
    "/tasks/restart/{task_id}",
    "/tasks/reset/{task_id}",
    "/tasks/delete/{task_id}",
    "/tasks/modify/{task_id}",
    "/tasks/passwd/{task_id}",
    "/disk/resize/{task_id}",
    "/disk/add/{task_id}",
    "/disk/delete/{task_id}",
    "/snapshot/create/{task_id}",
    "/snapshot/delete/{task_id}/{name}",
    "/images/download",
    "/images/upload",
    "/images/download_stop",
    "/images/upload_stop",
    "/images/delete",
    "/lan/create",
    "/lan/delete/{name}",
    "/bare_metal/add",
    "/bare_metal/modify/{machine}",
    "/bare_metal/delete",
    "/bare_metal/power",
    "/bare_metal/bootdev",
}
OPEN = {"/", "/mining_nodes", "/rent_orders", "/images/servers", "/images", "/lan", "/lan/{name}"}

DECLARED = [
    value
    for module in (nodes, tasks, disks, snapshots, images, lans, metal)
    for value in vars(module).values()
    if isinstance(value, Endpoint)
]


def test_every_operation_is_marked_as_what_it_is() -> None:
    assert {e.path for e in DECLARED if e.mode is Mode.READ} == READS
    assert {e.path for e in DECLARED if e.mode is Mode.CHANGE} == CHANGES


def test_every_change_is_declared_once() -> None:
    paths = [e.path for e in DECLARED if e.mode is Mode.CHANGE]
    assert len(paths) == len(set(paths))


def test_whose_credentials_are_taken_is_a_set_on_every_python() -> None:
    # Before 3.11.4, a member of an enumeration with the value () has another one.
    assert all(isinstance(auth.value, frozenset) for auth in Auth)
    assert not Auth.NONE.needed


def test_every_change_needs_credentials() -> None:
    assert all(e.auth.needed for e in DECLARED if e.mode is Mode.CHANGE)


def test_only_what_dbc_leaves_open_goes_without_credentials() -> None:
    open_paths = {e.path for e in DECLARED if not e.auth.needed}
    assert open_paths == OPEN | {"/bare_metal", "/bare_metal/{machine}"}


def test_managers_key_is_for_administration_only() -> None:
    managed = {e.path for e in DECLARED if e.auth is Auth.MANAGER}
    assert managed == {"/bare_metal/add", "/bare_metal/modify/{machine}", "/bare_metal/delete"}
