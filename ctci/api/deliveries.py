"""Calls of hooks with the decision on each, and what was told outside; and each of them once more."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from ctci import ledger, shape, words
from ctci.api import actions, inputs, outputs, paging, visible
from ctci.api.operation import Context, Empty, Known, Operation
from ctci.api.problem import ApiError, not_found
from ctci.model import Delivery, Sending, Tier
from ctci.receive import desk, replaying

#: What can be sent again. A digest cannot: where the next one begins goes by it.
AGAIN = ("mail", "status", "webhook", "apprise", "heartbeat", "trace")


class Deliveries(inputs.Page):
    """Which calls."""

    project: inputs.Names = []
    branch: Annotated[inputs.Name | None, Field(description="Its name, or a full one such as refs/tags/v1.")] = None
    decision: Literal["queued", "ignored", "duplicate", "refused"] | None = None
    run: inputs.Number | None = None


class DeliveryId(Known):
    """A call."""

    delivery: Annotated[str, Field(pattern="^(d_)?[1-9][0-9]{0,17}$", description="Such as d_81.")]


class Sendings(inputs.Page):
    """Which tellings."""

    run: inputs.Number | None = None
    by: Annotated[inputs.Name | None, Field(description="Such as mail, digest, status, webhook, trace.")] = None
    failed: Annotated[bool, Field(description="Only what did not go at its last try, and is wanted still.")] = False


class SendingId(Known):
    """A telling."""

    sending: Annotated[str, Field(pattern="^(s_)?[1-9][0-9]{0,17}$", description="Such as s_81.")]


class DeliveryList(outputs.Given):
    """A page of calls, newest first."""

    items: list[outputs.Delivery]
    next: str | None


class Told(outputs.Given):
    """What somebody outside is told: by mail, status, call and so on; `error` is that of the last try."""

    id: str
    by: str
    to: str
    run: int | None
    due_at: str | None
    sent_at: str | None
    state: str
    tries: int
    error: str | None
    message_id: str | None


class ToldList(outputs.Given):
    """A page of tellings, newest first."""

    items: list[Told]
    next: str | None


def _number(id_: str) -> int:
    return int(id_.partition("_")[2] or id_)


def _deliveries(context: Context, query: Deliveries, _: None) -> Mapping[str, Any]:
    found = ledger.deliveries_(
        context.db,
        ref=visible.full(query.branch),
        run=query.run,
        decision=query.decision,
        before=paging.before(query.cursor),
        within=context.among(query.project),
        limit=query.limit + 1,
    )
    return paging.page(found, query.limit, shape.delivery, number=lambda delivery: delivery.id)


def _of(context: Context, query: DeliveryId) -> Delivery:
    """A delivery that who asks may see. Raises ApiError."""
    found = ledger.delivery(context.db, _number(query.delivery))
    if found is None or not context.sees(found.project):
        raise not_found(f"delivery d_{_number(query.delivery)}")
    return found


def _delivery(context: Context, query: DeliveryId, _: None) -> Mapping[str, Any]:
    return shape.delivery(_of(context, query))


def _replay(context: Context, query: DeliveryId, _: None) -> Mapping[str, Any]:
    found = _of(context, query)
    try:
        made = replaying.replay(context.db, context.settings, found, by=context.visitor.name)
    except desk.DeskError as error:
        raise ApiError("conflict", str(error)) from error
    context.did(f"replayed d_{found.id}", project=found.project, run=made.run)
    return actions.asked(context, made)


def _sendings(context: Context, query: Sendings, _: None) -> Mapping[str, Any]:
    found = ledger.sendings_(
        context.db,
        sink=query.by,
        run=query.run,
        missed=query.failed,
        before=paging.before(query.cursor),
        within=context.within,
        limit=query.limit + 1,
    )
    return paging.page(found, query.limit, lambda sending: told(context, sending), number=lambda sending: sending.id)


def told(context: Context, sending: Sending) -> dict[str, Any]:
    """A telling; whole addresses are for who administers the server."""
    shown = shape.sending(sending)
    if context.visitor.may(Tier.ADMIN):
        return shown
    return {**shown, "to": words.veiled(shown["to"]), "error": words.veiled(shown["error"]) if shown["error"] else None}


def _redeliver(context: Context, query: SendingId, _: None) -> Mapping[str, Any]:
    number = _number(query.sending)
    found = ledger.sendings_(context.db, ids=(number,), within=context.within, limit=1)
    if not found:
        raise not_found(f"sending s_{number}")
    if not ledger.redeliver(context.db, number, sinks=AGAIN):
        why = "is a digest, which another one takes the place of" if found[0].sink not in AGAIN else "is due already"
        raise ApiError("conflict", f"s_{number} {why}.")
    run = ledger.run(context.db, found[0].run) if found[0].run else None
    context.did(f"sent s_{number} again", project=run.project if run is not None else None, run=run.id if run else None)
    return told(context, ledger.sendings_(context.db, ids=(number,), limit=1)[0])


OPERATIONS = (
    Operation(
        name="list_deliveries",
        method="GET",
        path="/deliveries",
        tier=Tier.READ,
        summary="Calls of hooks, newest first, with the decision on each and its reason.",
        query=Deliveries,
        answer=DeliveryList,
        do=_deliveries,
        tag="deliveries",
    ),
    Operation(
        name="get_delivery",
        method="GET",
        path="/deliveries/{delivery}",
        tier=Tier.READ,
        summary="One call, with its decision.",
        query=DeliveryId,
        answer=outputs.Delivery,
        do=_delivery,
        refusals=("not_found",),
        tag="deliveries",
    ),
    Operation(
        name="replay_delivery",
        method="POST",
        path="/deliveries/{delivery}/replay",
        tier=Tier.ADMIN,
        summary="Decide on a call anew by the configuration of now. Its body is not kept: its run is run again at its "
        "commit; where it made none, its branch or tag is planned as if pushed, at the head that it has now.",
        query=DeliveryId,
        body=Empty,
        answer=outputs.Asked,
        status=202,
        do=_replay,
        refusals=("not_found", "conflict"),
        tag="deliveries",
    ),
    Operation(
        name="list_sendings",
        method="GET",
        path="/sendings",
        tier=Tier.READ,
        summary="What was told outside, and what did not go; addresses whole for the tier admin alone.",
        query=Sendings,
        answer=ToldList,
        do=_sendings,
        tag="told",
    ),
    Operation(
        name="redeliver",
        method="POST",
        path="/sendings/{sending}/redeliver",
        tier=Tier.ADMIN,
        summary="Send once more what was sent, given up or dropped; a digest is not.",
        query=SendingId,
        body=Empty,
        answer=Told,
        status=202,
        do=_redeliver,
        refusals=("not_found", "conflict"),
        tag="told",
    ),
)
