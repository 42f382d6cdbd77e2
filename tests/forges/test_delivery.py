"""What forges share: signatures, hostile JSON, names and ids of refs."""

import json
import subprocess
from typing import Any

import pytest

from ctci.forges import delivery
from ctci.forges.delivery import BadPayload

# RFC 4231, test case 2.
KEY, SIGNED = b"Jefe", b"what do ya want for nothing?"
MAC = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
JSON = {"content-type": "application/json"}
FORM = {"content-type": "application/x-www-form-urlencoded; charset=utf-8"}


@pytest.mark.parametrize("given", [MAC, MAC.upper(), f"sha256={MAC}", f"SHA256={MAC}", f" {MAC} "])
def test_the_published_vector_matches_however_it_is_written(given: str) -> None:
    assert delivery.hmac_matches(KEY, SIGNED, given)


@pytest.mark.parametrize(
    "given",
    [
        "",
        "sha256=",
        "sha256=sha256=" + MAC,
        "sha1=" + MAC,
        MAC[:-1],
        MAC + "0",
        MAC[:-1] + "4",
        "é" * 64,
        "\u20ac" * 64,
        "\ud800",
        "\0",
    ],
)
def test_anything_else_does_not_match_and_raises_nothing(given: str) -> None:
    assert not delivery.hmac_matches(KEY, SIGNED, given)


def test_other_bytes_or_another_key_do_not_match() -> None:
    assert not delivery.hmac_matches(KEY, SIGNED + b"\n", MAC)
    assert not delivery.hmac_matches(KEY + b"\0x", SIGNED, MAC)


def test_an_empty_secret_signs_nothing() -> None:
    empty = "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad"

    assert not delivery.hmac_matches(b"", b"", empty)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "the body is not JSON"),
        (b"{", "the body is not JSON"),
        (b"[" * 100_000, "the body is not JSON"),
        (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "the body is not JSON"),
        (b'{"a": ' + b"9" * 5000 + b"}", "the body is not JSON"),
        (b'{"a": NaN}', "the body is not JSON"),
        (b'{"a": -Infinity}', "the body is not JSON"),
        (b'{"a": "\xff"}', "the body is not JSON"),
        (b"\xef\xbb\xbf{}", "the body is not JSON"),
        ('{"a": 1}'.encode("utf-16"), "the body is not JSON"),
        (b'{"a": 1} {}', "the body is not JSON"),
        (b"null", "the body is not a JSON object"),
        (b"[]", "the body is not a JSON object"),
        (b'"x"', "the body is not a JSON object"),
        (b"17", "the body is not a JSON object"),
    ],
)
def test_a_body_that_is_no_json_object_is_refused_in_words(body: bytes, why: str) -> None:
    with pytest.raises(BadPayload) as refused:
        delivery.decode(JSON, body)

    assert why == str(refused.value)


def test_of_keys_that_come_twice_the_last_counts() -> None:
    assert delivery.decode(JSON, b'{"ref": "a", "ref": "b"}') == {"ref": "b"}


def test_a_form_brings_its_json_byte_by_byte() -> None:
    body = b"x=1&payload=%7B%22name%22%3A%20%22Gr%C3%B6%C3%9Fe+%26%20%2B%22%7D&payload=%7B%7D"

    assert delivery.decode(FORM, body) == {"name": "Größe & +"}


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "the form has no field `payload`"),
        (b"payload=", "the form has no field `payload`"),
        (b"Payload=%7B%7D", "the form has no field `payload`"),
        (b"\xff\xfe\x00", "the form has no field `payload`"),
        (b"&".join(b"a%d=1" % n for n in range(30)), "the form cannot be read"),
        (b"payload=%ff%fe", "the body is not JSON"),
        (b"payload=%7", "the body is not JSON"),
    ],
)
def test_a_form_without_a_json_is_refused_in_words(body: bytes, why: str) -> None:
    with pytest.raises(BadPayload) as refused:
        delivery.decode(FORM, body)

    assert why == str(refused.value)


