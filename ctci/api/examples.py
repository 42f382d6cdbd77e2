"""An example of what the main operations take and give, for the documentation; a test holds them against the models."""

from collections.abc import Mapping
from typing import Any

_URL = "https://ci.example.org"
_SHA = "5e1c309dae7f45e0f39b1bf3ac3cd9db12e7d689"
_JOB: Mapping[str, Any] = {
    "id": 4811,
    "run": 1482,
    "name": "shop/api:test",
    "project": "shop",
    "subproject": "api",
    "recipe": "test",
    "command": "make test",
    "status": "failed",
    "reason": "exit 1",
    "waits_for": None,
    "repeats": None,
    "needs": ["build"],
    "lock": None,
    "allow_failure": False,
    "attempt": 1,
    "queued_at": "2026-11-24T09:14:07.120Z",
    "started_at": "2026-11-24T09:14:08.002Z",
    "finished_at": "2026-11-24T09:14:39.514Z",
    "duration_s": 31.5,
    "exit": {
        "how": "exit",
        "code": 1,
        "signal": None,
        "seconds": 31.5,
        "cpu_s": 58.1,
        "peak_memory_bytes": 412_090_368,
        "log_bytes": 48_213,
        "log_dropped_bytes": 0,
        "leftovers": [],
        "survivors": [],
    },
    "cancelled_by": None,
    "html_url": f"{_URL}/jobs/4811",
}
_RUN: Mapping[str, Any] = {
    "id": 1482,
    "project": "shop",
    "branch": "main",
    "ref": "refs/heads/main",
    "sha": _SHA,
    "subject": "Use floats for prices",
    "author": "Ana Ruiz",
    "before": None,
    "event": "push",
    "status": "failed",
    "reason": None,
    "queued_at": "2026-11-24T09:14:07.120Z",
    "started_at": "2026-11-24T09:14:08.002Z",
    "finished_at": "2026-11-24T09:14:39.514Z",
    "duration_s": 31.5,
    "pushed_by": "ana",
    "rerun_of": None,
    "waits_behind": None,
    "jobs": [_JOB],
    "html_url": f"{_URL}/runs/1482",
}
_ASKED: Mapping[str, Any] = {
    "run": 1483,
    "decision": "queued",
    "reason": "api queued: asked for by token ci-bot",
    "jobs": ["api:test"],
    "html_url": f"{_URL}/runs/1483",
}
_AGAIN: Mapping[str, Any] = {**_ASKED, "reason": "#1482 again, with the same recipes: asked for by token ci-bot"}
_LINE: Mapping[str, Any] = {
    "number": 214,
    "text": "E   AssertionError: 1 != 2",
    "at": "2026-11-24T09:14:38.000Z",
    "cut_bytes": 0,
}
_DELIVERY: Mapping[str, Any] = {
    "id": "d_81",
    "project": "shop",
    "forge": "gitea",
    "event": "push",
    "ref": "refs/heads/main",
    "pushed_by": "ana",
    "received_at": "2026-11-24T09:14:07.120Z",
    "decision": "queued",
    "reason": "api queued: the branch is main",
    "run": 1482,
}
_ACK: Mapping[str, Any] = {
    "fingerprint": "9c1f0b7a5d3e4c2f8a6b1d0e7f5c3a29",
    "project": "shop",
    "finding": "tests/test_cart.py:88: AssertionError: 1 != 2",
    "until": "2026-12-24T23:00:00.000Z",
    "why": "waits for the new rounding",
    "acknowledged_by": "token ci-bot",
    "acknowledged_at": "2026-11-24T10:02:11.000Z",
    "lapsed": False,
}
_TOKEN: Mapping[str, Any] = {
    "id": 3,
    "name": "dashboard",
    "tier": "read",
    "projects": ["shop"],
    "made_at": "2026-11-24T10:02:11.000Z",
    "made_by": "token admin",
    "expires_at": None,
    "used_at": None,
}

#: What an operation gives, by its name.
ANSWERS: Mapping[str, Mapping[str, Any]] = {
    "list_projects": {
        "items": [
            {
                "name": "shop",
                "description": "What customers see",
                "default_branch": "main",
                "recipes": ["api:build", "api:test"],
                "schedules": ["nightly"],
                "html_url": f"{_URL}/runs?project=shop",
            }
        ],
        "next": None,
    },
    "list_runs": {"items": [_RUN], "next": "PDE0ODI"},
    "list_jobs": {"items": [_JOB], "next": None},
    "get_job": _JOB,
    "list_branches": {
        "items": [
            {
                "project": "shop",
                "branch": "main",
                "ref": "refs/heads/main",
                "red": True,
                "failing": ["shop/api:test"],
                "breaks": [{"name": "shop/api:test", "place": "api:test", "job": 4811, "since_run": 1482}],
                "run": _RUN,
            }
        ],
        "next": None,
    },
    "read_log": {
        "job": 4811,
        "attempt": 1,
        "lines": [_LINE],
        "there": True,
        "whole": True,
        "total": 214,
        "size_bytes": 48_213,
        "finished": True,
    },
    "search_log": {"job": 4811, "attempt": 1, "hits": [{"number": 214, "lines": [_LINE]}], "next": None},
    "create_run": _ASKED,
    "create_run_of_project": _ASKED,
    "rerun": _AGAIN,
    "cancel": {"run": 1483, "ended": 0, "asked": 1, "html_url": f"{_URL}/runs/1483"},
    "list_deliveries": {"items": [_DELIVERY], "next": None},
    "get_delivery": _DELIVERY,
    "replay_delivery": _AGAIN,
    "get_queue": {"running": 1, "queued": 0, "unprepared": 0, "max": 4, "peak": 3, "jobs": []},
    "acknowledge": _ACK,
    "list_tokens": {"items": [_TOKEN], "next": None},
    "create_token": {**_TOKEN, "secret": "ctci_read_…"},
    "get_me": {"name": "token dashboard", "tier": "read", "projects": ["shop"], "via": "192.0.2.7"},
    "list_deeds": {
        "items": [
            {
                "id": 7,
                "at": "2026-11-24T10:02:11.000Z",
                "who": "token ci-bot",
                "via": "192.0.2.7",
                "did": "cancelled #1483",
                "project": "shop",
                "run": 1483,
            }
        ],
        "next": None,
    },
}

#: What an operation takes in its body, by its name.
BODIES: Mapping[str, Mapping[str, Any]] = {
    "create_run": {"project": "shop", "subproject": "api", "recipe": "test", "ref": "main"},
    "create_run_of_project": {"subproject": "api", "recipe": "test", "branch": "main"},
    "rerun": {"failed": True},
    "cancel": {"reason": "pushed by mistake"},
    "acknowledge": {
        "project": "shop",
        "fingerprint": "9c1f0b7a",
        "until": "2026-12-24",
        "why": "waits for the new rounding",
    },
    "create_token": {"name": "dashboard", "tier": "read", "projects": ["shop"]},
    "create_admin_token": {"name": "dashboard", "tier": "read", "projects": ["shop"]},
}
#: What stands in a path or must stand in a query.
VALUES: Mapping[str, object] = {
    "project": "shop",
    "run": 1482,
    "job": 4811,
    "sub": "api",
    "recipe": "test",
    "delivery": "d_81",
    "sending": "s_81",
    "fingerprint": "9c1f0b7a",
    "token": 3,
    "name": "nightly",
    "a": 1481,
    "b": 1482,
    "q": "AssertionError",
}
