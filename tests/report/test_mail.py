"""Mail over real SMTP servers on loopback, with and without TLS, and into a folder."""

import email
import email.policy
import ssl
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from ctci.report import mail
from ctci.report.letter import Composed
from tests.report import tls as tls_
from tests.report.desk import Desk

WORDS = Composed(subject="[ctci] broke: shop:test on main (#1)", text="x\nü\n", html="<p>" + "ü" * 2000 + "</p>\n")


@pytest.fixture
def desk() -> Iterator[Desk]:
    made = Desk()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """(certificate, key) of this machine, by itself."""
    return tls_.certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def tls(certificate: tuple[Path, Path]) -> ssl.SSLContext:
    return tls_.server(certificate)


@pytest.fixture
def trusted(certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))


def written(**fields: Any) -> EmailMessage:
    defaults: dict[str, Any] = {
        "sender": "Acme CI <ci@example.org>",
        "to": "ana@example.org",
        "message_id": "<1.2.abc@ci.example.org>",
        "headers": {"X-CTCI-Kind": "transition"},
    }
    return mail.message(WORDS, **{**defaults, **fields})


def test_a_letter_arrives_whole_at_a_plain_server(desk: Desk, tmp_path: Path) -> None:
    port = desk.start()

    mail.send(written(), f"smtp://127.0.0.1:{port}", tmp_path)

    (envelope,) = desk.envelopes
    (message,) = desk.messages
    assert (envelope.mail_from, envelope.rcpt_tos) == ("ci@example.org", ["ana@example.org"])
    assert (message["To"], message["From"]) == ("ana@example.org", "Acme CI <ci@example.org>")
    assert message["Message-ID"] == "<1.2.abc@ci.example.org>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["X-Auto-Response-Suppress"] == "All"
    assert message["X-CTCI-Kind"] == "transition"
    text, html = message.iter_parts()
    assert isinstance(text, EmailMessage)
    assert isinstance(html, EmailMessage)
    assert text.get_content_type() == "text/plain"
    assert text["Content-Type"].params["format"] == "fixed"
    arrived = [part.get_content().replace("\r\n", "\n") for part in (text, html)]
    assert arrived == [WORDS.text, WORDS.html]
    assert list(tmp_path.iterdir()) == []


def test_a_server_is_greeted_with_the_public_name(desk: Desk, tmp_path: Path) -> None:
    port = desk.start()

    mail.send(written(), f"smtp://127.0.0.1:{port}", tmp_path)
    mail.send(written(message_id="<1@127.0.0.1>"), f"smtp://127.0.0.1:{port}", tmp_path)

    assert [session.host_name for session in desk.sessions] == ["ci.example.org", "[127.0.0.1]"]


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
def test_starttls_is_used_where_offered_before_the_password_goes(
    desk: Desk, tls: ssl.SSLContext, tmp_path: Path, host: str
) -> None:
    port = desk.start(tls_context=tls, authenticator=desk.login, auth_required=True, require_starttls=True)

    mail.send(written(), f"smtp://ana%40example.org:p%40ss%3Aw%2Frd@{host}:{port}", tmp_path)

    assert desk.logins == [(b"ana@example.org", b"p@ss:w/rd")]
    assert desk.sessions[0].ssl is not None
    assert desk.messages[0]["Subject"] == WORDS.subject


@pytest.mark.usefixtures("trusted")
def test_smtps_speaks_tls_from_the_first_byte(desk: Desk, tls: ssl.SSLContext, tmp_path: Path) -> None:
    port = desk.start(ssl_context=tls, authenticator=desk.login, auth_require_tls=False)

    mail.send(written(), f"smtps://ana:p%40ss%3Aw%2Frd@127.0.0.1:{port}", tmp_path)

    assert desk.logins == [(b"ana", b"p@ss:w/rd")]
    assert desk.messages[0]["Subject"] == WORDS.subject


@pytest.mark.parametrize(("scheme", "host"), [("smtps", "127.0.0.1"), ("smtp", "0.0.0.0")])
def test_a_certificate_that_nobody_vouches_for_ends_it(
    desk: Desk, tls: ssl.SSLContext, tmp_path: Path, scheme: str, host: str
) -> None:
    port = desk.start(**{"ssl_context" if scheme == "smtps" else "tls_context": tls})

    with pytest.raises(mail.MailError, match="certificate is not trusted") as caught:
        mail.send(written(), f"{scheme}://{host}:{port}", tmp_path)

    assert not caught.value.permanent
    assert desk.envelopes == []


def test_the_mail_server_of_this_machine_may_have_a_certificate_of_its_own(
    desk: Desk, tls: ssl.SSLContext, tmp_path: Path
) -> None:
    port = desk.start(tls_context=tls)

    mail.send(written(), f"smtp://127.0.0.1:{port}", tmp_path)

    assert desk.sessions[0].ssl is not None


def test_no_password_goes_in_the_clear_to_another_machine(desk: Desk, tmp_path: Path) -> None:
    port = desk.start(authenticator=desk.login, auth_require_tls=False)

    with pytest.raises(mail.MailError, match="offers no STARTTLS") as caught:
        mail.send(written(), f"smtp://ana:hunter2@0.0.0.0:{port}", tmp_path)

    assert not caught.value.permanent
    assert desk.logins == []


def test_a_refused_login_is_no_fault_of_the_letter_and_shows_no_password(desk: Desk, tmp_path: Path) -> None:
    port = desk.start(authenticator=desk.login, auth_require_tls=False)

    with pytest.raises(mail.MailError, match=r"does not let ana in: 535") as caught:
        mail.send(written(), f"smtp://ana:hunter2@127.0.0.1:{port}", tmp_path)

    assert not caught.value.permanent
    assert "hunter2" not in str(caught.value)
    assert desk.envelopes == []