@pytest.mark.parametrize("found", [None, True, 1, 1.5, [], {}, "", "\ud800", "x" * 1001])
def test_a_text_that_is_none_is_not_taken(found: Any) -> None:
    assert delivery.text({"name": found}, "name") is None


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ("Ana Größe", "Ana Größe"),
        (" a\nb\x1b[31m ", "a b [31m"),
        ("a\u202eb\u2028c", "a b c"),
        ("x" * 300, "x" * 200),
        ("\ud800", None),
        ("", None),
        (["ana"], None),
    ],
)
def test_a_name_is_one_short_printable_line(found: Any, expected: str | None) -> None:
    assert expected == delivery.line({"name": found}, "name")


@pytest.mark.parametrize("found", ["a" * 40, "A" * 40, "0" * 40, "f" * 64])
def test_an_id_is_40_or_64_digits_in_lower_case(found: str) -> None:
    assert found.lower() == delivery.id_({"after": found}, "after")


@pytest.mark.parametrize(
    "found", [None, True, 0, "", "a" * 39, "a" * 41, "g" * 40, "a" * 40 + "\n", "\u0661" * 40, ["a" * 40]]
)
def test_what_is_no_id_is_refused(found: Any) -> None:
    with pytest.raises(BadPayload, match="`after` is not an object id"):
        delivery.id_({"after": found}, "after")


@pytest.mark.parametrize(
    "name",
    [
        # Legal, whatever they look like to a shell.
        *("-rf", "--upload-pack=touch${IFS}pwned", "a;b$(id)", "`id`", "'", '"', "|", "<img/src=x>", "%0a", "{x}"),
        *("@", "HEAD", "#1", "größe", "gro\u0308ße", "refs/heads/main", "a./b", "a.lock.b", "x" * 200, "\u0085"),
        # Refused.
        *("", "a b", "a\tb", "a\nb", "a\x7f", "a..b", "a~", "a^", "a:b", "a?", "a*", "a[", "a\\b", "a@{b"),
        *(".a", "a/.b", "a//b", "a/", "a.", "a.lock", "a.lock/b", "/a"),
    ],
)
def test_a_ref_is_legal_where_git_says_so(name: str) -> None:
    ref = f"refs/heads/{name}"
    git = subprocess.run(["git", "check-ref-format", ref.encode()], check=False).returncode == 0

    assert git == delivery.legal(ref)


@pytest.mark.parametrize("ref", ["main", "/refs/heads/main", ".refs/heads/main", "@", ""])
def test_what_is_no_full_name_is_no_ref(ref: str) -> None:
    with pytest.raises(BadPayload, match="`ref` is not the name of a ref"):
        delivery.ref_of({"ref": ref})


@pytest.mark.parametrize(
    ("ref", "expected"),
    [
        ("refs/heads/main", "push"),
        ("refs/heads/refs/tags/x", "push"),
        ("refs/tags/v1", "tag"),
        ("refs/tags/refs/heads/x", "tag"),
        ("refs/heads/", None),
        ("refs/notes/commits", None),
        ("refs/pull/1/head", None),
        ("refs/headsx/main", None),
    ],
)
def test_the_kind_is_told_by_the_prefix(ref: str, expected: str | None) -> None:
    assert expected == delivery.kind_of(ref)


@pytest.mark.parametrize(
    ("told", "kept"),
    [("72d3162e-cc78", True), ("x" * 200, True), ("x" * 201, False), ("größe", False), ("a\x01b", False), ("", False)],
)
def test_a_call_without_a_decent_id_is_named_by_its_body(told: str, kept: bool) -> None:
    found = delivery.id_of_call({"x-id": told}, ("x-id",), b"abc")

    of_body = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert (told if kept else of_body) == found


def test_a_default_branch_that_cannot_be_one_is_none() -> None:
    told = [json.loads(json.dumps({"repository": {"default_branch": name}})) for name in ("main", "a b", "", None, 7)]

    assert [delivery.default_branch(each) for each in told] == ["main", None, None, None, None]
