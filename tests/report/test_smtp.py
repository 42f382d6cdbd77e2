"""Every way in which a mail server fails: what becomes of the letter, who says so meanwhile, and that it comes once."""

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from ctci import config, ledger, words
from ctci.config.settings import Config, Digest, Notify, Server, Smtp
from ctci.layout import Layout
from ctci.model import SecretRef, Sending, Status
from ctci.receive.almanac import Almanac
from ctci.report import mail
from ctci.report.courier import Courier
from ctci.report.digests import Digests
from ctci.report.transitions import Transitions
from tests import make
from tests.conftest import StoppedClock
from tests.report.rude import STEPS, Rude

#: What is said at a step that no later try would mend, and what one may mend.
GIVEN_UP = [("rcpt", "550 no such user"), ("data", "554 no"), ("body", "552 too big")]
PUT_OFF = [
    *((step, "421 too busy") for step in STEPS if step not in ("body", "quit")),
    *((step, "drop") for step in STEPS if step != "quit"),
    *(("mail", said) for said in ("451 try later", "550 you may not send here", "530 log in first")),
    ("banner", "554 not you"),
    ("ehlo", "550 who are you"),
    ("rcpt", "450 greylisted"),
    ("data", "451 try later"),
    ("body", "452 no room"),
]


class Office:
    """The couriers of letters and digests, and the server that they write to."""

    def __init__(self, db: ledger.Ledger, place: Layout, server: Rude, clock: StoppedClock, host: int) -> None:
        self.db, self.server, self.clock = db, server, clock
        self.addresses: tuple[str, ...] = ("ana@example.org",)
        self.current = config.Current(self._config)
        environ = {"CTCI_SMTP_URL": f"smtp://127.0.0.1:{server.port}"}
        almanac = Almanac(db, self.current)
        letters = Transitions(db, place, self.current, environ, lambda _: ())
        digests = Digests(db, place, self.current, environ, almanac, lambda _: ())
        self.couriers = [Courier(db, sink, "me") for sink in (letters, digests)]
        self.host = host
        self.work()

    def breaks(self) -> None:
        """A job fails; its letter is not tried yet."""
        make.settled(self.db, self.host, Status.FAILED, "exit 1")

    def _config(self) -> Config:
        url = SecretRef(kind="env", name="CTCI_SMTP_URL")
        return Config(
            projects={"shop": make.project()},
            notify={"team": Notify(name="team", email=self.addresses, digest=Digest(at="07:30"))},
            server=Server(public_url="https://ci.example.org/", smtp=Smtp(url=url, sender="ci@example.org")),
            folder=Path(),
        )

    def work(self) -> None:
        for courier in self.couriers:
            while courier.tick():
                pass

    def later(self, seconds: float) -> None:
        self.clock.move(seconds)
        self.work()

    def next_digest(self) -> str:
        """What the next digest says, on one line."""
        self.later(self.until_digest_s)
        body = self.server.messages[-1].get_body(("plain",))
        assert body is not None
        assert self.server.messages[-1]["X-CTCI-Kind"] == "digest"
        return " ".join(str(body.get_content()).split())

    @property
    def until_digest_s(self) -> float:
        """A digest tells of what ended two seconds before it is written."""
        now = datetime.fromtimestamp(self.clock.at / 1000, UTC)
        return (now.replace(hour=7, minute=30, second=5) - now).total_seconds() % 86_400

    @property
    def letters(self) -> dict[str, Sending]:
        """By address."""
        return {each.to.partition(":")[2]: each for each in ledger.sendings_(self.db, sink="mail")}

    @property
    def warning(self) -> str:
        """What /readyz and the page Health say of it."""
        return words.unsent(ledger.unsent(self.db, since=self.clock.at - 7 * 86_400_000))


@pytest.fixture
def server() -> Iterator[Rude]:
    with Rude() as made:
        yield made


@pytest.fixture
def office(db: ledger.Ledger, place: Layout, server: Rude, stopped_clock: StoppedClock, host: int) -> Office:
    return Office(db, place, server, stopped_clock, host)


