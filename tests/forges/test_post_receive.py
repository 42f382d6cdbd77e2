"""post_receive: what our own hook says of a push, and whom it shows the secret."""

import base64

import pytest

from ctci.forges import post_receive
from ctci.forges.delivery import BadPayload
from ctci.model import Ignored, Trigger
from tests.forges import calls
from tests.forges.calls import NEW, OLD, SECRET, TAG, ZERO

UUID = "1b9d6bcd-bbfd-4b2d-9b5d-ab8dfbbd4bed"
HEADERS = {
    "content-type": "text/plain",
    "x-ctci-event": "post-receive",
    "x-ctci-delivery": UUID,
    "x-ctci-time": "1795600800",
    "x-ctci-repository": "/srv/git/acme/shop.git",
    "x-ctci-pusher": "ana",
}


def read(body: bytes, **headers: str) -> tuple[Trigger | Ignored, ...]:
    more = {f"x-ctci-{name}": value for name, value in headers.items()}
    return post_receive.read({**HEADERS, **more}, body)


def moved(ref: str, before: str = OLD, after: str = NEW) -> bytes:
    return f"{before} {after} {ref}\n".encode()


def coded(*options: bytes) -> str:
    """As the web joins a header that came several times."""
    return ",".join(base64.b64encode(each).decode() for each in options)


def test_each_line_has_its_own_decision() -> None:
    body = (
        moved("refs/heads/main")
        + moved("refs/tags/v1", ZERO, TAG)
        + moved("refs/heads/old", OLD, ZERO)
        + moved("refs/tags/old", OLD, ZERO)
        + moved("refs/notes/commits")
        + moved("refs/heads/" + "x" * 1100)
    )

    found = read(body)

    assert (
        Trigger(
            kind="push", key=f"hook:{UUID}:refs/heads/main", ref="refs/heads/main", before=OLD, after=NEW, pusher="ana"
        ),
        Trigger(kind="tag", key=f"hook:{UUID}:refs/tags/v1", ref="refs/tags/v1", after=TAG, pusher="ana"),
        Ignored(reason="the branch was deleted; nothing to build", ref="refs/heads/old", pusher="ana", deleted=True),
        Ignored(reason="the tag was deleted; nothing to build", ref="refs/tags/old", pusher="ana", deleted=True),
        Ignored(reason="refs/notes/commits is neither a branch nor a tag", ref="refs/notes/commits", pusher="ana"),
        Ignored(reason=f"the name refs/heads/{'x' * 49}… has more than 1024 bytes, which is not built", pusher="ana"),
    ) == found


@pytest.mark.parametrize(
    "name", ["-rf", "--upload-pack=x", "a;b$(id)", "'\"`|&<>", "größe", "refs/heads/main", "x" * 200, "a\u0085b"]
)
def test_a_hostile_but_legal_name_is_taken_as_it_is(name: str) -> None:
    (found,) = read(moved(f"refs/heads/{name}"))

    assert isinstance(found, Trigger)
    assert f"refs/heads/{name}" == found.ref


def test_a_name_that_is_not_utf_8_is_told_and_does_not_hurt_its_neighbours() -> None:
    line = f"{OLD} {NEW} ".encode() + b"refs/heads/caf\xe9\n"

    odd, good = read(line + moved("refs/heads/main"))

    assert Ignored(reason="the name of refs/heads/caf� is not UTF-8, which is not built", pusher="ana") == odd
    assert good.ref == "refs/heads/main"


def test_ids_of_64_digits_are_ids() -> None:
    (new,) = read(moved("refs/heads/main", "0" * 64, "ab" * 32))
    (gone,) = read(moved("refs/heads/main", "ab" * 32, "0" * 64))

    assert isinstance(new, Trigger)
    assert (new.before, new.after) == (None, "ab" * 32)
    assert isinstance(gone, Ignored)
    assert gone.deleted


