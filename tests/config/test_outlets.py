"""What notify tables refer to: webhooks with their secrets, Apprise and heartbeats."""

import base64
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ctci import config
from ctci.config import forms, outlets
from ctci.config.settings import Digest, Notify
from ctci.model import SecretRef

KEY = b"0123456789abcdef01234567"
SECRET = "whsec_" + base64.b64encode(KEY).decode()


def test_a_notify_table_says_where_its_secrets_lie(tmp_path: Path) -> None:
    (tmp_path / "projects.toml").write_text(
        """
        [notify.ops]
        email          = "ops@example.org"
        apprise        = { env = "CHAT" }
        webhook        = { file = "url" }
        webhook-secret = { credential = "ops-webhook" }
        heartbeat      = { env = "BEAT" }
        digest         = { at = "07:30" }

        [projects.shop]
        git = "/srv/git/shop.git"
        recipes.test = "make"
        notify = ["ops"]
        """
    )

    found, problems = config.check(tmp_path, {}, resolve=False)

    assert found is not None
    assert [each.message for each in problems if each.severity != "note"] == []
    assert found.notify["ops"] == Notify(
        name="ops",
        email=("ops@example.org",),
        apprise=SecretRef(kind="env", name="CHAT"),
        webhook=SecretRef(kind="file", name="url"),
        webhook_secret=SecretRef(kind="credential", name="ops-webhook"),
        heartbeat=SecretRef(kind="env", name="BEAT"),
        digest=Digest(at="07:30"),
    )


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("webhook", "https://hooks.example.org/in?token=abc&x=%20"),
        ("webhook", "http://127.0.0.1:8080"),
        ("webhook", "http://[::1]:8080/in"),
        ("webhook", "https://user:password@hooks.example.org/"),
        ("heartbeat", "https://hc.example.org/ping/5c1a"),
        ("apprise", "ntfys://ntfy.example.org/builds?priority=high,min"),
        ("apprise", "mailto://user:password@example.org"),
        ("webhook-secret", SECRET),
        ("webhook-secret", "whsec_" + base64.b64encode(bytes(64)).decode()),
    ],
)
def test_what_a_key_takes_is_taken(key: str, value: str) -> None:
    assert outlets.fault(key, value.encode()) is None


@pytest.mark.parametrize(
    ("key", "value"),
    [
        *(
            ("webhook", value)
            for value in ("", "hooks.example.org/in", "ftp://example.org/", "https://", "https:///in")
        ),
        *(
            ("webhook", f"https://example.org{rest}")
            for rest in ("/a b", "/a\r\nX-Evil: 1", "/a\n", "/ä", ":0", ":65536")
        ),
        *(
            ("webhook", f"https://example.org{rest}")
            for rest in ("/#part", "/\x00", "/\x7f", "\\@evil.example", "@x@y/")
        ),
        *(("heartbeat", value) for value in ("https://a.example/ https://b.example/", " https://a.example/", "true")),
        *(("apprise", value) for value in ("ntfys", "ntfys://", "ntfys://a b", "ntfys://a\x1b", "json://a\njson://b")),
        *(("webhook-secret", value) for value in ("hunter2", "whsec_", "whsec_hunter2", SECRET[6:], f"{SECRET} ")),
        ("webhook-secret", "whsec_" + base64.b64encode(bytes(23)).decode()),
        ("webhook-secret", "whsec_" + base64.b64encode(bytes(65)).decode()),
        ("webhook-secret", SECRET.replace("whsec_", "whsec-")),
    ],
)
def test_what_a_key_does_not_take_is_told_without_its_value(key: str, value: str) -> None:
    said = outlets.fault(key, value.encode())

    assert said is not None
    assert len(value) < 9 or value not in said


@pytest.mark.parametrize("key", outlets.KEYS)
def test_a_secret_that_is_no_text_is_told(key: str) -> None:
    assert outlets.fault(key, b"https://\xff/") == "it is not UTF-8 text"


@given(
    key=st.sampled_from(outlets.KEYS),
    before=st.text(max_size=9),
    after=st.text(max_size=9),
    bad=st.characters(max_codepoint=0x20),
)
def test_no_secret_of_several_lines_or_words_is_taken(key: str, before: str, bad: str, after: str) -> None:
    value = {"webhook-secret": SECRET, "apprise": "json://a/"}.get(key, "https://example.org/")

    assert outlets.fault(key, f"{value}{before}{bad}{after}".encode("utf-8", "replace")) is not None


def test_the_key_of_a_secret_is_what_its_base64_says() -> None:
    assert forms.signing_key(SECRET) == KEY