@pytest.mark.parametrize(
    ("answer", "permanent"), [("451 try later", False), ("550 no such thing here", True), ("552 too big", True)]
)
def test_a_refused_letter_is_for_good_with_5xx_only(
    desk: Desk, tmp_path: Path, answer: str, *, permanent: bool
) -> None:
    desk.answers = [answer]
    port = desk.start(authenticator=desk.login, auth_require_tls=False)

    with pytest.raises(mail.MailError, match="did not take the letter") as caught:
        mail.send(written(), f"smtp://127.0.0.1:{port}", tmp_path)

    assert caught.value.permanent == permanent
    assert answer in str(caught.value)


@pytest.mark.parametrize(("answer", "permanent"), [("550 no such user", True), ("450 greylisted", False)])
def test_a_refused_address_is_for_good_with_5xx_only(
    desk: Desk, tmp_path: Path, answer: str, *, permanent: bool
) -> None:
    desk.refused = {"ana@example.org": answer}
    port = desk.start()

    with pytest.raises(mail.MailError, match=answer) as caught:
        mail.send(written(), f"smtp://127.0.0.1:{port}", tmp_path)

    assert caught.value.permanent == permanent


def test_a_server_that_is_not_there_is_tried_again(desk: Desk, tmp_path: Path) -> None:
    port = desk.start()
    mail.send(written(), f"smtp://127.0.0.1:{port}", tmp_path)

    with pytest.raises(
        mail.MailError, match=r"cannot reach the mail server 127\.0\.0\.1:9: Connection refused"
    ) as caught:
        mail.send(written(), "smtp://ana:hunter2@127.0.0.1:9", tmp_path)

    assert not caught.value.permanent
    assert len(desk.envelopes) == 1


@pytest.mark.parametrize(
    "url", ["", "ana:hunter2@mail", "http://ana:hunter2@mail/", "smtp://ana:hunter2@", "smtp://ana:hunter2@m:port"]
)
def test_an_address_of_a_server_that_is_none_is_refused_without_being_shown(url: str, tmp_path: Path) -> None:
    with pytest.raises(mail.MailError) as caught:
        mail.send(written(), url, tmp_path)

    assert "hunter2" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


def test_without_a_server_a_letter_is_a_file_for_its_owner(tmp_path: Path) -> None:
    folder = tmp_path / "mail"

    mail.send(written(), None, folder)
    mail.send(written(), None, folder)

    (path,) = folder.iterdir()
    message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
    assert path.name == "1.2.abc.eml"
    assert path.stat().st_mode & 0o777 == 0o600
    assert (message["Subject"], message["To"]) == (WORDS.subject, "ana@example.org")


def test_a_letter_never_leaves_its_folder(tmp_path: Path) -> None:
    folder = tmp_path / "mail"

    mail.send(written(message_id="<../../x@h>"), None, folder)

    assert [path.name for path in folder.iterdir()] == ["-..-x.eml"]


def test_a_folder_that_cannot_be_written_is_tried_again(tmp_path: Path) -> None:
    (tmp_path / "mail").write_text("a file")

    with pytest.raises(mail.MailError, match="cannot be written") as caught:
        mail.send(written(), None, tmp_path / "mail")

    assert not caught.value.permanent


@pytest.mark.parametrize(
    "fields",
    [{"to": "ana"}, {"to": ""}, {"headers": {"X-CTCI-Project": "a\r\nBcc: eve@example.org"}}],
)
def test_a_header_that_is_none_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(mail.MailError, match="cannot be written") as caught:
        written(**fields)

    assert caught.value.permanent


def test_a_sender_that_is_none_is_no_fault_of_the_letter() -> None:
    with pytest.raises(mail.MailError, match="from is no address") as caught:
        written(sender="ctci")

    assert not caught.value.permanent


def test_an_address_adds_no_header() -> None:
    try:
        head = written(to="ana@example.org\r\nBcc: eve@example.org").as_bytes().partition(b"\n\n")[0]
    except mail.MailError:
        head = b""

    assert b"\nBcc" not in head


def test_names_beyond_ascii_are_encoded(tmp_path: Path) -> None:
    mail.send(written(to="Zoë Ümlaut <zoe@example.org>"), None, tmp_path)

    (path,) = tmp_path.iterdir()
    assert path.read_bytes().isascii()
    message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
    assert message["To"].addresses[0].display_name == "Zoë Ümlaut"


@pytest.mark.parametrize("name", ["List-Unsubscribe", "In-Reply-To", "References"])
def test_an_address_in_a_header_goes_out_in_one_piece(name: str, desk: Desk, tmp_path: Path) -> None:
    long = f"<https://ci.{'a-long-name.' * 20}example.org/me/digest?k=9f2c&stop=at-once>"
    message = written(headers={name: f"{long} <break-1.2@ci.example.org>"})

    mail.send(message, f"smtp://127.0.0.1:{desk.start()}", tmp_path)

    (envelope,) = desk.envelopes
    assert isinstance(envelope.content, bytes)
    assert f"\r\n{name}: {long}\r\n <break-1.2@ci.example.org>\r\n".encode() in envelope.content


def test_no_header_follows_an_address_that_goes_out_in_one_piece() -> None:
    with pytest.raises(mail.MailError, match="cannot be written"):
        written(headers={"List-Unsubscribe": "<https://ci.example.org/>\r\nBcc: eve@example.org"})
