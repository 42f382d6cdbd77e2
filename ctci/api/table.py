"""Every operation of the API, found by its name or its place; and the one way in which each of them is called."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pydantic import BaseModel, ValidationError

from ctci.api import (
    access,
    acks,
    actions,
    comparing,
    deliveries,
    digests,
    examples,
    live,
    logs,
    naming,
    projects,
    runs,
    schedules,
    server,
    verdicts,
)
from ctci.api.operation import Context, Operation
from ctci.api.problem import ApiError

OPERATIONS: tuple[Operation, ...] = (
    *projects.OPERATIONS,
    *verdicts.OPERATIONS,
    *runs.OPERATIONS,
    *logs.OPERATIONS,
    *live.OPERATIONS,
    *actions.OPERATIONS,
    *deliveries.OPERATIONS,
    *acks.OPERATIONS,
    *naming.OPERATIONS,
    *access.OPERATIONS,
    *server.OPERATIONS,
    *schedules.OPERATIONS,
    *comparing.OPERATIONS,
    *digests.OPERATIONS,
)
OPERATIONS = tuple(
    replace(
        each,
        example=each.example or examples.ANSWERS.get(each.name, {}),
        body_example=each.body_example or examples.BODIES.get(each.name, {}),
    )
    for each in OPERATIONS
)
_NAMED = {operation.name: operation for operation in OPERATIONS}
if len(_NAMED) != len(OPERATIONS):
    raise AssertionError("two operations have one name")


def find(name: str) -> Operation:
    """The operation of that name. Raises KeyError."""
    return _NAMED[name]


def call(operation: Operation, context: Context, query: Mapping[str, Any], body: object = None) -> Mapping[str, Any]:
    """Check who asks and what is asked, then do it. Raises ApiError."""
    if not context.visitor.may(operation.tier):
        who = f"a token of the tier {context.visitor.tier}" if context.visitor.tier else "a visitor"
        raise ApiError("not_allowed", f"This takes the tier {operation.tier}, and {who} asked.")
    if operation.whole and not context.visitor.sees_all:
        raise ApiError("not_allowed", "This is about all projects, and your token is for some of them.")
    asked = _checked(operation.query, query, "")
    given = _checked(operation.body, {} if body is None else body, "/") if operation.body is not None else None
    return operation.do(context, asked, given)


def _checked(model: type[BaseModel], given: object, at: str) -> BaseModel:
    try:
        return model.model_validate(given)
    except ValidationError as error:
        # Of a value only what is wrong with it is told, never the value: it may be a secret in the wrong place.
        wrong = [
            {"pointer": at + "/".join(_step(step) for step in each["loc"]), "detail": each["msg"]}
            for each in error.errors(include_input=False, include_url=False, include_context=False)
        ]
        first = wrong[0]
        raise ApiError("invalid", f"{first['pointer'] or 'the body'}: {first['detail']}", errors=wrong) from None


def _step(step: str | int) -> str:
    """A step of a JSON pointer (RFC 6901)."""
    return str(step).replace("~", "~0").replace("/", "~1")
