"""Pushes as Gitea tells of them, to a real server, and what became of them."""

import hashlib
import hmac
import json
import urllib.error
import urllib.request
from collections.abc import Mapping

from ctci import ledger
from ctci.model import Job, Run
from tests.eventually import eventually
from tests.serving import Served
from tests.upstream import Upstream

SECRET = b"a-long-secret-for-tests"


def gitea_push(upstream: Upstream, after: str, *, ref: str = "refs/heads/main", before: str = "0" * 40) -> bytes:
    return json.dumps(
        {
            "ref": ref,
            "before": before,
            "after": after,
            "commits": [],
            "total_commits": 1,
            "repository": {
                "full_name": f"{upstream.path.parent.name}/{upstream.path.name.removesuffix('.git')}",
                "default_branch": "main",
            },
            "pusher": {"login": "ana", "email": "ana@example.org"},
        }
    ).encode()


def gitea_headers(body: bytes, delivery: str, event: str = "push") -> dict[str, str]:
    return {
        "Content-Type": "application/json",
        "X-Gitea-Event": event,
        "X-GitHub-Event": event,
        "X-Gitea-Delivery": delivery,
        "X-Gitea-Signature": hmac.new(SECRET, body, hashlib.sha256).hexdigest(),
    }


def post(
    served: Served, body: bytes, headers: Mapping[str, str], project: str = "shop"
) -> tuple[int, dict[str, object]]:
    request = urllib.request.Request(f"{served.url}hooks/{project}", data=body, headers=dict(headers), method="POST")
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def ended(served: Served, run: int, within_s: float = 30) -> tuple[Run, Job]:
    def over() -> tuple[Run, Job] | None:
        found = ledger.run(served.db, run)
        return (found, ledger.jobs_of(served.db, [run])[run][0]) if found and found.finished_at else None

    return eventually(over, within_s)


def push(served: Served, upstream: Upstream, script: str, *, delivery: str) -> int:
    sha = upstream.push({"test.sh": script}, message=f"Push {delivery}")
    body = gitea_push(upstream, sha)
    status, answer = post(served, body, gitea_headers(body, delivery))
    assert status == 202, answer
    assert isinstance(answer["run"], int)
    return answer["run"]
