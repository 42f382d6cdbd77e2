"""The tools that change something: run, run again, end. Who asked is written down, as everywhere."""

import hashlib
from typing import Any

from ctci.mcp import inputs, naming, plain, telling
from ctci.mcp.asking import Ask

Answer = tuple[str, Any]
THEN = "get_run shows how it goes; get_failures what is red in the end."


def trigger_run(ask: Ask, asked: inputs.Trigger, key: str) -> Answer:
    """Run recipes of a project; the same key begins nothing again."""
    wanted: dict[str, Any] = {"project": asked.project, "reason": asked.reason}
    if asked.ref is not None:
        wanted["ref"] = asked.ref
    begun = [
        ask("create_run", {}, {**wanted, "subproject": each}, key=_once(asked.idempotency_key, each))
        for each in asked.subprojects
    ]
    return _begun(begun or [ask("create_run", {}, wanted, key=_once(asked.idempotency_key))], key)


def _once(*parts: str) -> str:
    """One key of several, which fits into a header whatever they are."""
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogateescape")).hexdigest()


def rerun(ask: Ask, asked: inputs.Again, key: str) -> Answer:
    """Run a run again, at the same commit."""
    number = naming.run(ask, asked.run)
    return _begun([ask("rerun", {"run": number}, {"failed": asked.failed_only})], key)


def cancel(ask: Ask, asked: inputs.Cancel, key: str) -> Answer:
    """End a run."""
    number = naming.run(ask, asked.run)
    told = {**ask("cancel", {"run": number}, {"reason": asked.reason}), "next": "get_run shows what became of it."}
    return telling.ended(told, key), told


def _begun(begun: Any, key: str) -> Answer:
    told = plain.cleaned({"runs": [{**each, "jobs": each["jobs"][:50]} for each in begun], "next": THEN})
    return telling.asked(told, key), told
