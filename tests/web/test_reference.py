"""The page of the API, and the examples in its document."""

import re
from collections.abc import Mapping
from typing import Any, get_args

import pytest

from ctci import api
from ctci.api import examples, outputs
from ctci.api.problem import CODES, MEANS
from tests.web.site import Site
from tests.web.test_api import DOCUMENT, strict, told

NAMED = {operation.name: operation for operation in api.OPERATIONS}


@pytest.mark.parametrize("name", examples.ANSWERS)
def test_an_example_is_what_its_operation_gives(name: str) -> None:
    model, example = NAMED[name].answer, examples.ANSWERS[name]

    _whole(model, example)
    _whole(strict(model), example)


def _whole(model: type[Any], example: Mapping[str, Any]) -> None:
    """Raises where a field is missing, or is one that nobody knows."""
    model.model_validate(example)
    if "items" not in example:
        assert example.keys() == model.model_fields.keys()
        return
    (item,) = get_args(model.model_fields["items"].annotation)
    assert issubclass(item, outputs.Given)
    for each in example["items"]:
        _whole(item, each)


@pytest.mark.parametrize("name", examples.BODIES)
def test_an_example_is_what_its_operation_takes(name: str) -> None:
    body = NAMED[name].body

    assert body is not None
    body.model_validate(examples.BODIES[name])


def test_the_page_tells_of_every_operation_and_of_every_problem(site: Site) -> None:
    page = site.get("/docs/api")

    assert page.h1 == f"{len(api.OPERATIONS)} operations at {DOCUMENT['servers'][0]['url']}"
    for path, methods in DOCUMENT["paths"].items():
        for method, said in methods.items():
            assert (
                f'<h3 id="{said["operationId"]}"><a href="#{said["operationId"]}">{method.upper()} {path}' in page.text
            )
    ids = re.findall(r'id="([^"]+)"', page.text)
    assert len(ids) == len(set(ids))
    assert {f"problem-{code}" for code in CODES} <= set(ids)
    assert CODES.keys() == MEANS.keys()
    assert 'href="/docs/api">API</a>' in page.text
    # What a line to copy needs is in it.
    curls = re.findall(r'<pre class="term wrapl">(curl .*)</pre>', page.text)
    assert len(curls) == len(api.OPERATIONS)
    assert not [curl for curl in curls if "{" in curl.partition(" -d ")[0]]


def test_a_problem_leads_to_where_it_is_told_of(site: Site) -> None:
    plain = told(site.get("/api/v1/nothing"))
    site.listen(public_url="https://example.org/ci/")
    below = told(site.get("/api/v1/runs/9"))

    assert plain["type"] == "/docs/api#problem-not_found"
    assert below["type"] == "/ci/docs/api#problem-not_found"
