"""Whatever is sent, every reader answers with decisions or with BadPayload, and nothing else."""

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ctci import forges
from ctci.forges.delivery import BadPayload
from ctci.model import Ignored, Trigger
from tests.forges import calls

#: Bodies over all forges; 20,000 by CTCI_FUZZ=20000 (README, Contribute).
COUNT = int(os.environ.get("CTCI_FUZZ", "2000"))
NAMES = {
    forge: sorted(path.stem for path in calls.SAMPLES.joinpath(forge).glob("*.json")) for forge in sorted(calls.HEADERS)
}
SAMPLES = [(forge, name) for forge, names in NAMES.items() for name in names]
LINES = [
    f"{before} {after} {ref}\n".encode()
    for before, after, ref in (
        (calls.OLD, calls.NEW, "refs/heads/main"),
        (calls.ZERO, calls.TAG, "refs/tags/v1"),
        (calls.OLD, calls.ZERO, "refs/heads/gone"),
        (calls.OLD, calls.NEW, "refs/notes/commits"),
    )
]

odd_text = st.text(st.characters(), max_size=20) | st.sampled_from(
    ["\ud800", "\0", "refs/heads/", "refs/heads/\ud800", "refs/heads/-rf", "x" * 2000, calls.ZERO, "0" * 64, "A" * 40]
)
odd = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | odd_text | st.just(10**400),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(odd_text, inner, max_size=3),
    max_leaves=6,
)
#: What no JSON library writes.
nonsense = st.sampled_from(
    [
        b"[" * 50_000,
        b'{"ref":' * 50_000,
        b'{"after": ' + b"9" * 5000 + b"}",
        b'{"ref": NaN}',
        b"\xff\xfe{\x00}\x00",
        b"",
    ]
)


#: What some reader looks at, at any depth: every word that their sources quote.
SOURCES = Path(forges.__file__).parent.glob("*.py")
LOOKED_AT = sorted({word for path in SOURCES for word in re.findall(r'"(\w+)"', path.read_text(encoding="utf-8"))})


@st.composite
def json_bodies(draw: st.DrawFn, forge: str, name: str) -> bytes:
    """A sample with fields at any depth replaced, added or taken away, then perhaps with bytes changed."""
    plain = calls.plain(forge, name)
    for _ in range(draw(st.integers(0, 3))):
        place: Any = plain
        while True:
            keys = list(range(len(place))) if isinstance(place, list) else sorted(place.keys() & LOOKED_AT)
            key = draw(st.sampled_from(keys or LOOKED_AT))
            inner = place[key] if key in keys else None
            if not isinstance(inner, dict | list) or not inner or not draw(st.integers(0, 2)):
                break
            place = inner
        if draw(st.integers(0, 5)):
            place[key] = draw(odd)
        elif key in keys:
            del place[key]
    raw = json.dumps(plain, ensure_ascii=draw(st.booleans())).encode("utf-8", "surrogatepass")
    # Bytes changed at random mostly leave no JSON, and the readers are behind it.
    return draw(mutated(raw)) if draw(st.integers(0, 4)) == 3 else raw


@st.composite
def mutated(draw: st.DrawFn, raw: bytes) -> bytes:
    """Half of the time as it is; else cut, or with some bytes replaced by others."""
    if draw(st.booleans()):
        return raw
    at = draw(st.integers(0, len(raw)))
    return raw[:at] + draw(st.binary(max_size=4)) + raw[at + draw(st.integers(0, 40)) :] * draw(st.integers(0, 1))


@st.composite
def hostile(draw: st.DrawFn) -> tuple[str, dict[str, str], bytes]:
    """(forge, headers, body) of a call that is nearly right."""
    forge = draw(st.sampled_from(sorted(forges.SPOKEN)))
    header = st.text(st.characters(max_codepoint=255), max_size=30)
    if forge == "post_receive":
        lines = st.lists(st.sampled_from(LINES), min_size=1, max_size=3).map(b"".join)
        body = draw(lines.flatmap(mutated) | st.binary(max_size=100))
        headers = {"x-ctci-event": "post-receive", "x-ctci-pusher": draw(header), "x-ctci-delivery": draw(header)}
        return forge, headers | draw(st.sampled_from([{}, {"x-ctci-option": draw(header)}])), body
    name = draw(st.sampled_from(NAMES[forge]))
    body = draw(nonsense | st.binary(max_size=100)) if draw(st.integers(0, 9)) == 7 else draw(json_bodies(forge, name))
    event = draw(st.sampled_from([calls.event(forge, name)] * 9 + [draw(header)]))
    headers = calls.HEADERS[forge](event, body)
    if forge == "gitlab" and draw(st.booleans()):
        headers |= {"webhook-id": draw(header), "webhook-timestamp": draw(header), "webhook-signature": draw(header)}
    if draw(st.integers(0, 4)) == 3:
        body = draw(mutated(calls.form(body)))
        headers["content-type"] = calls.FORM
    return forge, headers, body