def test_a_last_line_without_its_end_is_read() -> None:
    assert len(read((moved("refs/heads/a") + moved("refs/heads/b")).removesuffix(b"\n"))) == 2


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "the body has no line"),
        (b"\n", "a line is not `old new ref`"),
        (moved("refs/heads/main") + b"\n", "a line is not `old new ref`"),
        (f"{OLD} {NEW}\n".encode(), "a line is not `old new ref`"),
        (moved("refs/heads/main", "x"), "`before` is not an object id"),
        (moved("refs/heads/main", OLD, NEW[:12]), "`after` is not an object id"),
        (b"\xff" * 40 + b" " + NEW.encode() + b" refs/heads/main\n", "`before` is not an object id"),
        (moved("refs/heads/a b"), "a line does not name a ref"),
        (moved("refs/heads/a\r"), "a line does not name a ref"),
        (moved("refs/heads/a\0"), "a line does not name a ref"),
        (moved("main"), "a line does not name a ref"),
        (moved("refs/heads/x") * 3001, "a push may move 3000 refs, and this one moved 3001"),
    ],
)
def test_a_body_that_git_never_wrote_is_refused_in_words(body: bytes, why: str) -> None:
    with pytest.raises(BadPayload) as refused:
        read(body)

    assert why == str(refused.value)


def test_as_many_refs_as_may_be_are_read() -> None:
    assert len(read(b"".join(moved(f"refs/heads/x{n}") for n in range(3000)))) == 3000


def test_another_event_is_refused() -> None:
    with pytest.raises(BadPayload, match="X-CTCI-Event is not post-receive"):
        read(moved("refs/heads/main"), event="update")


def test_push_options_are_kept_verbatim() -> None:
    (found,) = read(moved("refs/heads/main"), option=coded(b"ci.skip", b" note=a, b", "größe".encode()))

    assert isinstance(found, Trigger)
    assert found.options == ("ci.skip", " note=a, b", "größe")


@pytest.mark.parametrize("joined", [", ", ","])
def test_options_may_be_joined_with_a_blank(joined: str) -> None:
    (found,) = read(moved("refs/heads/main"), option=joined.join([coded(b"a"), "", coded(b"b")]))

    assert isinstance(found, Trigger)
    assert found.options == ("a", "b")


def test_no_more_options_are_kept_than_the_hook_sends() -> None:
    (found,) = read(moved("refs/heads/main"), option=coded(*[b"x"] * 60))

    assert isinstance(found, Trigger)
    assert found.options == ("x",) * 50


def test_an_option_of_any_bytes_is_one_that_can_be_written_down() -> None:
    (found,) = read(moved("refs/heads/main"), option=coded(b"\xff\xed\xa0\x80"))

    assert isinstance(found, Trigger)
    assert found.options[0][0] == "�"
    assert found.options[0].encode()


@pytest.mark.parametrize("told", ["ci.skip", "größe", "YQ=", "\xff"])
def test_an_option_that_is_not_base64_is_refused(told: str) -> None:
    with pytest.raises(BadPayload, match="X-CTCI-Option is not base64"):
        read(moved("refs/heads/main"), option=told)


def test_a_call_without_an_id_is_named_by_its_body() -> None:
    body = moved("refs/heads/main")

    (found,) = read(body, delivery="")

    assert isinstance(found, Trigger)
    assert f"hook:{calls.digest(body)}:refs/heads/main" == found.key


@pytest.mark.parametrize(("told", "expected"), [("ana", "ana"), ("", None), ("a\x1bb", "a b"), (" \t", None)])
def test_the_pusher_is_a_printable_name_or_none(told: str, expected: str | None) -> None:
    assert expected == read(moved("refs/heads/main"), pusher=told)[0].pusher


# --- who is believed -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (f"Bearer {SECRET.decode()}", True),
        (f"bearer  {SECRET.decode()} ", True),
        (f"Bearer {SECRET.decode()}x", False),
        (f"Bearer {SECRET.decode()[:-1]}", False),
        (f"Basic {SECRET.decode()}", False),
        (SECRET.decode(), False),
        ("Bearer größe\xff", False),
        ("Bearer \u20ac\ud800", False),
        ("Bearer ", False),
        ("", False),
    ],
)
def test_the_secret_is_shown_as_a_bearer(given: str, expected: bool) -> None:
    assert expected == post_receive.authentic({**HEADERS, "authorization": given}, b"", SECRET)


def test_without_a_secret_nobody_is_believed() -> None:
    assert not post_receive.authentic({**HEADERS, "authorization": "Bearer "}, b"", b"")
    assert not post_receive.authentic(HEADERS, b"", SECRET)


@pytest.mark.parametrize("secret", ["größe", "voilà", "\u0405"])
def test_a_secret_that_is_not_ascii_is_compared_byte_by_byte(secret: str) -> None:
    # A server hands headers over in Latin-1: the last byte of `voilà` is then a no-break space.
    headers = {**HEADERS, "authorization": f"Bearer {secret}".encode().decode("latin-1")}

    assert post_receive.authentic(headers, b"", secret.encode())
