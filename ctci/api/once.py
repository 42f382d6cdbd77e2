"""A call that comes again with the same key is done once, and answered as it was then."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ctci import ledger
from ctci.api.operation import Context, Operation
from ctci.api.problem import ApiError


@dataclass(frozen=True, kw_only=True)
class Reply:
    """An answer as it is kept for whoever asks again: what a door sends of it."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str


@dataclass(frozen=True, kw_only=True)
class Call:
    """What is asked for, by whom and with which key; `named` is what the door calls a key."""

    operation: Operation
    query: Mapping[str, Any]
    body: object
    #: Of one door alone: another would read its answers otherwise.
    who: str
    key: str
    named: str


def once(context: Context, call: Call, do: Callable[[], Reply]) -> Reply:
    """What `do` answers, or answered before. Raises ApiError: also for a secret, which is told and never kept."""
    asked = json.dumps([call.operation.name, call.query, call.body], sort_keys=True)
    digest = hashlib.sha256(asked.encode()).hexdigest()
    before = ledger.first_call(context.db, who=call.who, key=call.key, digest=digest)
    if before is None:
        return _first(context, call, do)
    if before.digest != digest:
        raise ApiError("invalid", f"Something else was asked for with this {call.named} before.")
    if before.status is None:
        raise ApiError("conflict", f"A call with this {call.named} is being done at this moment.")
    if call.operation.secret:
        raise ApiError("conflict", f"It was done with this {call.named} before, and the secret is told once.")
    return Reply(status=before.status, headers=before.headers, body=before.body)


def _first(context: Context, call: Call, do: Callable[[], Reply]) -> Reply:
    try:
        reply = do()
    except BaseException:
        # Nothing came of it: the same call may come again.
        ledger.drop_call(context.db, who=call.who, key=call.key)
        raise
    body = "" if call.operation.secret else reply.body
    ledger.answer_call(
        context.db, who=call.who, key=call.key, status=reply.status, headers=dict(reply.headers), body=body
    )
    return reply
