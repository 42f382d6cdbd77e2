"""Findings by their names, which are the beginnings of their fingerprints: as pages and terminals print them."""

from collections.abc import Mapping
from typing import Any

from ctci import ledger, shape
from ctci.api import acks, inputs, outputs
from ctci.api.operation import Context, Known, Operation
from ctci.model import Tier


class Named(Known):
    """Which name, and of which projects."""

    fingerprint: acks.Mark
    project: inputs.Names = []


class NamedFinding(outputs.Given):
    """A finding as it was last seen in a project; `spot` is its place in one word."""

    project: str
    spot: str
    finding: outputs.FindingSaid


class NamedFindings(outputs.Given):
    """Those that begin so, the newest first, 20 of each project at most."""

    items: list[NamedFinding]
    next: str | None


def _named(context: Context, query: Named, _: None) -> Mapping[str, Any]:
    found = ledger.findings_named(context.db, query.fingerprint, within=context.among(query.project))
    return shape.items(
        [{"project": project, "spot": each.spot, "finding": shape.finding_said(each)} for project, each in found]
    )


OPERATIONS = (
    Operation(
        name="find_findings",
        method="GET",
        path="/findings",
        tier=Tier.READ,
        summary="The findings that a name may be of.",
        query=Named,
        answer=NamedFindings,
        do=_named,
        tag="findings",
    ),
)
