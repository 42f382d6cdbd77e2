"""How an outgoing call is signed, as Standard Webhooks has it: HMAC over its id, its time and the bytes of its body.

The id is the same at every try of one call, so that the receiver knows it again; the time is that of the try. Pure.
"""

import base64
import hashlib
import hmac


def headers(key: bytes, *, id_: str, at: int, body: bytes) -> dict[str, str]:
    """The three headers of a call; `at` is now, in Unix milliseconds."""
    second = str(at // 1000)
    made = hmac.digest(key, b".".join((id_.encode(), second.encode(), body)), "sha256")
    return {
        "webhook-id": id_,
        "webhook-timestamp": second,
        "webhook-signature": f"v1,{base64.b64encode(made).decode()}",
    }


def id_of(key: str) -> str:
    """The id of a call out of what makes it the only one; it has no dot in it, which would end it."""
    return f"msg_{hashlib.sha256(key.encode('utf-8', 'replace')).hexdigest()[:32]}"
