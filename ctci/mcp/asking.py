"""How tools ask: an operation of the API by its name, in this process. Over a server's API it would look the same."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from ctci import api, ledger
from ctci.api.operation import Context
from ctci.api.problem import ApiError
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
        # Of another kind than those that come over HTTP: there an answer has a status and headers, too.
        who = f"agent token {visitor.token}" if visitor.token else f"agent {visitor.name}"
        asked = json.dumps([operation.name, query, body], sort_keys=True)
        digest = hashlib.sha256(asked.encode()).hexdigest()
        before = ledger.first_call(self.context.db, who=who, key=key, digest=digest)
        if before is not None:
            if before.digest != digest:
                raise ApiError("invalid", "Something else was asked for with this idempotency_key before.")
            if before.status is None:
                raise ApiError("conflict", "A call with this idempotency_key is being done at this moment.")
            then: Mapping[str, Any] = json.loads(before.body or "{}")
            return then
        try:
            told = api.call(operation, self.context, query, body)
        except BaseException:
            # Nothing came of it: the same call may come again.
            ledger.drop_call(self.context.db, who=who, key=key)
            raise
        text = json.dumps(told)
        ledger.answer_call(self.context.db, who=who, key=key, status=operation.status, headers={}, body=text)
        return told
