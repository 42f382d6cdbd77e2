"""mcp on a server elsewhere: each operation that a tool asks for is a call of that server's API."""

import threading
from collections.abc import Mapping
from typing import Any

from ctci import api
from ctci.cli import session, wire
from ctci.mcp.asking import Ask
from ctci.model import Tier, Visitor


class Far(Ask):
    """Asks over HTTP, as the token of the line; `may_trigger` is what was allowed here and the token is for."""

    def __init__(self, line: wire.Wire, *, allow_trigger: bool) -> None:
        self._line = line
        # Guards the line, on which one call comes after the other: tools may be called side by side.
        self._lock = threading.Lock()
        # Also tells at once, before an agent asks, whether the server is there and knows the token.
        me = line.get("/me", {})
        visitor = Visitor(name=str(me["name"]), tier=Tier(me["tier"]) if me["tier"] else None)
        if allow_trigger and not visitor.may(Tier.TRIGGER):
            raise session.Refused(
                "--allow-trigger takes a token of the tier trigger: see CTCI_TOKEN", session.FORBIDDEN
            )
        self._may_trigger = allow_trigger

    @property
    def may_trigger(self) -> bool:
        return self._may_trigger

    def __call__(
        self, operation: str, query: Mapping[str, Any], body: object = None, *, key: str | None = None
    ) -> Mapping[str, Any]:
        found = api.find(operation)
        path, left = wire.filled(found.path, query)
        try:
            with self._lock:
                if found.method == "GET":
                    return self._line.get(path, left)
                return self._line.post(path, left, body if isinstance(body, dict) else {}, found.method, key=key)
        except wire.ProblemError as error:
            raise api.ApiError(error.problem, error.detail) from error
        except session.Refused as error:
            # Nobody is there, or somebody else: a proxy's page, or a redirect.
            raise api.ApiError("unavailable", error.message) from error
