"""How tools ask: an operation of the API by its name, in this process. Over a server's API it would look the same."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from ctci import api
from ctci.api.once import Call, Reply, once
from ctci.api.operation import Context
from ctci.model import Tier


class Ask(Protocol):
    """Whoever answers: the ledger of this machine, or a server elsewhere."""

    @property
    def may_trigger(self) -> bool:
        """Whether the tools that run, rerun and cancel are there."""

    def __call__(
        self, operation: str, query: Mapping[str, Any], body: object = None, *, key: str | None = None
    ) -> Mapping[str, Any]:
        """What an operation answers; with a key that came before, what it answered then. Raises ApiError."""


@dataclass(frozen=True, kw_only=True)
class Local:
    """Asks the ledger itself, as the visitor that the context names."""

    context: Context

    @property
    def may_trigger(self) -> bool:
        """Whether the visitor may."""
        return self.context.visitor.may(Tier.TRIGGER)

    def __call__(
        self, operation: str, query: Mapping[str, Any], body: object = None, *, key: str | None = None
    ) -> Mapping[str, Any]:
        found = api.find(operation)
        if key is None:
            return api.call(found, self.context, query, body)
        return self._once(found, query, body, key)

    def _once(self, operation: api.Operation, query: Mapping[str, Any], body: object, key: str) -> Mapping[str, Any]:
        visitor = self.context.visitor
        # Of another kind than those that come over HTTP: there an answer has headers, too.
        who = f"agent token {visitor.token}" if visitor.token else f"agent {visitor.name}"
        call = Call(operation=operation, query=query, body=body, who=who, key=key, named="idempotency_key")

        def do() -> Reply:
            return Reply(status=operation.status, body=json.dumps(api.call(operation, self.context, query, body)))

        told: Mapping[str, Any] = json.loads(once(self.context, call, do).body)
        return told
