"""What a notify table calls beside mail: webhook, Apprise, heartbeat; and what the secrets must be that it names."""

from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any

from ctci.config import forms, values
from ctci.config.reader import Reader
from ctci.config.scan import At
from ctci.model import SecretRef

#: The keys of a notify table that are references to secrets.
KEYS = ("apprise", "webhook", "webhook-secret", "heartbeat")


def read(r: Reader, at: At, entries: Mapping[str, Any]) -> dict[str, SecretRef]:
    """The references of a notify table by key; what is missing beside them is told."""
    found = {key: values.secret(r, (*at, key), entries[key]) for key in KEYS if key in entries}
    _missing(r, at, entries)
    if found.get("apprise") is not None and find_spec("apprise") is None:
        said, use = "`apprise` needs a package that is not installed", "pip install 'ctci[apprise]'"
        r.say("C502", said, (*at, "apprise"), key=True, hint="nothing can be sent that way", help=use)
    return {key: ref for key, ref in found.items() if ref is not None}


def fault(key: str, value: bytes) -> str | None:
    """What is wrong with the secret that a key of [notify] or [otlp] refers to; its value is not in the sentence."""
    try:
        text = value.decode()
    except UnicodeDecodeError:
        return "it is not UTF-8 text"
    if key == "webhook-secret":
        wanted = "`whsec_` and 24 to 64 bytes in base64: `ctci secret new NAME --signing` makes one"
        return None if forms.signing_key(text) is not None else f"it must be {wanted}"
    if key == "headers":
        return None if forms.headers(text) is not None else "it must be `NAME=VALUE,NAME=VALUE`, values percent-encoded"
    if key == "apprise":
        return None if forms.is_apprise(text) else "it must be one Apprise URL, such as `ntfys://HOST/TOPIC`"
    return None if forms.is_call(text) else "it must be one address, `https://…` or `http://…`"


def _missing(r: Reader, at: At, entries: Mapping[str, Any]) -> None:
    what = f"[notify.{at[-1]}]"
    if "webhook" in entries and "webhook-secret" not in entries:
        name = f"{at[-1]}-webhook"
        said, hint = f"{what} has a `webhook` and no `webhook-secret`", "nobody could tell its calls from forged ones"
        use = f'run `ctci secret new {name} --signing`, then set webhook-secret = {{ credential = "{name}" }}'
        r.say("C202", said, (*at, "webhook"), key=True, hint=hint, help=use)
    if "webhook-secret" in entries and "webhook" not in entries:
        said, hint = f"{what} has a `webhook-secret` and no `webhook`", "there is nothing to sign"
        r.say("C102", said, (*at, "webhook-secret"), key=True, hint=hint)
    lacks = [key for key in ("email", "digest") if key not in entries]
    if "heartbeat" in entries and lacks:
        said, hint = f"{what} has a `heartbeat` and no `{lacks[0]}`", "it is called when a digest was due and went out"
        r.say("C102", said, (*at, "heartbeat"), key=True, hint=hint, help='add email, and digest = { at = "07:30" }')