@pytest.mark.parametrize(("step", "fault"), PUT_OFF)
def test_what_another_try_may_mend_waits_is_said_and_comes_once(office: Office, step: str, fault: str) -> None:
    office.breaks()
    office.server.faults = {step: fault}
    office.work()
    waiting, warning, had = office.letters["ana@example.org"], office.warning, list(office.server.messages)

    office.server.faults = {}
    office.later(61)

    assert (waiting.state, waiting.tries, had) == ("due", 1, [])
    assert warning.startswith("1 message is held up: ")
    # Who is told to go at the first greeting tries the older one, and is left alone.
    assert fault == "drop" or fault[:3] in warning or (step, fault[:3]) == ("ehlo", "421")
    assert [message["Message-ID"] for message in office.server.messages] == [waiting.message_id]
    assert (office.letters["ana@example.org"].state, office.warning) == ("sent", "")


@pytest.mark.parametrize(("step", "fault"), GIVEN_UP)
def test_what_is_refused_for_good_is_given_up_and_the_next_digest_names_it(
    office: Office, step: str, fault: str
) -> None:
    office.breaks()
    office.server.faults = {step: fault}
    office.work()
    lost, warning = office.letters["ana@example.org"], office.warning
    office.server.faults = {}

    told = office.next_digest()

    assert (lost.state, lost.tries) == ("given_up", 1)
    assert warning.startswith("1 message was given up in the last 7 days: ")
    assert f"did not take the letter: {fault}" in warning
    assert f"The letter about #{lost.run} to ana@example.org was given up: " in told
    assert fault in told
    assert len(office.server.messages) == 1


def test_a_letter_that_waits_is_named_by_a_digest_that_goes(office: Office) -> None:
    office.later(office.until_digest_s - 30)
    office.breaks()
    office.server.faults = {"rcpt": "450 greylisted"}
    office.work()
    office.server.faults = {}

    told = office.next_digest()

    waiting = office.letters["ana@example.org"]
    assert f"The letter about #{waiting.run} to ana@example.org could not be sent yet: " in told
    assert "450 greylisted" in told
    assert waiting.state == "due"


def test_one_of_two_is_refused_and_the_other_is_told(office: Office) -> None:
    office.addresses = ("ana@example.org", "bo@example.org")
    office.current.reload()
    office.breaks()
    office.server.faults = {"rcpt ana@example.org": "550 no such user"}
    office.work()
    office.server.faults = {}

    told = office.next_digest()

    states = {address: (each.state, each.tries) for address, each in office.letters.items()}
    assert states == {"ana@example.org": ("given_up", 1), "bo@example.org": ("sent", 1)}
    assert [str(message["To"]) for message in office.server.messages[:1]] == ["bo@example.org"]
    assert "to ana@example.org was given up: " in told


@pytest.mark.parametrize("step", STEPS)
def test_a_slow_server_is_waited_for(office: Office, step: str) -> None:
    office.breaks()
    office.server.faults = {step: "slow"}
    office.work()

    assert (office.letters["ana@example.org"].state, office.letters["ana@example.org"].tries) == ("sent", 1)


@pytest.mark.parametrize("step", [step for step in STEPS if step != "quit"])
def test_a_server_that_says_nothing_is_left_and_tried_again(
    office: Office, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    monkeypatch.setattr(mail, "send", partial(mail.send, timeout_s=0.2))
    office.breaks()
    office.server.faults = {step: "hang"}
    office.work()
    waiting = office.letters["ana@example.org"]
    office.server.faults = {}
    office.later(61)

    assert waiting.state == "due"
    assert "no answer in time" in str(waiting.last_error)
    assert office.letters["ana@example.org"].state == "sent"
    assert {message["Message-ID"] for message in office.server.messages} == {waiting.message_id}


@pytest.mark.parametrize("fault", ["drop", "421 bye", "500 what"])
def test_how_a_server_says_goodbye_changes_nothing(office: Office, fault: str) -> None:
    office.breaks()
    office.server.faults = {"quit": fault}
    office.work()
    office.later(61)

    assert office.letters["ana@example.org"].state == "sent"
    assert len(office.server.messages) == 1


def test_a_letter_that_was_taken_without_a_word_comes_twice_as_the_same(office: Office) -> None:
    office.breaks()
    office.server.faults = {"body": "forget"}
    office.work()
    office.server.faults = {}
    office.later(61)

    ids = [message["Message-ID"] for message in office.server.messages]
    assert ids == [office.letters["ana@example.org"].message_id] * 2
    assert office.letters["ana@example.org"].state == "sent"
