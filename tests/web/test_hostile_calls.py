"""Calls of every forge that are nearly right, through the door of a real server: each is decided, with a reason.

CTCI_FUZZ_HTTP=20000 makes ten times as many.
"""

import http.client
import itertools
import json
import os
from collections import Counter
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ctci import forges, ledger
from tests.forges import calls
from tests.forges.test_hostile import hostile
from tests.serving import Served, in_memory

FUZZ = int(os.environ.get("CTCI_FUZZ_HTTP", "2000"))


@pytest.fixture
def served() -> Iterator[Served]:
    with in_memory() as folder:
        yield Served(folder / "ci")


@pytest.mark.timeout(max(FUZZ // 5, 120))
def test_no_call_of_any_forge_makes_an_error_and_each_is_kept_with_a_reason(served: Served) -> None:
    tables = [
        f"""
        [{table}.{name}]
        git = "https://git.example.org/{"scm/shop" if name == "bitbucket-dc" else "acme"}/{called}.git"
        forge = "{name}"
        webhook-secret = {{ file = "secret" }}
        recipes.test = "true"
        """
        for name in calls.HEADERS
        for table, called in (("projects", "shop"), ("each", "{name}"))
    ]
    served.configure("\n".join(tables))
    served.keep("secret", calls.SECRET)
    served.start()
    line = http.client.HTTPConnection(served.url.removeprefix("http://").rstrip("/"), timeout=10)
    seen: Counter[tuple[str, bool, int]] = Counter()

    @settings(
        max_examples=FUZZ,
        deadline=None,
        database=None,
        derandomize="CTCI_FUZZ_HTTP" not in os.environ,
        suppress_health_check=list(HealthCheck),
    )
    @given(call=hostile(), named=st.booleans())
    def hurl(call: tuple[str, dict[str, str], bytes], *, named: bool) -> None:
        forge, headers, body = call
        if forge == "post_receive":
            # Its own door is the socket; here it comes as a stranger.
            forge, headers = "github", {**headers, "authorization": f"Bearer {calls.SECRET.decode()}"}
        clean = {name: _sendable(value) for name, value in headers.items()}
        line.request("POST", f"/hooks/{forge}" if named else "/hooks", body, clean)
        answer = line.getresponse()
        text = answer.read()
        seen[forge, named, answer.status] += 1
        assert answer.status < 500, (forge, headers, body)
        said = json.loads(text)
        assert said.get("why") or said.get("detail"), said

    try:
        hurl()
        kept = ledger.deliveries_(served.db, limit=100_000)
    finally:
        line.close()
        served.stop()

    taken = sum(count for (_, _, status), count in seen.items() if status in (200, 202))
    assert {(forge, named) for forge, named, _ in seen} == set(itertools.product(calls.HEADERS, (True, False)))
    # Of what names no project some is believed and built.
    assert sum(count for (_, named, status), count in seen.items() if status == 202 and not named) > 0
    assert set(forges.SPOKEN) - {"post_receive"} == set(calls.HEADERS)
    assert all(each.reason and each.decision for each in kept)
    # Refusals are kept to the newest thousand; what was taken is all there, an entry per ref at least.
    assert len([each for each in kept if each.decision != "refused"]) >= taken
    assert any(each.decision == "refused" for each in kept)
    assert "Traceback" not in served.said()


def _sendable(value: str) -> bytes:
    """As a header may be sent: the parser before us refuses control characters, and says so in plain text."""
    return "".join(letter if letter >= " " and letter != "\x7f" else " " for letter in value).encode("latin-1")
