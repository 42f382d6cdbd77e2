"""Calls as forges make them: a sample's body, and the headers that come with it, signed as each forge signs."""

import hashlib
import hmac
import json
import urllib.parse
from pathlib import Path
from typing import Any

SAMPLES = Path(__file__).parents[1] / "samples"
SECRET = b"a-long-secret-for-tests"
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


HEADERS = {"github": github, "gitea": gitea, "forgejo": forgejo}


def digest(body: bytes) -> str:
    """The id of a call that brings none."""
    return f"sha256:{hashlib.sha256(body).hexdigest()}"
