"""The driver at an endpoint of the tests' own: what it sends, and what it makes of refusals."""

import itertools
import json
import time
from collections import deque
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import attrs
import pytest
from tests.labs.openstack_endpoint import (
    IMAGE_ID,
    PASSWORD,
    PROJECT,
    USER,
    Endpoint,
    server_document,
)

from cloudmesh_sdk.errors import (
    BackendTimeoutError,
    ConflictError,
    InvalidRequestError,
    NotFoundError,
    QuotaError,
    UnavailableError,
    UnsupportedError,
)
from cloudmesh_sdk.models import Server, ServerRequest, ServerState
from cloudmesh_sdk.providers.openstack import OpenstackCloud, OpenstackSettings
from cloudmesh_sdk.testing.server import LOST, Reply, Request

COMPUTE = "/compute/v2.1"
DETAIL = f"{COMPUTE}/servers/detail"
BUSY = "Cannot 'reboot' instance {id} while it is in {attr} {state}"
NETWORKS = [("11111111-1111-4111-8111-111111111111", "blue"), ("2" * 32, "red")]


def refusal(status: int, message: str, **headers: str) -> Reply:
    body = {"conflictingRequest": {"code": status, "message": message}}
    return Reply(status=status, body=body, headers=headers)


class Nova(Endpoint):
    """Starts servers and finds them by tag; does what `plan` says to the next starts.

    `before`: the connection ends, nothing is done. `after`: it ends, all is done. `within`: half
    of the answer comes. `error`: a gateway's page, all is done.
    """

    def __init__(self) -> None:
        super().__init__(servers=0)
        self.made: list[Any] = []
        self.plan: deque[str] = deque()
        self.refusals: deque[Reply] = deque()
        """Answers to the next acts."""
        self.refused: deque[Reply] = deque()
        """Answers to the next starts, which then do nothing."""
        self._next = itertools.count(1)

    def answer(self, request: Request) -> Reply:
        if "auth/tokens" in request.path:
            return super().answer(request)
        if request.path == f"{COMPUTE}/servers" and request.method == "POST":
            return self._start(request)
        if request.path == DETAIL and not self.faults[DETAIL]:
            return Reply(body={"servers": self._found(request)})
        if request.path.endswith("/action"):
            return self.refusals.popleft() if self.refusals else Reply(status=202)
        if request.path == "/network/v2.0/networks":
            rows = [{"id": number, "name": name} for number, name in NETWORKS]
            return Reply(body={"networks": rows})
        return super().answer(request)

    def _found(self, request: Request) -> list[Any]:
        wanted = request.query.get("tags")
        reservation = request.query.get("reservation_id")
        return [
            one
            for one in self.made[::-1]
            if wanted in (None, *one["tags"]) and reservation in (None, one["reservation"])
        ]

    def _start(self, request: Request) -> Reply:
        if self.refused:
            return self.refused.popleft()
        what = self.plan.popleft() if self.plan else ""
        if what == "before":
            return LOST
        sent = request.json["server"]
        count = sent.get("min_count", 1)
        ids = [self._make(sent, number, count) for number in range(1, count + 1)]
        body: Any = {"server": {"id": ids[0], "adminPass": "pYw7Nru3cret"}}
        if count > 1:
            body = {"reservation_id": f"r-{sent['name']}"}
        gateway = Reply(status=502, body="<html><h1>Bad Gateway</h1></html>")
        faults = {"after": LOST, "within": Reply(status=202, body=body, cut=9), "error": gateway}
        return faults.get(what, Reply(status=202, body=body))

    def _make(self, sent: Any, number: int, count: int) -> str:
        row = server_document(next(self._next))
        row |= {key: sent[key] for key in ("name", "metadata", "tags")}
        if count > 1:
            row |= {"name": f"{sent['name']}-{number}"}
        row |= {"status": "BUILD", "reservation": f"r-{sent['name']}"}
        self.made.append(row)
        return str(row["id"])

    def sent(self, ending: str) -> list[Any]:
        """Return the bodies of the requests to such paths."""
        found = [r for r in self.server.requests if r.path.endswith(ending) and r.method != "GET"]
        return [json.loads(request.body) for request in found]

    def queries(self, path: str = DETAIL) -> list[dict[str, str]]:
        return [dict(r.query) for r in self.server.requests if r.path == path]