def check(forge: str, headers: Mapping[str, str], body: bytes) -> str:
    """What came of it; whatever it is must be fit to be written down and shown."""
    spoken = forges.SPOKEN[forge]
    for secret in (calls.SECRET, calls.SIGNING):
        assert spoken.authentic(headers, body, secret) in (True, False)
    assert forges.unsigned_test(forge, headers, body) in (True, False)
    assert forges.out_of_time(forge, headers, 1.8e9) in (True, False)
    assert len(spoken.event(headers)) <= 200
    assert 0 < len(spoken.delivery_id(headers, body)) <= 200
    try:
        found = spoken.read(headers, body)
    except BadPayload as error:
        assert str(error).isprintable()  # noqa: PT017 - either outcome is right
        return "refused"
    assert found
    for item in found:
        json.dumps([item.ref, item.pusher, item.repository], ensure_ascii=False).encode()
        if isinstance(item, Trigger):
            assert item.kind in ("push", "tag")
            # An old Gogs does not tell where a new tag stands.
            assert item.after or (forge, item.kind) == ("gogs", "tag")
            assert item.after is None or item.after.strip("0")
            assert (item.repository is None) == (forge == "post_receive")
            json.dumps([item.key, item.default_branch, item.options], ensure_ascii=False).encode()
        else:
            assert item.reason
            item.reason.encode()
    return "ignored" if isinstance(found[0], Ignored) else "taken"


def test_no_made_or_mutated_body_is_anything_but_decided_or_refused() -> None:
    seen: set[tuple[str, str]] = set()

    @settings(
        max_examples=COUNT,
        deadline=None,
        database=None,
        derandomize="CTCI_FUZZ" not in os.environ,
        suppress_health_check=list(HealthCheck),
    )
    @given(call=hostile())
    def throw(call: tuple[str, dict[str, str], bytes]) -> None:
        seen.add((call[0], check(*call)))

    throw()

    # They reached each reader's end, and not all of them died at its door.
    assert {(forge, end) for forge in forges.SPOKEN for end in ("taken", "ignored", "refused")} == seen


def placed(plain: Any, inner: Any) -> list[Any]:
    """`plain` once for each of its places (the lists' first), with `inner` there."""
    found: list[Any] = [inner]
    if isinstance(plain, dict):
        found += [{**plain, key: deep} for key, value in plain.items() for deep in placed(value, inner)]
    elif isinstance(plain, list) and plain:
        found += [[deep, *plain[1:]] for deep in placed(plain[0], inner)]
    return found


@pytest.mark.parametrize(("forge", "name"), SAMPLES)
def test_null_in_any_place_is_decided_or_refused(forge: str, name: str) -> None:
    ends = []
    for plain in placed(calls.plain(forge, name), None):
        body = json.dumps(plain).encode()
        ends.append(check(forge, calls.headers(forge, name, body), body))

    # The first is null as a whole; null where nobody looks changes nothing.
    assert ends[0] == "refused"
    assert len(ends) - ends.count("refused") > min(3, len(ends) - 2)


@pytest.mark.parametrize("depth", [100, 800])
@pytest.mark.parametrize(("forge", "name"), SAMPLES)
def test_a_deep_nest_in_any_place_is_decided_or_refused(forge: str, name: str, depth: int) -> None:
    mark = "in this place"
    for plain in placed(calls.plain(forge, name), mark):
        text = json.dumps(plain)
        for nest in ("[" * depth + "]" * depth, '{"a":' * depth + "1" + "}" * depth):
            body = text.replace(json.dumps(mark), nest).encode()
            check(forge, calls.headers(forge, name, body), body)


@pytest.mark.parametrize(("forge", "name"), SAMPLES)
def test_every_sample_is_what_its_forge_signs_and_sends(forge: str, name: str) -> None:
    body = calls.sample(forge, name)
    headers = calls.headers(forge, name, body)

    assert forge == forges.detect(headers)
    assert forges.SPOKEN[forge].authentic(headers, body, calls.SECRET)
    assert calls.event(forge, name) == forges.SPOKEN[forge].event(headers)
    assert check(forge, headers, body) in ("taken", "ignored")
