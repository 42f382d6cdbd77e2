"""Every verb that can, against one real server elsewhere: by its address, with a token of each tier."""

import datetime as dt
import json
import re
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import pytest

from ctci import ledger
from ctci.cli import client, completing, root, session
from ctci.cli.verb import Verb
from ctci.model import Status, Tier
from tests import blank, make
from tests.cli.calling import Said
from tests.serving import Served
from tests.upstream import Upstream

MARK = "3f2a91bc" * 4
AGES = re.compile(r"(just now|\d+\s\w+ ago) *")
SCRIPT = "echo line one\necho LINE two\necho line three\n"


@dataclass(frozen=True, kw_only=True)
class Far:
    """A server with a red run of `shop`, #1, whose log has four lines, and a run of `web`, #2."""

    served: Served
    tokens: dict[str, str]

    def body(self, path: str, tier: str = "admin") -> Any:
        """What the API itself answers."""
        headers = {"Authorization": f"Bearer {self.tokens[tier]}"}
        with urllib.request.urlopen(
            urllib.request.Request(f"{self.served.url}api/v1{path}", headers=headers), timeout=10
        ) as answer:
            return json.loads(answer.read())


@pytest.fixture(scope="module")
def far(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Far]:
    folder = tmp_path_factory.mktemp("far")
    upstream = Upstream(folder / "upstream")
    upstream.push({"test.sh": SCRIPT})
    served = Served(folder / "ci")
    served.configure(
        f"""
        [notify.team]
        email = ["team@example.org"]
        digest = {{ at = "07:30" }}

        [projects.shop]
        notify = ["team"]
        git = "{upstream.path}"
        recipes.test = "sh test.sh"
        schedules.nightly = {{ at = "02:30" }}

        [projects.web]
        git = "{upstream.path}"
        recipes.test = "sh test.sh"
        """
    )
    served.place.jobs.mkdir(parents=True)
    db = blank.opened(served.place.ledger)
    host = ledger.host(db, "h1")
    orders = (make.order(subproject="", directory="."),)
    make.prepared(db, orders=orders)
    job, _ = make.running(db, host)
    make.settle(db, job, host, Status.FAILED, "exit 3", (make.finding(log_line=2, fingerprint=MARK),))
    make.unsent(db, 1)
    log = served.place.log(job.id, 1)
    log.parent.mkdir(parents=True)
    log.write_bytes(b"\x1b[31mred\x1b[0m \x1b[2Jone\ntwo\nThree\nfour\n")
    elsewhere = (make.order(project="web", subproject="", directory="."),)
    make.settled(db, host, trigger=make.trigger(project="web"), orders=elsewhere)
    tokens = {str(tier): ledger.new_token(db, name=str(tier), tier=tier, by="ana")[1] for tier in Tier}
    tokens["web"] = ledger.new_token(db, name="web", tier=Tier.TRIGGER, by="ana", projects=("web",))[1]
    db.close()
    served.start()
    try:
        yield Far(served=served, tokens=tokens)
    finally:
        served.stop()


@dataclass(frozen=True, kw_only=True)
class Near:
    """A machine with nothing but ctci."""

    far: Far
    capsys: pytest.CaptureFixture[str]
    monkeypatch: pytest.MonkeyPatch

    def __call__(self, *arguments: str, tier: str | None = "admin", url: str | None = None) -> Said:
        self.monkeypatch.delenv("CTCI_TOKEN", raising=False)
        if tier is not None:
            self.monkeypatch.setenv("CTCI_TOKEN", self.far.tokens.get(tier, tier))
        self.capsys.readouterr()
        code = root.call(["--server", url or self.far.served.url, *arguments])
        said = self.capsys.readouterr()
        return Said(code, said.out, said.err)


