"""What is acknowledged: a finding that is known is hidden for a time; no status changes by it."""

import datetime as dt
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from ctci import clock, ledger, shape
from ctci.api import inputs, outputs
from ctci.api.operation import Context, Known, Operation
from ctci.api.problem import ApiError, not_found
from ctci.model import ACK_DAYS, Ack, Tier

#: Characters of a finding's message that are kept with its acknowledgement.
SAID = 300

Mark = Annotated[
    str,
    Field(pattern="^[0-9a-f]{4,32}$", description="A finding's fingerprint, or four digits or more of its beginning."),
]


class Acks(Known):
    """Of which projects."""

    project: inputs.Names = []


class Acknowledge(Known):
    """What is known, until when and why."""

    project: inputs.Name
    fingerprint: Mark
    until: Annotated[inputs.Day, Field(description="The last day on which it is hidden.")]
    why: Annotated[str, Field(min_length=1, max_length=1000, pattern=r"^[^\x00-\x1f\x7f]*$")]


class AckPlace(Known):
    """A finding of a project."""

    project: inputs.Name
    fingerprint: Mark


class AckWhole(outputs.Acknowledged):
    """What is acknowledged, with the finding as it was then."""

    fingerprint: str
    project: str
    finding: str


class AckList(outputs.Given):
    """What is acknowledged, what ends first first."""

    items: list[AckWhole]
    next: str | None


def _acks(context: Context, query: Acks, _: None) -> Mapping[str, Any]:
    among = context.among(query.project)
    now = clock.now()
    found = [each for each in ledger.acks_(context.db) if among is None or each.project in among]
    return shape.items([shape.ack(each, now) for each in found])


def _acknowledge(context: Context, _: object, body: Acknowledge) -> Mapping[str, Any]:
    project = _seen(context, body.project)
    last, today = body.until, clock.local(clock.now()).date()
    if not dt.timedelta(0) <= last - today <= dt.timedelta(days=ACK_DAYS):
        why = "is over" if last < today else "is more than two years away"
        raise ApiError("invalid", f"{last} {why}.", errors=[{"pointer": "/until", "detail": why}])
    named = ledger.findings_named(context.db, body.fingerprint, within={project})
    if not named:
        raise not_found(f"finding {body.fingerprint} in {project}")
    _one(body.fingerprint, [each.fingerprint for _, each in named])
    finding = named[0][1]
    made = ledger.ack(
        context.db,
        project=project,
        fingerprint=finding.fingerprint,
        said=f"{finding.spot}: {' '.join(finding.message.split())[:SAID]}",
        until=clock.end_of(last),
        why=body.why,
        by=context.visitor.name,
    )
    context.did(f"acknowledged {made.fingerprint[:8]}", project=project)
    return shape.ack(made, clock.now())


def _lift(context: Context, query: AckPlace, _: None) -> Mapping[str, Any]:
    project = _seen(context, query.project)
    every = ledger.acks_(context.db, project=project)
    named: list[Ack] = [each for each in every if each.fingerprint.startswith(query.fingerprint)]
    if not named:
        raise not_found(f"acknowledgement of {query.fingerprint} in {project}")
    _one(query.fingerprint, [each.fingerprint for each in named])
    ledger.lift(context.db, project=project, fingerprint=named[0].fingerprint, by=context.visitor.name)
    context.did(f"showed {named[0].fingerprint[:8]} again", project=project)
    return shape.ack(named[0], clock.now())


def _seen(context: Context, project: str) -> str:
    """A project that who asks may see, also one that is configured no more. Raises ApiError."""
    if not context.sees(project):
        raise not_found(f"project {project}")
    return project


def _one(beginning: str, marks: list[str]) -> None:
    """Raises ApiError where a beginning is of several."""
    if len(marks) > 1:
        raise ApiError("conflict", f"{beginning} may be {', '.join(marks[:5])}: write more of it.")


OPERATIONS = (
    Operation(
        name="list_acks",
        method="GET",
        path="/acks",
        tier=Tier.READ,
        summary="What is acknowledged, in force or lapsed.",
        query=Acks,
        answer=AckList,
        do=_acks,
        tag="findings",
    ),
    Operation(
        name="acknowledge",
        method="POST",
        path="/acks",
        tier=Tier.TRIGGER,
        summary="Hide a finding that is known up to the end of a day; no status changes by it.",
        body=Acknowledge,
        answer=AckWhole,
        status=201,
        do=_acknowledge,
        refusals=("not_found", "conflict"),
        tag="findings",
    ),
    Operation(
        name="lift_ack",
        method="DELETE",
        path="/acks/{project}/{fingerprint}",
        tier=Tier.TRIGGER,
        summary="Show a finding again that was acknowledged.",
        query=AckPlace,
        answer=AckWhole,
        do=_lift,
        refusals=("not_found", "conflict"),
        tag="findings",
    ),
)
