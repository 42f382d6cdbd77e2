"""The sink of traces: each run that has ended is told to an OTLP collector, as `[otlp]` asks for."""

import json
import logging
from collections.abc import Mapping, Sequence
from typing import Any

from ctci import clock, config, ledger
from ctci.config import forms
from ctci.config.settings import Config, Otlp
from ctci.model import Change, Owed, Sending
from ctci.report import calls, outlets, saying, spans
from ctci.report.courier import Sent, Unwanted, news
from ctci.report.webhooks import reveal, telling

log = logging.getLogger(__name__)


class Traces:
    """A trace for each run that has ended."""

    name = "trace"
    together = False

    def __init__(self, db: ledger.Ledger, current: config.Current, environ: Mapping[str, str], *, version: str) -> None:
        self._db = db
        self._current = current
        self._environ = environ
        self._version = version

    def owed(self, changes: Sequence[Change]) -> Sequence[Owed]:
        """One for each run that ended with one of these changes."""
        if self._current.get().server.otlp is None:
            return ()
        ended = {change.run for change in news(changes)}
        return [
            # The time is in the key: a new ledger counts its runs from 1 again.
            Owed(key=f"{self.name}/{run.id}/{run.finished_at}", to="collector", run=run.id, due=clock.now())
            for run in ledger.runs_(self._db, ids=ended, limit=len(ended))
            if run.finished_at is not None
        ]

    def before(self) -> bool:
        """Nothing."""
        return False

    def deliver(self, taken: Sequence[Sending]) -> Sent:
        """Tell the collector of one run."""
        (sending,) = taken
        settings = self._current.get()
        run = ledger.run(self._db, sending.run)
        if settings.server.otlp is None or run is None:
            raise Unwanted("no traces are asked for any more" if run is not None else "the run is forgotten")
        told = spans.of_run(
            run,
            ledger.jobs_of(self._db, [run.id])[run.id],
            ledger.attempts_of_run(self._db, run.id),
            public_url=settings.server.public_url,
            version=self._version,
        )
        headers = self._headers(settings, settings.server.otlp)
        with telling():
            refused = _refused(outlets.trace(address(settings.server.otlp), headers, json.dumps(told).encode()))
        if refused:
            log.warning("%s took a trace in part: %s", calls.host(settings.server.otlp.endpoint), refused)
        return Sent()

    def _headers(self, settings: Config, otlp: Otlp) -> dict[str, str]:
        if otlp.headers is None:
            return {}
        (found,) = reveal(settings, self._environ, otlp.headers)
        with telling():
            return forms.headers(outlets.value("headers", found)) or {}


def address(otlp: Otlp) -> str:
    """Where traces are posted: below the endpoint, as its exporters have it."""
    return otlp.endpoint.removesuffix("/").removesuffix("/v1/traces") + "/v1/traces"


def _refused(body: bytes) -> str | None:
    """What a collector says that it did not take; it must not be sent again."""
    try:
        found: Any = json.loads(body)
        partial = found.get("partialSuccess") or {}
        count, why = int(partial.get("rejectedSpans") or 0), str(partial.get("errorMessage") or "")
    except (ValueError, TypeError, AttributeError):
        return None
    return saying.plain(f"{count} spans refused: {why}") if count or why else None
