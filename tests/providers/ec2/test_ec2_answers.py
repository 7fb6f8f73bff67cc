"""XML becomes plain data, whole."""

from collections.abc import Iterator

import botocore.session
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from tests.labs.ec2_endpoint import xml

from cloudmesh_sdk.providers.ec2.answers import MASK, Nonsense, parse

ACTIONS = (
    "DescribeInstances", "DescribeImages", "DescribeInstanceTypes", "DescribeKeyPairs",
    "DescribeSecurityGroups", "DescribeAccountAttributes", "DescribeAddresses", "RunInstances",
)  # fmt: skip


def answer(content: str, space: str = "http://ec2.amazonaws.com/doc/2016-11-15/") -> bytes:
    return f'<AnyResponse xmlns="{space}">{content}</AnyResponse>'.encode()


def test_structures_lists_and_texts() -> None:
    body = answer(
        "<requestId>r</requestId><reservationSet><item><instancesSet><item>"
        "<instanceId>i-1</instanceId><instanceState><code>16</code><name>running</name>"
        "</instanceState></item></instancesSet></item></reservationSet>"
    )
    assert parse(body) == (
        "AnyResponse",
        {
            "requestId": "r",
            "reservationSet": [
                {
                    "instancesSet": [
                        {"instanceId": "i-1", "instanceState": {"code": "16", "name": "running"}}
                    ]
                }
            ],
        },
    )


@pytest.mark.parametrize(
    "space", ["http://ec2.amazonaws.com/doc/2016-11-15", "http://msgs.eucalyptus.com/2014-10-01"]
)
def test_namespaces_do_not_matter(space: str) -> None:
    assert parse(answer("<a><b>1</b></a>", space)) == ("AnyResponse", {"a": {"b": "1"}})


def test_empty_lists_are_lists_and_empty_texts_are_texts() -> None:
    body = answer("<tagSet/><productCodes>\n</productCodes><reason/>")
    assert parse(body)[1] == {"tagSet": [], "productCodes": [], "reason": ""}


def test_lists_without_an_element_of_their_own_are_lists() -> None:
    assert parse(answer("<a>1</a><a>2</a><a>3</a>"))[1] == {"a": ["1", "2", "3"]}


@pytest.mark.parametrize("name", ["userData", "passwordData", "keyMaterial"])
def test_secrets_are_masked(name: str) -> None:
    content = f"<{name}>c2VjcmV0</{name}><x><{name}><value>c2VjcmV0</value></{name}></x>"
    assert parse(answer(content))[1] == {name: MASK, "x": {name: MASK}}


@pytest.mark.parametrize(
    "body", [b"", b"<html><br></html>", b"<a><b></a>", b"\xff\xfe\x00", b"{}", b"<a>\x00</a>"]
)
def test_what_is_not_xml_is_nonsense(body: bytes) -> None:
    with pytest.raises(Nonsense, match="no whole XML"):
        parse(body)


@given(st.integers(min_value=0))
def test_no_part_of_an_answer_passes_for_the_whole(cut: int) -> None:
    body = answer("<tagSet><item><key>Name</key><value>ü</value></item></tagSet>")
    with pytest.raises(Nonsense):
        parse(body[: cut % len(body)])


WORDS = st.text(alphabet="abcXYZ", min_size=1).filter(lambda word: not word.endswith("Set"))
TEXTS = st.text(alphabet=st.characters(min_codepoint=33, max_codepoint=0x2FFF), min_size=1)
DATA = st.recursive(
    TEXTS,
    lambda part: st.dictionaries(WORDS, part, min_size=1) | st.lists(part, min_size=1),
    max_leaves=20,
)


# on a busy machine making examples may be slow, which says nothing of what is tried
@settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(WORDS, DATA, min_size=1))
def test_whatever_is_sent_is_read_back_equal(content: dict[str, object]) -> None:
    assert parse(answer(xml(content)))[1] == content


def _lists(shape: object, seen: set[str]) -> Iterator[tuple[str, bool]]:
    """Yield every member below a shape of botocore's model: its name on the wire, is it a list."""
    if shape.type_name == "list":  # type: ignore[attr-defined]
        yield from _lists(shape.member, seen)  # type: ignore[attr-defined]
    if shape.type_name != "structure" or shape.name in seen:  # type: ignore[attr-defined]
        return
    seen.add(shape.name)  # type: ignore[attr-defined]
    for name, member in shape.members.items():  # type: ignore[attr-defined]
        yield member.serialization.get("name", name), member.type_name == "list"
        yield from _lists(member, seen)


def test_every_list_in_the_api_stays_a_list_when_it_is_empty() -> None:
    model = botocore.session.Session().get_service_model("ec2")
    seen: set[str] = set()
    for action in ACTIONS:
        for name, is_list in _lists(model.operation_model(action).output_shape, seen):
            empty = parse(answer(f"<{name}/>"))[1][name]
            assert isinstance(empty, list) == is_list or empty == MASK, name
    assert {"Instance", "Image", "InstanceTypeInfo", "SecurityGroup"} <= seen