@pytest.fixture
def nova() -> Iterator[Nova]:
    with Nova() as nova:
        yield nova


@pytest.fixture
def opened(nova: Nova) -> Iterator[Callable[..., OpenstackCloud]]:
    clouds = []

    def opened(**chosen: Any) -> OpenstackCloud:
        given: dict[str, Any] = {
            "auth_url": nova.url,
            "username": USER,
            "password": PASSWORD,
            "project_name": PROJECT,
            "user_domain_name": "Default",
            "project_domain_name": "Default",
            "cache": False,
            "settle": 0.2,
            "timeout": 10.0,
        }
        cloud = OpenstackCloud("india", OpenstackSettings(**{**given, **chosen}))
        clouds.append(cloud)
        return cloud

    yield opened
    for cloud in clouds:
        cloud.close()


@pytest.fixture
def cloud(opened: Callable[..., OpenstackCloud]) -> OpenstackCloud:
    return opened()


def order(**fields: Any) -> ServerRequest:
    given = {"name": "web", "image": IMAGE_ID, "flavor": "1", "token": "t1", **fields}
    return ServerRequest(**given)


def a_server(state: ServerState = ServerState.RUNNING) -> Server:
    return Server(cloud="india", id="a", name="a", state=state)


def test_a_start_is_one_request_and_gives_a_pending_server(
    cloud: OpenstackCloud, nova: Nova
) -> None:
    list(cloud.servers())
    before = cloud.calls
    made = cloud.start(order(tags={"a": "b"}))
    assert cloud.calls - before == 1
    assert (made.state, made.token, dict(made.tags)) == (ServerState.PENDING, "t1", {"a": "b"})
    assert made.native["adminPass"] == "***"
    assert nova.made[0]["metadata"] == {"a": "b", "cloudmesh:token": "t1"}


@pytest.mark.parametrize("what", ["before", "after", "within", "error"])
def test_a_start_whose_answer_was_lost_makes_one_server(
    cloud: OpenstackCloud, nova: Nova, what: str
) -> None:
    nova.plan.append(what)
    made = cloud.start(order())
    assert [row["id"] for row in nova.made] == [made.id]
    assert len(nova.sent("/servers")) == (2 if what == "before" else 1)


@pytest.mark.parametrize("what", ["before", "after", "within", "error"])
def test_many_whose_answer_was_lost_are_made_once(
    cloud: OpenstackCloud, nova: Nova, what: str
) -> None:
    nova.plan.append(what)
    names = cloud.names_of_many("web", 3)
    made = cloud.start_many(order(), names)
    assert [server.name for server in made] == ["web-1", "web-2", "web-3"]
    assert len(nova.made) == 3


def test_a_token_that_was_sent_is_looked_up_first(cloud: OpenstackCloud, nova: Nova) -> None:
    first, again = cloud.start(order()), cloud.start(order())
    assert first.id == again.id
    assert len(nova.made) == 1
    assert nova.queries()[-1]["tags"] == "cloudmesh:t1"


@pytest.mark.parametrize(
    ("other", "ours"),
    [
        ({}, True),
        ({"user_id": "b" * 32}, False),
        ({"tenant_id": "c" * 32}, False),
        ({"metadata": {}}, False),
        ({"user_id": None, "tenant_id": None}, True),
    ],
)
def test_a_server_of_another_user_or_project_is_not_ours(
    cloud: OpenstackCloud, nova: Nova, other: dict[str, Any], ours: bool
) -> None:
    cloud.start(order())
    nova.made[0] |= other
    (listed,) = cloud.servers()
    assert cloud.is_ours(listed) is ours


