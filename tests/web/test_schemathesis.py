"""The whole API under fire: a tester that makes calls of the document, fitting and unfitting ones, for each tier.

CTCI_FUZZ_API=2000 makes as many cases of each operation, other ones at each run, and takes its time.
"""

import os
from collections.abc import Iterator
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi import checks

from ctci import ledger
from ctci.api import document
from ctci.model import Tier
from ctci.web import rates
from tests.web.site import Site, standing

MORE = os.environ.get("CTCI_FUZZ_API")
CASES = int(MORE or 20)
CHECKS = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
    checks.negative_data_rejection,
]
SCHEMA = schemathesis.openapi.from_dict(document.document("http://127.0.0.1/"))
SCHEMA.config.generation.with_security_parameters = False
# Nothing happens there: after its first event a stream would be waited for in vain.
SCHEMA.config.max_stream_events = 1
OPERATIONS = {
    each.definition.raw["operationId"]: each
    for each in (found.ok() for found in SCHEMA.get_all_operations() if isinstance(found, Ok))
}
#: What there is, so that calls get farther than to "there is none".
THERE = {
    "project": ("shop", "dotfiles"),
    "run": (1, 2, 3, 4),
    "job": (1, 2, 3, 4),
    "recipe": ("test",),
    "sub": ("api",),
}
#: A word that stands in nothing but what may not be seen.
HIDDEN = "shop"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A server that lets everybody call as fast as they like, and shows nothing to who has no token."""
    with pytest.MonkeyPatch.context() as patch, standing(tmp_path_factory.mktemp("fuzz")) as site:
        patch.setattr(rates, "SIZE", 10**9)
        site.listen(public="badges")
        yield site


@pytest.fixture(scope="module")
def callers(served: Site) -> dict[str, dict[str, str]]:
    """Headers by who calls: nobody, a token of each tier, and one that sees only one project."""

    def bearer(name: str, tier: Tier, *only: str) -> dict[str, str]:
        made = ledger.new_token(served.db, name=name, tier=tier, by="ana", projects=only)
        return {"Authorization": f"Bearer {made[1]}", "Accept-Encoding": "identity"}

    tiers = {str(tier): bearer(str(tier), tier) for tier in Tier}
    return {"nobody": {}, **tiers, "neighbour": bearer("neighbour", Tier.TRIGGER, "dotfiles")}


@pytest.mark.timeout(0 if MORE else 60)
@pytest.mark.parametrize("name", OPERATIONS)
def test_whatever_is_called_is_answered_as_documented(
    served: Site, callers: dict[str, dict[str, str]], name: str
) -> None:
    operation = OPERATIONS[name]
    parameters = operation.path_parameters
    fitting, unfitting = (operation.as_strategy(generation_mode=mode) for mode in GenerationMode)
    strange = st.one_of(fitting, unfitting) if operation.query or operation.body or parameters else fitting
    with requests.Session() as session:

        @settings(
            max_examples=CASES,
            deadline=None,
            derandomize=MORE is None,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(
            case=strange,
            there=st.fixed_dictionaries({each: st.sampled_from(THERE[each]) for each in THERE}),
            real=st.booleans(),
        )
        def called(case: Any, there: dict[str, Any], *, real: bool) -> None:
            if real:
                # What has no real one here stays made up.
                case.path_parameters.update({each: there[each] for each in case.path_parameters or () if each in there})
            for who, headers in callers.items():
                answer = case.call(base_url=f"http://127.0.0.1:{served.port}/api/v1", session=session, headers=headers)
                case.validate_response(answer, checks=CHECKS, headers=headers)
                if who == "neighbour" and HIDDEN not in f"{answer.request.url}{answer.request.body!r}":
                    assert HIDDEN not in answer.text

        called()
