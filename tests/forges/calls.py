"""Calls as forges make them: a sample's body, and the headers that come with it, signed as each forge signs."""

import base64
import hashlib
import hmac
import json
import urllib.parse
from pathlib import Path
from typing import Any

SAMPLES = Path(__file__).parents[1] / "samples"
SECRET = b"a-long-secret-for-tests"
#: GitLab's other kind of secret, and the key that it holds.
KEY = bytes(range(32))
SIGNING = b"whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
FORM = "application/x-www-form-urlencoded"
ZERO = "0" * 40
#: What the samples say of the repository: before, after, and an annotated tag's object.
OLD = "5d1c0c0f4b1f2a7be5b5c9a9d9f3b0a9c64f7e21"
NEW = "9a3e7f60c2d4b8157f0e6a4c3d2b1f0e9d8c7b6a"
TAG = "71a9b0c1d2e3f4a5b6c7d8e9f0a1b2c3d4e5f607"


def sample(forge: str, name: str) -> bytes:
    """The body of tests/samples/FORGE/NAME.json."""
    return SAMPLES.joinpath(forge, f"{name}.json").read_bytes()


def plain(forge: str, name: str) -> dict[str, Any]:
    """The same, read."""
    found: dict[str, Any] = json.loads(sample(forge, name))
    return found


def form(text: bytes) -> bytes:
    """A JSON text as a form's `payload`."""
    return urllib.parse.urlencode({"payload": text}).encode()


def mac(signed: bytes, *, secret: bytes = SECRET, digest: str = "sha256") -> str:
    return hmac.new(secret, signed, digest).hexdigest()


def github(event: str, body: bytes, *, call: str = "72d3162e-cc78-11e3-81ab-4c9367dc0958") -> dict[str, str]:
    """GitHub signs the body as it is sent, also a form."""
    return {
        "content-type": "application/json",
        "user-agent": "GitHub-Hookshot/044aadd",
        "x-github-delivery": call,
        "x-github-event": event,
        "x-github-hook-id": "109948940",
        "x-hub-signature": f"sha1={mac(body, digest='sha1')}",
        "x-hub-signature-256": f"sha256={mac(body)}",
    }


def gitea(event: str, text: bytes, *, call: str = "f6266f16-1bf3-46a5-9ea4-602e06ead473") -> dict[str, str]:
    """Gitea signs the JSON text, and sends the names of Gogs and GitHub besides its own."""
    made = {
        "content-type": "application/json",
        "user-agent": "Go-http-client/1.1",
        "x-hub-signature": f"sha1={mac(text, digest='sha1')}",
        "x-hub-signature-256": f"sha256={mac(text)}",
    }
    for name in ("x-gitea", "x-gogs", "x-github"):
        made |= {f"{name}-delivery": call, f"{name}-event": event, f"{name}-event-type": event}
    return made | {"x-gitea-signature": mac(text), "x-gogs-signature": mac(text)}


def forgejo(event: str, text: bytes, *, call: str = "0b3a5d52-0f0c-4a1a-8a53-6a3a3ac2fd0e") -> dict[str, str]:
    """Forgejo sends all that Gitea sends, and its own names."""
    return gitea(event, text, call=call) | {
        "x-forgejo-delivery": call,
        "x-forgejo-event": event,
        "x-forgejo-event-type": event,
        "x-forgejo-signature": mac(text),
    }


def gogs(event: str, text: bytes, *, call: str = "c26e4a2f-6a0a-4a4e-9c1b-0f4f3c1f6d55") -> dict[str, str]:
    """Gogs signs the JSON text, and sends GitHub's names without GitHub's signature."""
    return {
        "content-type": "application/json",
        "user-agent": "GogsServer",
        "x-github-delivery": call,
        "x-github-event": event,
        "x-gogs-delivery": call,
        "x-gogs-event": event,
        "x-gogs-signature": mac(text),
    }