def test_a_filter_that_selects_nothing_is_not_believed(cloud: OpenstackCloud, nova: Nova) -> None:
    nova.faults[DETAIL].append(Reply(body={"servers": [server_document(7)]}))
    assert cloud.find("t1") is None


def test_a_throttled_start_is_sent_again_without_a_look(cloud: OpenstackCloud, nova: Nova) -> None:
    nova.refused.append(refusal(429, "slow down", **{"Retry-After": "0"}))
    cloud.start(order())
    assert nova.queries() == []
    assert len(nova.made) == 1


def test_a_start_over_the_quota_is_not_tried_again(cloud: OpenstackCloud, nova: Nova) -> None:
    full = Reply(status=403, body={"forbidden": {"message": "Quota exceeded for instances"}})
    nova.refused.append(full)
    with pytest.raises(QuotaError, match="instances"):
        cloud.start(order())
    assert len(nova.sent("/servers")) == 1


def test_networks_are_given_by_id_or_name(cloud: OpenstackCloud, nova: Nova) -> None:
    cloud.start(order(networks=("blue", NETWORKS[1][0])))
    cloud.start(order(networks=(NETWORKS[0][0],), token="t2"))
    cloud.start(order(token="t3"))
    one, two, three = (body["server"]["networks"] for body in nova.sent("/servers"))
    assert one == [{"uuid": number} for number, _ in NETWORKS]
    assert two == [{"uuid": NETWORKS[0][0]}]
    assert three == "auto"
    assert nova.requests.count("GET /network/v2.0/networks") == 1
    with pytest.raises(NotFoundError, match=r"no network .blu.; did you mean blue"):
        cloud.start(order(networks=("blu",), token="t4"))


def test_a_choice_of_networks_is_told_by_names(cloud: OpenstackCloud, nova: Nova) -> None:
    text = "Multiple possible networks found, use a Network ID to be more specific."
    nova.refused.append(refusal(409, text))
    with pytest.raises(InvalidRequestError, match="blue, red"):
        cloud.start(order())


def test_a_boot_volume_wants_a_cinder(cloud: OpenstackCloud, nova: Nova) -> None:
    with pytest.raises(UnsupportedError, match="Cinder"):
        cloud.start(order(boot_volume=2))
    with pytest.raises(UnsupportedError, match="volume"):
        list(cloud.volumes())
    assert nova.made == []


def test_many_have_the_names_that_nova_gives(cloud: OpenstackCloud, nova: Nova) -> None:
    with pytest.raises(InvalidRequestError, match="NAME-1"):
        cloud.start_many(order(), ["a", "b"])
    assert nova.made == []


@pytest.mark.parametrize(("attr", "state"), [("task_state", "spawning"), ("vm_state", "building")])
def test_an_act_waits_for_what_is_under_way(
    cloud: OpenstackCloud, nova: Nova, attr: str, state: str
) -> None:
    nova.refusals += [refusal(409, BUSY.format(id="a", attr=attr, state=state))] * 2
    cloud.reboot(a_server())
    assert len(nova.sent("/action")) == 3


def test_an_act_does_not_wait_longer_than_a_call_may(
    opened: Callable[..., OpenstackCloud], nova: Nova
) -> None:
    busy = refusal(409, BUSY.format(id="a", attr="task_state", state="resize_prep"))
    nova.refusals += [busy] * 50
    with pytest.raises(ConflictError, match="resize_prep"):
        opened(timeout=1.5).reboot(a_server())
    assert len(nova.sent("/action")) < 6


@pytest.mark.parametrize("text", ["Instance a is locked", "while it is in task_state deleting"])
def test_a_conflict_that_does_not_pass_is_told_at_once(
    cloud: OpenstackCloud, nova: Nova, text: str
) -> None:
    nova.refusals.append(refusal(409, text))
    with pytest.raises(ConflictError):
        cloud.stop(a_server())
    assert len(nova.sent("/action")) == 1


def one(task: str | None) -> Reply:
    document = {**server_document(1), "OS-EXT-STS:task_state": task}
    return Reply(body={"server": document})


