"""Who is believed: every forge that signs with HMAC, by the header that it signs in. GitLab has a test of its own."""

import hashlib
import hmac

import pytest

from ctci import forges
from tests.forges import calls
from tests.forges.calls import SECRET

#: Forge -> the header that holds its signature.
SIGNATURES = {
    "github": "x-hub-signature-256",
    "gitea": "x-gitea-signature",
    "forgejo": "x-forgejo-signature",
    "gogs": "x-gogs-signature",
    "bitbucket": "x-hub-signature",
    "bitbucket-dc": "x-hub-signature",
}
BODY = '{"name": "Größe"}'.encode()
# openssl dgst -sha256 -hmac SECRET
VECTORS = [
    (b"a-long-secret-for-tests", "4400006c9b5c9fdbb6756d1b5e0cdd633ef0706427abcca1fd0ecf73a3191007"),
    (b"gro\\ss", "14073cc985cd6008cb6d4400f0275d2e6c3952140bcad417f4646417c4e6f9a1"),
]
every = pytest.mark.parametrize("forge", sorted(SIGNATURES))


def believed(forge: str, given: str, *, secret: bytes = SECRET, body: bytes = BODY) -> bool:
    """Whether a call is believed whose own signature header says `given`, and whose other headers are good."""
    headers = {**calls.HEADERS[forge]("push", BODY), SIGNATURES[forge]: given}
    return forges.SPOKEN[forge].authentic(headers, body, secret)


@every
@pytest.mark.parametrize(("secret", "mac"), VECTORS)
def test_a_vector_made_by_another_tool_is_believed(forge: str, secret: bytes, mac: str) -> None:
    assert believed(forge, mac, secret=secret)
    assert believed(forge, f"sha256={mac}", secret=secret)
    assert believed(forge, mac.upper(), secret=secret)
    assert not believed(forge, mac, secret=secret + b"x")


@every
@pytest.mark.parametrize("secret", [b"x", "größe & söhne".encode(), b"\xff\xfe", b"x" * 64, b"x" * 65, b"x" * 5000])
def test_a_secret_of_any_length_is_a_key(forge: str, secret: bytes) -> None:
    # RFC 2104 by hand: independent of the hmac module's own way.
    block = (hashlib.sha256(secret).digest() if len(secret) > 64 else secret).ljust(64, b"\0")
    inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in block) + BODY).digest()
    mac = hashlib.sha256(bytes(byte ^ 0x5C for byte in block) + inner).hexdigest()

    assert believed(forge, mac, secret=secret)
    assert hmac.compare_digest(mac, calls.mac(BODY, secret=secret))


MAC = VECTORS[0][1]


@every
@pytest.mark.parametrize(
    "given",
    [
        "",
        " ",
        "sha256=",
        MAC[:-1],
        MAC + "0",
        "0" * 64,
        f"sha1={MAC}",
        f"sha1={calls.mac(BODY, digest='sha1')}",
        calls.mac(BODY, digest="sha1"),
        f"sha256=sha256={MAC}",
        # It came twice: neither the good one nor the other is picked.
        f"{MAC},{MAC}",
        f"sha256={MAC}, sha256={MAC}",
        f"{'0' * 64},{MAC}",
        "größe\xff",
        "\u20ac" * 64,
        "\ud800",
        "\0",
        "x" * 100_000,
    ],
)
def test_anything_else_is_not_believed_and_raises_nothing(forge: str, given: str) -> None:
    assert not believed(forge, given)


@every
def test_what_was_not_signed_is_not_believed(forge: str) -> None:
    assert believed(forge, MAC)
    for body in (b"", BODY + b" ", BODY[:-1], BODY.replace(b" ", b"")):
        assert not believed(forge, MAC, body=body)


@every
def test_without_a_signature_or_a_secret_nothing_is_believed(forge: str) -> None:
    unsigned = {name: value for name, value in calls.HEADERS[forge]("push", BODY).items() if "signature" not in name}

    assert not forges.SPOKEN[forge].authentic(unsigned, BODY, SECRET)
    assert not forges.SPOKEN[forge].authentic({}, BODY, SECRET)
    assert not believed(forge, calls.mac(BODY, secret=b""), secret=b"")