@pytest.fixture
def near(far: Far, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Near:
    for name in ("CTCI_CONFIG_DIR", "CTCI_DATA_DIR", "CTCI_SERVER", "CTCI_TOKEN", "CONFIGURATION_DIRECTORY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.chdir(tmp_path)
    return Near(far=far, capsys=capsys, monkeypatch=monkeypatch)


#: Each verb that reads, as JSON: (what is typed, what the API calls it).
READS = [
    (("status", "--json"), "/branches"),
    (("runs", "--json", "--project", "shop"), "/runs?project=shop&limit=20"),
    (("runs", "--json", "id,status", "-n", "1"), "/runs?limit=1&fields=id,status"),
    (("show", "1", "--json"), "/runs/1"),
    (("why", "shop", "--json"), "/projects/shop/verdicts"),
    (("why", "1", "--json"), "/runs/1/verdicts"),
    (("why-not", "web", "--json"), "/deliveries?project=web&limit=5"),
    (("told", "--json"), "/sendings?limit=20"),
    (("acks", "--json"), "/acks"),
    (("schedule", "--json"), "/schedules?days=14"),
]


@pytest.mark.parametrize(("typed", "path"), READS, ids=lambda each: each if isinstance(each, str) else " ".join(each))
def test_json_is_the_body_of_the_api(far: Far, near: Near, typed: tuple[str, ...], path: str) -> None:
    said = near(*typed, tier="read")

    assert (said.err, said.code in (0, 1)) == ("", True)
    assert said.json == far.body(path, "read")


def test_words_are_those_of_the_server_as_on_its_own_machine(far: Far, near: Near) -> None:
    lists = ("status", "runs", "told", "acks", "schedule")
    for verb in (*((each,) for each in lists), ("show", "1"), ("why", "shop"), ("why-not", "shop"), ("log", "1")):
        there = far.served.ctci(*verb, check=False)
        here = near(*verb)

        assert (here.code, AGES.sub("ago", here.out)) == (there.returncode, AGES.sub("ago", there.stdout))


def test_a_log_comes_in_windows_by_its_bytes_and_by_what_it_says(far: Far, near: Near) -> None:
    whole, window, raw = near("log", "1"), near("log", "1", "--lines", "-2:"), near("log", "1", "--raw", "--lines", "1")
    hits = near("log", "1", "--grep", "THREE", "--context", "1")
    exact, failed = near("log", "1", "--grep", "THREE", "--case"), near("log", "shop", "--failed", "--lines", "2")

    assert whole.out == "red one\ntwo\nThree\nfour\n"
    assert window.out == "Three\nfour\n"
    assert raw.out == "\x1b[31mred\x1b[0m \x1b[2Jone\n"
    assert hits.out == "2- two\n3: Three\n4- four\n"
    assert (exact.code, exact.out, failed.out) == (1, "", "two\n")
    (coloured,) = far.body("/jobs/1/log/lines?lines=1&colours=true")["lines"]
    assert coloured["text"] == "\x1b[31mred\x1b[0m one\x1b[0m"


def test_a_digest_is_read_as_the_server_would_send_it(far: Far, near: Near) -> None:
    text, html = near("digest", "preview", "--to", "team"), near("digest", "preview", "--html")

    told = far.body("/digests?to=team&form=text")
    assert (text.code, text.err.splitlines()[0]) == (0, f"to team: {told['subject']}")
    assert text.out.splitlines()[0] == told["text"].splitlines()[0]
    whole = far.body("/digests?form=html")["html"]
    # A minute may have passed.
    here, there = (re.sub(r"\d\d:\d\d", "", each) for each in (html.out, whole))
    assert (html.code, here) == (0, there)
    whole = near("digest", "preview", "--eml")
    assert (whole.code, "on the server's machine alone" in whole.err) == (2, True)


def test_a_digest_is_sent_by_the_server(far: Far, near: Near) -> None:
    def digests() -> list[str]:
        return [each for each in far.served.letters() if re.search(r"\(\w+ \d+ \w+\)$", each)]

    before = len(digests())

    sent = near("digest", "send", "--to", "team")
    nobody, reader = near("digest", "send", "--to", "nobody"), near("digest", "send", tier="trigger")

    assert (sent.code, sent.out.startswith("sent to team@example.org: no [smtp] is configured there")) == (0, True)
    (told, *_) = far.body("/sendings?by=digest")["items"]
    assert (told["to"], told["state"]) == ("team:team@example.org", "sent")
    assert far.body("/audit")["items"][0]["did"] == "sent the digest of team"
    assert len(digests()) == before + 1
    yesterday = (dt.datetime.now(dt.UTC) - dt.timedelta(days=1)).date().isoformat()
    again, ahead = near("digest", "send", "--date", yesterday), near("digest", "send", "--date", "2999-01-01")
    assert (again.code, len(digests())) == (0, before + 2)
    assert ahead.code == 2
    assert (nobody.code, "no one digest of nobody" in nobody.err) == (5, True)
    assert reader.code == 4


def test_a_run_is_asked_for_followed_run_again_and_ended(far: Far, near: Near) -> None:
    followed = near("run", "shop", "--follow", tier="trigger")
    number = int(followed.out.splitlines()[0].rpartition("/")[2])
    again = near("rerun", str(number), "--wait", tier="trigger")
    ended = near("cancel", str(number), tier="trigger")

    assert (followed.code, followed.out.splitlines()[1:]) == (0, ["line one", "LINE two", "line three"])
    assert "asked for by token trigger" in followed.err
    assert (again.code, f"#{number + 1} succeeded" in again.err) == (0, True)
    assert (ended.code, "had ended before: succeeded" in ended.err) == (1, True)
    assert {each["who"] for each in far.body("/audit")["items"][:2]} == {"token trigger"}


def test_a_finding_is_hidden_and_shown_again_and_a_schedule_fired(far: Far, near: Near) -> None:
    hidden = near("ack", "3f2a", "--until", "2w", "--why", "known", tier="trigger")
    listed = near("acks", "--json", "project,why,acknowledged_by").json
    shown = near("ack", "3f2a", "--lift", tier="trigger")
    fired = near("schedule", "run", "nightly", tier="trigger")
    followed = near("log", "-f", fired.out.strip())
    again = near("redeliver", far.body("/sendings")["items"][0]["id"])

    assert (hidden.code, "3f2a91bc of shop is hidden until" in hidden.out) == (0, True)
    assert listed["items"] == [{"project": "shop", "why": "known", "acknowledged_by": "token trigger"}]
    assert (shown.code, "3f2a91bc of shop is shown again" in shown.out) == (0, True)
    assert (fired.code, fired.out.startswith(f"{far.served.url}runs/")) == (0, True)
    assert (followed.code, followed.out.splitlines()) == (0, ["line one", "LINE two", "line three"])
    assert (again.code, "is due again" in again.out or "due already" in again.err) in ((0, True), (5, True))


def test_the_shell_is_offered_what_the_server_has_and_nothing_where_it_is_slow(far: Far, near: Near) -> None:
    near.monkeypatch.setenv("CTCI_SERVER", far.served.url)
    near.monkeypatch.setenv("CTCI_TOKEN", far.tokens["web"])
    near.monkeypatch.setattr(completing, "FAR_S", 20.0)
    context = click.Context(root.root, obj=session.Options())
    argument = click.Argument(["x"])

    projects, runs = completing.projects(context, argument, "web:"), completing.runs(context, argument, "")
    near.monkeypatch.setattr(completing, "FAR_S", 0.0)
    late = completing.projects(context, argument, "")

    assert [each.value for each in projects] == ["web:test"]
    assert [each.value for each in runs] == ["2"]
    assert late == []


def test_tokens_are_made_rotated_and_taken_back(far: Far, near: Near) -> None:
    made = near("token", "new", "lamp", "--tier", "read", "--project", "web", "--until", "9d")
    rotated = near("token", "rotate", "lamp")
    listed = near("token", "list", "--json")
    entered = [near("runs", tier=each.out.strip()).code for each in (made, rotated)]
    revoked = near("token", "revoke", "lamp")

    assert (made.code, rotated.code, revoked.code) == (0, 0, 0)
    assert [each["name"] for each in listed.json["items"]] == ["admin", "feed", "lamp", "read", "trigger", "web"]
    assert "lamp" not in {each["name"] for each in far.body("/tokens")["items"]}
    assert entered == [4, 0]
    assert near("audit", "--json").json == far.body("/audit?limit=50")


@pytest.mark.parametrize(
    ("typed", "tier", "code", "said"),
    [
        (("runs",), None, 0, ""),
        (("runs",), "feed", 4, "A token of the tier feed does not open this"),
        (("runs",), f"ctci_read_{'0' * 32}_00000000", 4, "no such token"),
        (("run", "shop"), "read", 4, "this takes the tier trigger"),
        (("token", "list"), "trigger", 4, "this takes the tier admin"),
        (("show", "1"), "web", 5, "there is no run #1"),
        (("show", "99"), "web", 5, "there is no run #99"),
        (("run", "shop"), "web", 5, "there is no project shop; configured: web"),
        (("run", "shop:lint"), "trigger", 5, "there is shop:test"),
        (("why", "nothing"), "read", 5, "there is no project nothing; configured: shop, web"),
        (("rerun", "99"), "trigger", 5, "there is no run #99"),
        (("redeliver", "99"), "admin", 5, "see `ctci told`"),
        (("runs", "--before", "nonsense"), "read", 2, "cursor"),
    ],
)
def test_a_refusal_is_the_servers_sentence_and_its_code(
    near: Near, typed: tuple[str, ...], tier: str | None, code: int, said: str
) -> None:
    told = near(*typed, tier=tier)

    assert (told.code, said in told.err) == (code, True), told.err


def test_a_server_that_is_not_there_is_3(near: Near) -> None:
    told = near("runs", url="http://127.0.0.1:1/")

    assert (told.code, told.err) == (3, "ctci: http://127.0.0.1:1/ cannot be reached: Connection refused\n")


@pytest.mark.parametrize(
    "given", ["ci.example.org", "ftp://example.org/", "http://ana:hunter2@example.org/", "http://["]
)
def test_what_is_no_address_is_refused_and_no_secret_repeated(near: Near, given: str) -> None:
    told = near("runs", url=given)

    assert (told.code, "--server" in told.err, "hunter2" in told.err) == (2, True, False)


def verbs() -> Iterator[tuple[tuple[str, ...], Verb]]:
    for name in root.ALL:
        command = root.root.get_command(click.Context(root.root), name)
        if isinstance(command, click.Group):
            yield from (((name, inner), each) for inner, each in command.commands.items() if isinstance(each, Verb))
        elif isinstance(command, Verb):
            yield (name,), command


def test_verbs_of_this_machine_refuse_a_server(near: Near) -> None:
    here = {" ".join(names): verb for names, verb in verbs() if not verb.remote}

    assert {"serve", "stop", "reload", "backup", "restore", "gc", "init", "hook install", "doctor", "try"} <= set(here)
    told = near("gc", "--dry-run")
    assert (told.code, "works on this machine: --server does not go with it" in told.err) == (2, True)
    told = near("run", "shop", "--here")
    assert (told.code, "--server does not go with it" in told.err) == (2, True)


def test_who_names_a_folder_means_this_machine(near: Near) -> None:
    near.monkeypatch.setenv("CTCI_SERVER", "http://ci.example.org")
    near.monkeypatch.setenv("CTCI_DATA_DIR", "/srv/ctci")

    named = client.server(session.Options(data_dir="data"))
    asked = client.server(session.Options())
    near.monkeypatch.delenv("CTCI_SERVER")

    assert (named, asked) == (None, client.Server(url="http://ci.example.org/", token=None))
    assert client.server(session.Options()) is None
    with pytest.raises(session.Refused, match="--data-dir"):
        client.server(session.Options(data_dir="data", server="http://ci.example.org"))


def test_the_users_own_file_names_the_server_and_its_token_goes_nowhere_else(
    far: Far, near: Near, tmp_path: Path
) -> None:
    def ask(*arguments: str) -> Said:
        near.capsys.readouterr()
        code = root.call([*arguments, "token", "list"])
        said = near.capsys.readouterr()
        return Said(code, said.out, said.err)

    file = tmp_path / ".config" / "ctci" / "client.toml"
    file.parent.mkdir(parents=True)
    secret = tmp_path / "secret"
    secret.write_text(far.tokens["admin"] + "\n")
    secret.chmod(0o600)

    file.write_text(f'server = "{far.served.url}"\ntoken = {{ file = "{secret}" }}\n')
    by_file = ask()
    secret.chmod(0o644)
    opened = ask()
    near.monkeypatch.setenv("MINE", far.tokens["admin"])
    file.write_text(f'server = "{far.served.url}"\ntoken = {{ env = "MINE" }}\n')
    by_variable = ask()
    other = ask("--server", far.served.url.replace("127.0.0.1", "localhost"))
    file.write_text(f'server = "{far.served.url}"\ntoken = "{far.tokens["admin"]}"\n')
    literal = ask()
    file.chmod(0o600)
    guarded = ask()
    file.write_text('sever = "x"\n')
    misspelt = ask()

    assert [each.code for each in (by_file, by_variable, guarded)] == [0, 0, 0]
    assert (opened.code, "chmod 600" in opened.err) == (2, True)
    assert (literal.code, "others can read it" in literal.err, far.tokens["admin"] in literal.err) == (2, True, False)
    # Another spelling of the address is another server: it gets no token, and shows what it shows to anybody.
    assert other.code == 4
    assert (misspelt.code, "no key sever; it knows server and token" in misspelt.err) == (2, True)