def test_what_is_about_to_change_is_not_so_already(cloud: OpenstackCloud, nova: Nova) -> None:
    active = refusal(409, BUSY.format(id="a", attr="vm_state", state="active"))
    nova.refusals.append(active)
    nova.faults[f"{COMPUTE}/servers/a"].append(one("powering-off"))
    cloud.resume(a_server())
    assert nova.sent("/action") == [{"os-start": None}] * 2
    nova.refusals.append(active)
    nova.faults[f"{COMPUTE}/servers/a"].append(one("deleting"))
    with pytest.raises(ConflictError):
        cloud.resume(a_server())


def test_what_is_so_already_is_no_error(cloud: OpenstackCloud, nova: Nova) -> None:
    nova.faults[f"{COMPUTE}/servers/a"] += [one(None)] * 3
    acts = ((cloud.stop, "stopped"), (cloud.suspend, "suspended"), (cloud.resume, "active"))
    for act, state in acts:
        nova.refusals.append(refusal(409, BUSY.format(id="a", attr="vm_state", state=state)))
        act(a_server())
    assert len(nova.sent("/action")) == 3


@pytest.mark.parametrize(
    ("state", "action"),
    [
        (ServerState.STOPPED, "os-start"),
        (ServerState.SUSPENDED, "resume"),
        (ServerState.PAUSED, "unpause"),
        (ServerState.SHELVED, "unshelve"),
    ],
)
def test_resume_goes_by_the_state(
    cloud: OpenstackCloud, nova: Nova, state: ServerState, action: str
) -> None:
    cloud.resume(a_server(state))
    assert nova.sent("/action") == [{action: None}]


def test_resume_learns_the_state_from_a_refusal(cloud: OpenstackCloud, nova: Nova) -> None:
    nova.refusals.append(refusal(409, BUSY.format(id="a", attr="vm_state", state="suspended")))
    cloud.resume(a_server(ServerState.STOPPED))
    assert nova.sent("/action") == [{"os-start": None}, {"resume": None}]


def test_an_act_on_what_is_gone_is_not_found(cloud: OpenstackCloud, nova: Nova) -> None:
    nova.refusals.append(refusal(404, "Instance a could not be found."))
    with pytest.raises(NotFoundError):
        cloud.stop(a_server())
    nova.faults[f"{COMPUTE}/servers/a"].append(refusal(404, "Instance a could not be found."))
    cloud.delete(a_server())


def test_changes_reach_back_by_overlap_and_skew(
    opened: Callable[..., OpenstackCloud], nova: Nova
) -> None:
    cloud = opened(overlap=30.0, all_projects=True, page_size=50)
    list(cloud.servers())
    cloud._client._skew = 10.0  # our clock is ahead
    list(cloud.changes(datetime(2026, 11, 22, 22, 0, 40, tzinfo=UTC)))
    plain, changed = nova.queries()
    assert plain == {"limit": "50", "all_tenants": "1"}
    assert changed == {**plain, "changes-since": "2026-11-22T22:00:00Z"}


def test_lists_leave_out_what_is_deleted_and_changes_tell_it(
    cloud: OpenstackCloud, nova: Nova
) -> None:
    cloud.start(order())
    nova.made[0]["status"] = "DELETED"
    assert list(cloud.servers()) == []
    (row,) = cloud.changes(datetime.now(UTC))
    assert row.state is ServerState.DELETED


def test_garbage_is_told_and_ends_the_list(cloud: OpenstackCloud, nova: Nova) -> None:
    nova.faults[DETAIL] += [Reply(body={"servers": [{"name": "no id"}]})] * 9
    with pytest.raises(UnavailableError):
        list(cloud.servers())


def test_the_token_is_not_to_be_tagged(cloud: OpenstackCloud) -> None:
    with pytest.raises(InvalidRequestError, match="cloudmesh:token"):
        cloud.tag(a_server(), {"cloudmesh:token": "mine"})
    assert cloud.calls == 0


