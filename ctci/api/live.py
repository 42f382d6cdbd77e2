"""What is followed as it happens: whether it may be, and from where on. The web door tells the events themselves."""

from collections.abc import Mapping
from typing import Any

from ctci.api import inputs, logs, streamed
from ctci.api.operation import Context, Operation
from ctci.model import Tier


def _events(_: Context, query: inputs.Topics, __: None) -> Mapping[str, Any]:
    # A run or project that is not there is as one that may not be seen: nothing is ever told of it.
    return {"topics": tuple(query.topics)}


def _log(context: Context, query: inputs.LogFrom, _: None) -> Mapping[str, Any]:
    job, attempt, _log = logs.opened(context, query.job, query.attempt)
    return {"job": job.id, "attempt": attempt, "from": query.first}


OPERATIONS = (
    Operation(
        name="follow_events",
        method="GET",
        path="/events",
        tier=Tier.READ,
        summary="What happens to runs, jobs, the queue and the configuration, as it happens.",
        query=inputs.Topics,
        answer=streamed.Stream,
        do=_events,
        events={
            "hello": streamed.Hello,
            "run": streamed.RunEvent,
            "job": streamed.JobEvent,
            "queue": streamed.QueueEvent,
            "config": streamed.ConfigEvent,
            "reset": streamed.Reset,
        },
        tag="server",
    ),
    Operation(
        name="follow_log",
        method="GET",
        path="/jobs/{job}/log/live",
        tier=Tier.READ,
        summary="The lines of a job's log as they are written, as plain text, until it ends.",
        query=inputs.LogFrom,
        answer=streamed.Stream,
        do=_log,
        events={
            "hello": streamed.LogHello,
            "lines": streamed.Lines,
            "skipped": streamed.Skipped,
            "end": streamed.LogEnd,
        },
        refusals=("not_found",),
        tag="logs",
    ),
)