def gitlab(event: str, body: bytes, *, call: str = "f5e5f430-f57b-4e6e-9fac-d9128cd7232f") -> dict[str, str]:
    """GitLab signs nothing, and shows the token."""
    del body
    return {
        "content-type": "application/json",
        "user-agent": "GitLab/18.2.0",
        "idempotency-key": call,
        "x-gitlab-event": event,
        "x-gitlab-event-uuid": "13792a34-cac6-4fda-95a8-c58e00a3954e",
        "x-gitlab-instance": "https://gitlab.example.org",
        "x-gitlab-token": SECRET.decode(),
        "x-gitlab-webhook-uuid": "02affd2d-2cba-4033-917d-ec22d5dc4b38",
    }


def gitlab_signed(event: str, body: bytes, *, call: str = "msg-1", at: str = "1795600857") -> dict[str, str]:
    """GitLab 19.0 with a signing key: id, time and body are signed, and there is no token."""
    signature = hmac.new(KEY, f"{call}.{at}.".encode() + body, "sha256").digest()
    made = gitlab(event, body, call=call)
    del made["x-gitlab-token"]
    return made | {
        "webhook-id": call,
        "webhook-timestamp": at,
        "webhook-signature": f"v1,{base64.b64encode(signature).decode()}",
    }


def bitbucket(event: str, body: bytes, *, call: str = "7d2c7f5e-25f0-4a09-8f38-7d5bb4b1b2d7") -> dict[str, str]:
    """Bitbucket Cloud signs the body, and names the signature as GitHub names its SHA-1."""
    return {
        "content-type": "application/json",
        "user-agent": "Bitbucket-Webhooks/2.0",
        "x-attempt-number": "1",
        "x-event-key": event,
        "x-hook-uuid": "a2c81fbb-7b83-4a6b-8c5b-05a8f6c3f3d0",
        "x-hub-signature": f"sha256={mac(body)}",
        "x-request-uuid": call,
    }


def bitbucket_dc(event: str, body: bytes, *, call: str = "d1f0f2a5-92f7-4b4e-8a8c-4b9fe1ad47bb") -> dict[str, str]:
    """Bitbucket Data Center signs like Cloud."""
    return {
        "content-type": "application/json; charset=utf-8",
        "user-agent": "Atlassian HttpClient 4.2.0 / Bitbucket-8.19.1 (8019001) / Default",
        "x-event-key": event,
        "x-hub-signature": f"sha256={mac(body)}",
        "x-request-id": call,
    }


HEADERS = {
    "github": github,
    "gitea": gitea,
    "forgejo": forgejo,
    "gogs": gogs,
    "gitlab": gitlab,
    "bitbucket": bitbucket,
    "bitbucket-dc": bitbucket_dc,
}
#: A sample's first word -> the event's name, where the forge calls it otherwise.
EVENTS = {
    ("gitlab", "push"): "Push Hook",
    ("gitlab", "tag_push"): "Tag Push Hook",
    ("gitlab", "merge_request"): "Merge Request Hook",
    ("gitlab", "note"): "Note Hook",
    ("gitlab", "system"): "System Hook",
    ("bitbucket", "push"): "repo:push",
    ("bitbucket", "pullrequest"): "pullrequest:updated",
    ("bitbucket", "fork"): "repo:fork",
    ("bitbucket-dc", "refs_changed"): "repo:refs_changed",
    ("bitbucket-dc", "ping"): "diagnostics:ping",
    ("bitbucket-dc", "synchronized"): "mirror:repo_synchronized",
    ("bitbucket-dc", "pr"): "pr:from_ref_updated",
    ("bitbucket-dc", "comment"): "repo:comment:added",
}


def event(forge: str, name: str) -> str:
    """The event that a sample's call is."""
    word = name.partition(".")[0]
    return EVENTS.get((forge, word), word)


def headers(forge: str, name: str, body: bytes) -> dict[str, str]:
    """The headers that a sample's call comes with."""
    return HEADERS[forge](event(forge, name), body)


def digest(body: bytes) -> str:
    """The id of a call that brings none."""
    return f"sha256:{hashlib.sha256(body).hexdigest()}"