def test_an_empty_id_is_no_list(cloud: OpenstackCloud) -> None:
    with pytest.raises(NotFoundError):
        cloud.server("")
    with pytest.raises(NotFoundError):
        cloud.volume("")
    assert cloud.calls == 0


def test_the_console_of_a_server_without_a_host_is_empty(cloud: OpenstackCloud, nova: Nova) -> None:
    nova.refusals.append(refusal(409, "Instance a is not ready"))
    assert cloud.console(attrs.evolve(a_server(), state=ServerState.PENDING)) == ""


@pytest.mark.parametrize("count", [1, 3])
def test_a_start_that_a_gateway_gave_up_is_not_sent_again(
    cloud: OpenstackCloud, nova: Nova, count: int
) -> None:
    nova.refused.append(refusal(504, "Gateway Time-out"))
    with pytest.raises(BackendTimeoutError, match="Gateway Time-out"):
        cloud.start_many(order(), cloud.names_of_many("web", count))
    assert len(nova.sent("/servers")) == 1


def test_many_that_were_taken_are_not_sent_again_though_no_list_shows_them(
    cloud: OpenstackCloud, nova: Nova
) -> None:
    nova.faults[DETAIL] += [Reply(body={"servers": []})] * 60
    with pytest.raises(UnavailableError, match="started 0 of 3 servers"):
        cloud.start_many(order(), cloud.names_of_many("web", 3))
    assert len(nova.sent("/servers")) == 1


def test_user_data_that_nova_shows_in_a_refusal_is_not_told(
    cloud: OpenstackCloud, nova: Nova
) -> None:
    where = "Invalid input for field/attribute"
    nova.refused.append(refusal(400, f"{where} user_data. Value: aHVudGVyMg. 'aHVu' is too long"))
    with pytest.raises(InvalidRequestError, match=r"attribute user_data\. Value: \*\*\*") as caught:
        cloud.start(order(user_data="hunter2"))
    assert "aHVu" not in f"{caught.value}{caught.value.__cause__!r}"
    nova.refused.append(refusal(400, f"{where} name. Value: a b. 'a b' is too long"))
    with pytest.raises(InvalidRequestError, match="Value: a b"):
        cloud.start(order(token="t2"))


def test_an_address_of_another_is_not_taken_where_a_filter_is_ignored(
    cloud: OpenstackCloud, nova: Nova
) -> None:
    theirs = {"id": "f1", "floating_ip_address": "192.0.2.1", "description": "of another"}
    ours = {**theirs, "id": "f2", "floating_ip_address": "192.0.2.2"}
    path = "/network/v2.0/floatingips"
    nova.faults[path] += [
        Reply(body={"floatingips": [theirs]}),
        Reply(status=201, body={"floatingip": {**ours, "description": "cloudmesh:token t1"}}),
    ]
    assert cloud.create_floating_ip("t1", "ext").id == "f2"


def test_the_first_list_of_changes_knows_the_clock_of_the_cloud(
    cloud: OpenstackCloud, nova: Nova, monkeypatch: pytest.MonkeyPatch
) -> None:
    ahead = time.time() + 3600
    ours = SimpleNamespace(time=lambda: ahead)
    monkeypatch.setattr("cloudmesh_sdk.providers.openstack.answers.time", ours)
    list(cloud.changes(datetime(2026, 11, 22, 22, 0, 0, tzinfo=UTC)))
    asked = datetime.fromisoformat(nova.queries()[0]["changes-since"])
    reached = datetime(2026, 11, 22, 22, 0, 0, tzinfo=UTC) - asked
    assert 3625 < reached.total_seconds() < 3640


def test_a_nova_that_tells_a_part_of_what_it_renamed_is_asked_for_the_server(
    cloud: OpenstackCloud, nova: Nova
) -> None:
    whole = server_document(1)
    path = f"{COMPUTE}/servers/{whole['id']}"
    part = {name: whole[name] for name in ("id", "name", "status")}
    nova.faults[path] += [Reply(body={"server": part}), Reply(body={"server": whole})]
    renamed = cloud.rename(
        Server(cloud="india", id=whole["id"], name="a", state=ServerState.RUNNING), "b"
    )
    assert renamed.native == whole


