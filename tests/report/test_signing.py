"""Signatures, held against the public verifier of Standard Webhooks."""

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook, WebhookVerificationError

from ctci import clock
from ctci.config import forms
from ctci.report import signing

KEY = b"0123456789abcdef01234567"
SECRET = "whsec_" + base64.b64encode(KEY).decode()


@given(key=st.binary(min_size=24, max_size=64), name=st.text(), body=st.dictionaries(st.text(), st.text()))
def test_the_public_verifier_takes_every_call(key: bytes, name: str, body: dict[str, str]) -> None:

    secret = "whsec_" + base64.b64encode(key).decode()
    sent = json.dumps(body).encode()

    headers = signing.headers(forms.signing_key(secret) or b"", id_=signing.id_of(name), at=clock.now(), body=sent)

    assert Webhook(secret).verify(sent, headers) == body


@pytest.mark.parametrize("header", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_it_refuses_a_call_with_a_header_of_another(header: str) -> None:
    at, body = clock.now(), b"{}"
    headers = signing.headers(KEY, id_="msg_1", at=at, body=body)
    other = signing.headers(KEY[::-1], id_="msg_2", at=at - 1000, body=body)

    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(body, {**headers, header: other[header]})


def test_it_refuses_another_body() -> None:
    headers = signing.headers(KEY, id_="msg_1", at=clock.now(), body=b"{}")

    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(b"[]", headers)


def test_it_refuses_a_call_of_ten_minutes_ago_so_each_try_is_signed_anew() -> None:
    headers = signing.headers(KEY, id_="msg_1", at=clock.now() - 600_000, body=b"{}")

    with pytest.raises(WebhookVerificationError, match="too old"):
        Webhook(SECRET).verify(b"{}", headers)


@given(name=st.text())
def test_an_id_is_of_a_few_plain_characters_and_always_the_same(name: str) -> None:
    found = signing.id_of(name)

    assert found == signing.id_of(name)
    assert found.replace("_", "").isalnum()
    assert found.isascii()
    assert len(found) == 36


def test_two_calls_have_two_ids() -> None:
    assert signing.id_of("webhook/ops/1") != signing.id_of("webhook/ops/2")
