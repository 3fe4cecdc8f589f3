"""What the edge takes for a field, and what it takes for a certificate's owner."""

from collections.abc import Callable

import pytest
from grpc.aio import AioRpcError, Metadata
from hypothesis import given
from hypothesis import strategies as st

from node import words
from sync.journal.wire import day_from
from sync.link import validate
from sync.link.identity import Peer, peer_of
from sync.link.refusals import ForeignClusterError, InvalidFieldError, UnnamedPeerError
from sync.link.status import details_of, refusal_from

UUID7 = "0199c0de-0000-7000-8000-000000000001"


@pytest.mark.parametrize(
    "check",
    [
        lambda: validate.text("f", ""),
        lambda: validate.text("f", "x" * 201),
        lambda: validate.text("f", "two\nlines"),
        lambda: validate.site("f", "Beijing"),
        lambda: validate.site("f", "a" * 41),
        lambda: validate.site("f", "bei/jing"),
        lambda: validate.uuid_text("f", ""),
        lambda: validate.uuid_text("f", UUID7.upper()),
        lambda: validate.uuid_text("f", "{" + UUID7[:-2] + "}"),
        lambda: validate.uuid_text("f", UUID7.replace("-", "")),
        lambda: validate.number("f", 0, least=1, most=9),
        lambda: validate.number("f", 10, least=1, most=9),
        lambda: validate.one_of("f", 0, (1, 2)),
        lambda: validate.at_most("f", ["a", "b"], 1),
        lambda: validate.present("f", False),
    ],
)
def test_what_is_missing_or_absurd_is_refused_with_the_fields_name(check: Callable[[], object]) -> None:
    with pytest.raises(InvalidFieldError, match=r"^f: ") as refused:
        check()

    assert refused.value.field == "f"


@pytest.mark.parametrize(
    ("check", "told"),
    [
        (lambda: validate.uuid_text("call_id", "bogus"), "'bogus' 不是呼叫 ID"),
        (lambda: day_from("business_date", "2026-13-02"), "'2026-13-02' 不是日期；请写成 2026-03-02"),
    ],
)
def test_what_a_person_may_have_typed_is_told_over_the_wire_without_the_fields_name(
    check: Callable[[], object], told: str
) -> None:
    with pytest.raises(InvalidFieldError) as refused:
        check()
    code, message, metadata = details_of(refused.value)

    came = refusal_from(AioRpcError(code, Metadata(), Metadata(*metadata), details=message))

    words.use("zh-CN")
    assert (words.refusal(came.reason, **came.values) or "").startswith(told)
    words.use("en")


def test_what_makes_sense_is_handed_on() -> None:
    validate.at_most("f", ["a"], 1)
    validate.present("f", True)

    assert validate.text("f", "销售") == "销售"
    assert validate.site("f", "beijing-2") == "beijing-2"
    assert validate.uuid_text("f", UUID7) == UUID7
    assert validate.number("f", 9, least=1, most=9) == 9
    assert validate.one_of("f", 2, (1, 2)) == 2


@given(st.text(max_size=400))
def test_whatever_the_text_it_is_taken_or_refused_in_a_short_sentence(text: str) -> None:
    complaints = [complaint(check, text) for check in (validate.text, validate.site, validate.uuid_text)]

    assert all(len(each) < 300 for each in complaints)


def complaint(check: Callable[[str, str], object], text: str) -> str:
    try:
        check("f", text)
    except InvalidFieldError as refused:
        return str(refused)
    return ""


@pytest.mark.parametrize(
    ("uri", "name", "server_name"),
    [
        ("trunkline://demo/site/beijing", "site/beijing", "beijing.site.demo.trunkline.internal"),
        ("trunkline://demo/operator/li", "operator/li", "li.operator.demo.trunkline.internal"),
        ("trunkline://demo/hq", "hq", "hq.demo.trunkline.internal"),
    ],
)
def test_an_owner_is_read_from_its_uri(uri: str, name: str, server_name: str) -> None:
    found = Peer.from_uri(uri)

    assert found is not None
    assert (str(found), found.server_name) == (name, server_name)


@pytest.mark.parametrize(
    "uri",
    [
        "https://demo/site/beijing",
        "trunkline://demo",
        "trunkline://demo/site",
        "trunkline://demo/site/",
        "trunkline:///site/beijing",
        "trunkline://demo/site/beijing/x",
        "trunkline://demo/boss/beijing",
        "trunkline://demo/hq/2",
        "",
    ],
)
def test_a_name_that_is_not_one_of_ours_is_nobody(uri: str) -> None:
    assert Peer.from_uri(uri) is None


def test_the_name_of_ours_is_found_among_others() -> None:
    names = {"x509_subject_alternative_name": [b"10.0.0.1", b"\xff", b"trunkline://demo/site/beijing"]}

    assert peer_of(names, "demo") == Peer(cluster="demo", kind="site", name="beijing")


def test_a_certificate_without_a_name_of_ours_is_refused() -> None:
    with pytest.raises(UnnamedPeerError):
        peer_of({"x509_subject_alternative_name": [b"beijing.example.cn"]}, "demo")
    with pytest.raises(UnnamedPeerError):
        peer_of({}, "demo")


def test_a_certificate_of_another_cluster_is_refused() -> None:
    with pytest.raises(ForeignClusterError, match="other"):
        peer_of({"x509_subject_alternative_name": [b"trunkline://other/site/beijing"]}, "demo")