def test_the_history_of_a_server_is_followed_to_its_end(cloud: OpenstackCloud, nova: Nova) -> None:
    path = f"{COMPUTE}/servers/a/os-instance-actions"
    rows = [
        {"action": what, "start_time": f"2026-11-22T10:0{n}:00.000000", "request_id": f"req-{n}"}
        for n, what in enumerate(("create", "stop"))
    ]
    link = {"rel": "next", "href": f"http://cloud.example.org/v2.1{path[len(COMPUTE) :]}?marker=r1"}
    nova.faults[path] += [
        Reply(body={"instanceActions": rows[1:], "links": [link]}),
        Reply(body={"instanceActions": rows[:1]}),
    ]
    assert [one.name for one in cloud.actions(a_server())] == ["create", "stop"]


def test_a_name_that_is_no_text_is_refused_before_anything_is_sent(
    cloud: OpenstackCloud, nova: Nova
) -> None:
    with pytest.raises(InvalidRequestError, match="cannot be written as JSON"):
        cloud.start(order(name=b"\xff".decode("utf-8", "surrogateescape")))
    assert not nova.sent("/servers")


def test_many_that_were_taken_are_in_doubt_where_their_list_is_refused(
    cloud: OpenstackCloud, nova: Nova
) -> None:
    nova.faults[DETAIL] += [refusal(403, "Policy doesn't allow it to be performed.")] * 60
    with pytest.raises(UnavailableError, match="took the start of web and does not tell of it"):
        cloud.start_many(order(), cloud.names_of_many("web", 3))
    assert len(nova.sent("/servers")) == 1


def test_a_lost_start_is_in_doubt_where_the_look_for_it_is_refused(
    cloud: OpenstackCloud, nova: Nova
) -> None:
    nova.plan.append("after")
    nova.faults[DETAIL] += [refusal(403, "Policy doesn't allow it to be performed.")] * 60
    with pytest.raises(UnavailableError, match="cut the connection"):
        cloud.start(order())
    assert len(nova.made) == 1


def test_a_clock_that_seems_behind_leaves_no_gap(cloud: OpenstackCloud, nova: Nova) -> None:
    list(cloud.servers())
    cloud._client._skew = -3600.0
    list(cloud.changes(datetime(2026, 11, 22, 22, 0, 30, tzinfo=UTC)))
    assert nova.queries()[-1]["changes-since"] == "2026-11-22T22:00:00Z"


def test_garbage_in_a_history_is_told(cloud: OpenstackCloud, nova: Nova) -> None:
    nova.faults[f"{COMPUTE}/servers/a/os-instance-actions"].append(
        Reply(body={"instanceActions": [None]})
    )
    with pytest.raises(UnavailableError, match="not as OpenStack describes it"):
        list(cloud.actions(a_server()))


def test_a_check_takes_limits_that_say_nothing(cloud: OpenstackCloud, nova: Nova) -> None:
    about = {"version": {"id": "v2.1", "version": "2.104", "min_version": "2.1"}}
    nova.faults[f"{COMPUTE}/"].append(Reply(body=about))
    nova.faults[f"{COMPUTE}/limits"].append(
        Reply(body={"limits": {"absolute": {"maxTotalCores": None, "totalCoresUsed": 3}}})
    )
    assert not any("are used" in warning for warning in cloud.check().warnings)


def test_external_networks_without_names_are_told_by_id(cloud: OpenstackCloud, nova: Nova) -> None:
    nova.faults["/network/v2.0/floatingips"].append(Reply(body={"floatingips": []}))
    NETWORKS.append(("3" * 32, ""))
    try:
        with pytest.raises(InvalidRequestError, match="several external networks: 3333"):
            cloud.create_floating_ip("t1")
    finally:
        NETWORKS.pop()
