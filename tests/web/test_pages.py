"""The pages over a real server, a real ledger and real logs: what they say, what they escape, who may see them."""

import json
import re
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import event

from ctci import clock, ledger
from ctci.config.settings import Schedule, Subproject
from ctci.model import Finding, Job, NewLine, Novel, Order, Owed, Reading, Repeat, Run, Status, Tally
from ctci.web import render, sentences, strip
from tests import make
from tests.web.site import Answer, Site

#: A green run; tests say what differs.
RUN = Run(
    id=1,
    project="shop",
    kind="push",
    ref="refs/heads/main",
    before=None,
    after=make.sha(1),
    commit=make.sha(1),
    subject="Use floats for prices",
    author="Ana Ruiz",
    author_email="ana@example.org",
    pusher="ana",
    options=(),
    status=Status.SUCCEEDED,
    reason=None,
    created_at=0,
    prepared_at=0,
    finished_at=1000,
    rerun_of=None,
    behind=None,
    prev_commit=None,
    prev_run=None,
)
HOSTILE = "<img src=x onerror=alert(1)>&\"'"


def only_job(db: ledger.Ledger, run: int) -> Job:
    return ledger.jobs_of(db, [run])[run][0]


# --- schedule --------------------------------------------------------------------------------------------------------


def test_the_schedule_says_what_is_next_and_what_was_missed(site: Site, db: ledger.Ledger) -> None:
    nightly = Schedule(name="nightly", cron="30 2 * * *", timezone="Europe/Berlin", skip_unchanged=True, jitter_s=600)
    shop = replace(site.settings.projects["shop"], schedules={"nightly": nightly})
    site.settings = replace(site.settings, projects={"shop": shop})
    site.clock.at = 1_795_478_400_000
    missed = make.entry(
        forge="ctci",
        event="missed",
        key="schedule:shop/nightly@2026-11-23T02:30+01:00",
        reason=f"the schedule nightly: missed 2026-11-23T02:30+01:00: {HOSTILE}",
        trigger=None,
        orders=(),
    )
    ledger.record(db, [missed])

    page = site.get("/schedule")

    assert page.h1 == "Next is shop nightly in 90 min, at 02:30; 1 time was missed in the last seven days."
    assert page.text.count("only if the branch has moved; up to 10\u202fm\u202f00\u202fs later") == 14
    assert "Wed 25 Nov" in page.text
    assert "shop: the schedule nightly: missed 2026-11-23T02:30+01:00: &lt;img" in page.text


def test_without_any_schedule_the_page_says_how_to_make_one(site: Site) -> None:
    page = site.get("/schedule")

    assert page.h1 == "Nothing is scheduled."
    assert "schedules.nightly" in page.text


# --- home ------------------------------------------------------------------------------------------------------------


def test_home_without_projects_tells_how_to_make_the_first(site: Site) -> None:
    site.settings = replace(site.settings, projects={})

    page = site.get("/")

    assert page.h1 == "ctci runs, and has no project yet. Three lines in one file make the first."
    assert "ctci hook install" in page.text


def test_home_without_runs_tells_the_next_command(site: Site) -> None:
    page = site.get("/")

    assert page.h1 == "No runs yet."
    assert "<code>ctci run shop</code>" in page.text
    assert "favicon-idle.svg" in page.text


def test_home_says_who_broke_what(site: Site, db: ledger.Ledger, host: int) -> None:
    green = make.settled(db, host)
    red = make.settled(db, host, Status.FAILED, "exit 1")
    site.clock.move(2 * 3600)
    site.write(only_job(db, red), b"collected 3 items\nE  assert 19.99 == 20\n\n[ctci] ended: sleep\n")

    page = site.get("/")

    assert page.h1 == f"shop/api:test broke on main 2 h ago: exit 1; 1 suspect since green #{green}."
    assert "E  assert 19.99 == 20" in page.text
    assert re.search(rf'Last green <time .*</time> in <a href="/runs/{green}">#{green}</a>', page.text)
    assert "Use floats for prices" in page.text
    assert f"<code>ctci rerun {red}</code>" in page.text
    assert "<title>✗ 1 broken · ctci</title>" in page.text
    assert "favicon-broken.svg" in page.text


def test_home_says_since_when_it_is_still_broken(site: Site, db: ledger.Ledger, host: int) -> None:
    green = make.settled(db, host)
    first = make.settled(db, host, Status.FAILED, "exit 1")
    site.clock.move(4 * 86400)
    make.settled(db, host, Status.TIMED_OUT, "timed out after 15 m")

    page = site.get("/")

    assert page.h1 == (
        f"shop/api:test has been red on main for 4 days, since #{first}: timed out after 15 m; "
        f"1 suspect since green #{green}."
    )
    assert "still broken" in page.text
    assert f'since <a href="/runs/{first}">#{first}</a>' in page.text


def test_home_is_green_when_everything_is(site: Site, db: ledger.Ledger, host: int) -> None:
    run = make.settled(db, host)

    page = site.get("/")

    assert page.h1 == f"shop main is green: 1 recipe, last #{run} just now."
    assert 'aria-label="shop main, last 1 run: 1 succeeded; the latest succeeded"' in page.text
    assert "no runs yet: push, or <code>ctci run dotfiles</code>" in page.text


@pytest.mark.parametrize("status", [Status.ERRORED, Status.CANCELLED, Status.SUPERSEDED])
def test_what_is_not_the_authors_fault_turns_nothing_red(
    site: Site, db: ledger.Ledger, host: int, status: Status
) -> None:
    make.settled(db, host)
    make.settled(db, host, status, "no disk")

    page = site.get("/")

    assert page.h1.startswith("shop main is green")
    assert "Broken now" not in page.text


def test_a_recipe_that_is_configured_no_more_is_not_broken(site: Site, db: ledger.Ledger, host: int) -> None:
    make.settled(db, host, Status.FAILED, orders=(make.order(recipe=make.recipe(name="gone")),))

    assert "Broken now" not in site.get("/").text


def test_home_says_why_a_job_waits(site: Site, db: ledger.Ledger, host: int) -> None:
    first = make.prepared(db)
    make.running(db, host)
    make.prepared(db)
    third = make.recorded(db)
    ledger.postpone(db, third, "git.example.org does not answer", 1000)
    make.prepared(db, trigger=make.trigger(ref="refs/heads/other"))

    text = site.get("/").text

    assert f"waits behind #{first} (on-new-push = queue)" in text
    assert "waits for its commit to be fetched: git.example.org does not answer" in text
    assert "waits for a free slot" in text
    assert "1 of 1 slot, 3 wait" in text


# --- runs ------------------------------------------------------------------------------------------------------------


def test_runs_are_paged_by_number(site: Site, db: ledger.Ledger) -> None:
    ids = [make.recorded(db) for _ in range(120)]

    seen: list[int] = []
    path = "/runs"
    for _ in range(3):
        page = site.get(path)
        seen += [int(each) for each in re.findall(r'<th scope="row"><a href="/runs/(\d+)">', page.text)]
        older = re.search(r'href="(/runs\?[^"]*before=[^"]*)" rel="next"', page.text)
        path = older[1] if older else ""

    assert seen == ids[::-1]
    assert path == ""


def test_runs_are_filtered_by_project_branch_and_status(site: Site, db: ledger.Ledger, host: int) -> None:
    red = make.settled(db, host, Status.FAILED)
    make.settled(db, host)
    tag = make.recorded(db, trigger=make.trigger(kind="tag", ref="refs/tags/v1", project="dotfiles"))

    failed = site.get("/runs?project=shop&branch=main&status=failed")
    tagged = site.get("/runs?branch=refs/tags/v1&project=&status=")
    none = site.get("/runs?project=nobody")

    assert failed.h1 == "1 run of shop on main with status failed: 1 failed."
    assert re.findall(r'<th scope="row"><a href="/runs/(\d+)">', failed.text) == [str(red)]
    assert re.findall(r'<th scope="row"><a href="/runs/(\d+)">', tagged.text) == [str(tag)]
    assert none.h1 == "No run of nobody matches."


@pytest.mark.parametrize("before", ["abc", "-1", "9" * 40, "", "²", "0"])
def test_a_senseless_page_number_is_the_first_page(site: Site, db: ledger.Ledger, before: str) -> None:
    make.recorded(db)

    page = site.get(f"/runs?before={quote(before)}")

    assert page.status == 200


def test_a_page_asks_the_ledger_as_often_for_many_rows_as_for_one(
    site: Site, db: ledger.Ledger, host: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[None] = []
    read = ledger.Ledger.read

    def counted(self: ledger.Ledger) -> Any:
        asked.append(None)
        return read(self)

    monkeypatch.setattr(ledger.Ledger, "read", counted)

    def reads(path: str) -> int:
        asked.clear()
        assert site.get(path).status == 200
        return len(asked)

    make.settled(db, host)
    few = {path: reads(path) for path in ("/", "/runs", "/deliveries")}
    for number in range(40):
        make.settled(db, host, trigger=make.trigger(ref=f"refs/heads/b{number}"))

    assert {path: reads(path) for path in few} == few


# --- one run ---------------------------------------------------------------------------------------------------------


def test_a_red_run_says_everything_that_helps(site: Site, db: ledger.Ledger, host: int) -> None:
    green = make.settled(db, host)
    run = make.settled(db, host, Status.FAILED, "exit 3", trigger=make.trigger(after=make.sha(77)))
    site.write(only_job(db, run), b"one\ntwo\nE  broken\n")

    page = site.get(f"/runs/{run}")

    said = f"api:test broke on main just now: exit 3; 1 suspect since green #{green}"
    assert page.h1 == f"{said}."
    assert "Pushed by ana" in page.text
    assert "E  broken" in page.text
    assert f"git switch --detach {make.sha(77)}" in page.text
    assert "cd services/api" in page.text
    assert "make test" in page.text
    assert "api queued: the branch is main" in page.text
    assert f"<code>ctci rerun {run}</code>" in page.text
    assert f"<title>✗ #{run} {said} · ctci</title>" in page.text


def test_a_run_says_once_why_its_forge_was_not_told(site: Site, db: ledger.Ledger) -> None:
    run = make.prepared(db)
    why = f"git.example.org answered 401: {HOSTILE}. The `token` is wrong"
    owed = [Owed(key=f"status/{name}", to=f"shop/{name}", run=run, due=0, body={}) for name in ("a", "b", "c")]
    ledger.owe(db, sink="status", owed=owed)
    told, *refused = ledger.take(db, "status", holder="me", hold_ms=1000, limit=3)
    ledger.sent(db, [told], holder="me")
    ledger.failed(db, refused, holder="me", error=why, delay_ms=None)

    text = site.get(f"/runs/{run}").text

    assert text.count("answered 401") == 1
    assert re.search(r"2.statuses</dt><dd>git\.example\.org answered 401: &lt;img .*; given up</dd>", text)
    assert "letters and calls about this run" not in text
    assert HOSTILE not in text


def test_a_run_says_who_cancelled_it(site: Site, db: ledger.Ledger) -> None:
    run = make.prepared(db)
    ledger.ask_cancel(db, by="bo", reason="wrong branch", run=run)

    assert site.get(f"/runs/{run}").h1 == f"#{run} was cancelled on main just now: cancelled by bo: wrong branch."


def test_a_waiting_run_says_for_what(site: Site, db: ledger.Ledger) -> None:
    run = make.recorded(db)

    page = site.get(f"/runs/{run}")

    assert page.h1 == f"#{run} waits for its commit to be fetched."
    assert "data-live" in page.text
    assert f"<code>ctci cancel {run}</code>" in page.text


def test_an_errored_run_blames_nobody_else(site: Site, db: ledger.Ledger) -> None:
    run = make.recorded(db)
    ledger.give_up(db, run, "fatal: no such repository")

    page = site.get(f"/runs/{run}")

    assert page.h1 == "ctci could not run api:test on main just now: fatal: no such repository."
    assert "favicon-idle.svg" in page.text


def test_what_people_typed_is_escaped_everywhere(site: Site, db: ledger.Ledger, host: int) -> None:
    ref = f"refs/heads/{HOSTILE}"
    evil = make.commit(author=HOSTILE, subject=HOSTILE * 8)
    recipe = make.recipe(run=f"echo {HOSTILE}")
    run = make.settled(
        db,
        host,
        Status.FAILED,
        HOSTILE,
        trigger=make.trigger(ref=ref, pusher=HOSTILE),
        orders=(make.order(ref=ref, recipe=recipe),),
        brought=(evil,),
    )
    job = only_job(db, run)
    site.write(job, f"{HOSTILE}\n".encode())

    pages = [site.get(path) for path in ("/", "/runs", f"/runs/{run}", f"/jobs/{job.id}", "/deliveries")]
    filtered = site.get("/runs?project=%3Cimg%3E&branch=%22%3E%3Cimg%20src=x%3E&status=%3Cimg%3E")

    assert [page.status for page in (*pages, filtered)] == [200] * 6
    assert [page.text.count("&lt;img") > 0 for page in (*pages, filtered)] == [True] * 6
    assert [page.text.count("<img") for page in (*pages, filtered)] == [0] * 6


# --- logs ------------------------------------------------------------------------------------------------------------


def test_a_small_log_is_whole_with_numbers_times_and_colours(site: Site, db: ledger.Ledger, host: int) -> None:
    run = make.settled(db, host, Status.FAILED, "exit 1")
    job = only_job(db, run)
    assert job.began_at is not None
    site.write(job, b"first\n\x1b[31mred\x1b[0m\n", times=((0, job.began_at + 500), (6, job.began_at + 12_300)))

    page = site.get(f"/runs/{run}/api/test")

    assert page.h1.endswith("exit 1, 2 lines.")
    assert '<p id="L1"><a href="?line=1#L1">1</a><i>0.5</i><code>first</code></p>' in page.text
    assert '<p id="L2"><a href="?line=2#L2">2</a><i>12.3</i><code><span class="c31">red</span></code></p>' in page.text
    # But for where one comes back to after signing in.
    same = (page.text, site.get(f"/jobs/{job.id}").text)
    assert len({re.sub(r'sign-in\?to=[^"]*', "", each) for each in same}) == 1


def test_a_project_without_subprojects_has_a_shorter_address(site: Site, db: ledger.Ledger, host: int) -> None:
    run = make.settled(
        db,
        host,
        trigger=make.trigger(project="dotfiles"),
        orders=(make.order(project="dotfiles", subproject="", directory=".", recipe=make.recipe(name="test")),),
    )
    site.write(only_job(db, run), b"hello\n")

    assert "hello" in site.get(f"/runs/{run}/test").text
    assert f'href="/runs/{run}/test"' in site.get(f"/runs/{run}").text
    assert site.get(f"/runs/{run}/api/test").status == 404


def numbered(page: Answer) -> tuple[int, int]:
    ids = [int(each) for each in re.findall(r'<p id="L(\d+)">', page.text)]
    return ids[0], ids[-1]


def test_a_long_log_is_shown_in_windows_that_links_lead_through(site: Site, db: ledger.Ledger, host: int) -> None:
    run = make.settled(db, host, Status.FAILED)
    job = only_job(db, run)
    site.write(job, b"".join(b"line %d\n" % number for number in range(1, 10_001)))
    path = f"/jobs/{job.id}"

    end = site.get(path)

    assert numbered(end) == (9501, 10_000)
    assert numbered(site.get(f"{path}?from=1")) == (1, 500)
    assert numbered(site.get(f"{path}?from=9001&lines=200")) == (9001, 9200)
    assert numbered(site.get(f"{path}?line=2214")) == (2194, 2693)
    assert numbered(site.get(f"{path}?from=99999")) == (10_000, 10_000)
    assert 'href="?from=9001" rel="prev"' in end.text
    assert 'href="?from=501" rel="next"' in site.get(f"{path}?from=1").text


@pytest.mark.parametrize(
    ("content", "sentence"),
    [(b"", "This recipe printed nothing."), (None, "This log is not there")],
)
def test_without_lines_the_page_says_why(
    site: Site, db: ledger.Ledger, host: int, content: bytes | None, sentence: str
) -> None:
    job = only_job(db, make.settled(db, host))
    if content is not None:
        site.write(job, content)

    assert sentence in site.get(f"/jobs/{job.id}").text


def test_a_job_that_never_ran_has_no_log_and_says_why(site: Site, db: ledger.Ledger) -> None:
    run = make.recorded(db)
    job = only_job(db, run)
    ledger.give_up(db, run, "no such commit")

    page = site.get(f"/jobs/{job.id}")

    assert page.h1 == "ctci could not run it: no such commit."
    assert "It never ran, so there is no log." in page.text


def test_a_running_log_is_followed_from_where_the_page_ends(site: Site, db: ledger.Ledger, host: int) -> None:
    make.prepared(db)
    job, _ = make.running(db, host)
    path = site.write(job, b"one\ntwo\nhal")

    page = site.get(f"/jobs/{job.id}")
    with path.open("ab") as file:
        file.write(b"f\nla")
    source = re.search(r'data-next="(\d+)" data-source="([^"]+)"', page.text)
    assert source is not None
    address = source[2].replace("&amp;", "&")
    more = site.get(f"{address}&from={source[1]}")
    with path.open("ab") as file:
        file.write(b"st\n")
    last = site.get(f"{address}&from={more.headers['x-next']}")

    assert "half" not in page.text
    assert re.findall(r"<code>(.*?)</code>", more.text) == ["half", "la"]
    assert (more.headers["x-next"], more.headers["x-status"]) == ("4", "running")
    assert re.findall(r"<code>(.*?)</code>", last.text) == ["last"]
    assert last.headers["x-next"] == "5"
    assert "no-store" in more.headers["cache-control"]


def test_who_has_fallen_behind_gets_the_newest_lines_and_a_link_to_the_rest(
    site: Site, db: ledger.Ledger, host: int
) -> None:
    make.prepared(db)
    job, _ = make.running(db, host)
    site.write(job, b"x\n" * 5000)

    more = site.get(f"/jobs/{job.id}/log?as=html&lines=500&from=100")

    assert numbered(more) == (4501, 5000)
    assert '<a href="?from=100">4\u202f401 lines in between</a>' in more.text
    assert more.headers["x-next"] == "5001"


def test_raw_bytes_are_exactly_those_on_disk(site: Site, db: ledger.Ledger, host: int) -> None:
    job = only_job(db, make.settled(db, host))
    content = bytes(range(256)) * 3000
    site.write(job, content)
    path = f"/jobs/{job.id}/log"

    whole, part = site.get(path), site.get(path, Range="bytes=1000-1999")
    end, beyond = site.get(path, Range="bytes=-10"), site.get(path, Range="bytes=999999999-")
    head = site.get(path, method="HEAD")

    assert whole.raw == content
    assert whole.headers["content-type"] == "text/plain; charset=utf-8"
    assert whole.headers["x-content-type-options"] == "nosniff"
    assert (part.status, part.raw) == (206, content[1000:2000])
    assert part.headers["content-range"] == f"bytes 1000-1999/{len(content)}"
    assert (end.status, end.raw) == (206, content[-10:])
    assert (beyond.status, beyond.headers["content-range"]) == (416, f"bytes */{len(content)}")
    assert (head.status, head.raw, head.headers["content-length"]) == (200, b"", str(len(content)))


def test_raw_windows_are_lines(site: Site, db: ledger.Ledger, host: int) -> None:
    job = only_job(db, make.settled(db, host))
    site.write(job, b"".join(b"line %d\n" % number for number in range(1, 101)) + b"last")
    path = f"/jobs/{job.id}/log"

    assert site.get(f"{path}?from=2&lines=2").text == "line 2\nline 3\n"
    assert site.get(f"{path}?tail=2").text == "line 100\nlast"
    assert site.get(f"{path}?from=500").text == ""
    assert site.get(f"{path}?tail=0").text == ""
    assert site.get(f"{path}?from=1&lines={10**17}").raw.count(b"\n") == 100


# --- deliveries ------------------------------------------------------------------------------------------------------


def test_every_call_has_its_decision_as_a_sentence(site: Site, db: ledger.Ledger) -> None:
    empty = site.get("/deliveries")
    made = make.entry()
    run = ledger.record(db, (made,))[0].run
    ledger.record(db, (made,))
    ledger.record(db, (make.entry(orders=(), reason="branch wip matches no pattern of the project"),))
    ledger.refuse(db, project="shop", forge="github", event="push", key="k", reason="signature does not match")

    page = site.get("/deliveries")

    assert empty.h1 == "No hook has called yet."
    assert "ctci hook install REPO.git --project" in empty.text
    assert page.h1 == "The last 4 calls: 1 made a run, 1 was ignored, 1 was seen before, 1 was refused."
    assert f"the same delivery made #{run} before" in page.text
    assert "branch wip matches no pattern of the project" in page.text
    assert "signature does not match" in page.text


def test_deliveries_are_filtered_and_paged(site: Site, db: ledger.Ledger) -> None:
    for _ in range(60):
        ledger.record(db, (make.entry(),))
    ledger.record(db, (make.entry(trigger=make.trigger(project="dotfiles")),))

    first = site.get("/deliveries?project=shop")
    older = re.search(r'href="(/deliveries\?[^"]*)" rel="next"', first.text)
    assert older is not None
    second = site.get(older[1].replace("&amp;", "&"))

    assert len(re.findall(r'<tr id="d_', first.text)) == 50
    assert len(re.findall(r'<tr id="d_', second.text)) == 10


# --- doors -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path", ["/nope", "/runs/999", "/runs/1/api/test", "/jobs/7", f"/runs/{'9' * 30}", "/static/x/../app.py", "/runs/x"]
)
def test_what_is_not_there_is_a_page_in_the_look(site: Site, path: str) -> None:
    page = site.get(path)

    assert page.status == 404
    assert page.h1.startswith("There is no")
    assert "base.css" in page.text


def test_pages_are_only_read(site: Site) -> None:
    page = site.get("/runs", method="POST")

    assert (page.status, page.h1) == (405, "This page is only read.")


def test_the_server_says_whether_it_is_ready(site: Site) -> None:
    ready = site.get("/readyz")
    site.ready = {"ok": False, "reasons": ["the prepare loop has ended"]}
    not_ready = site.get("/readyz")

    assert (ready.status, json.loads(ready.raw)["ok"]) == (200, True)
    assert (not_ready.status, json.loads(not_ready.raw)["reasons"]) == (503, ["the prepare loop has ended"])
    assert site.get("/healthz").text == "ok\n"


def test_a_fault_is_told_without_its_traceback(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    site.ready = RuntimeError("a secret of the inside")

    page = site.get("/readyz")
    name = re.search(r"request ([0-9a-f]{12})", page.text)

    assert (page.status, page.h1) == (500, "ctci could not make this page.")
    assert "secret" not in page.text
    assert name is not None
    assert name[1] == page.headers["x-request-id"]
    assert f"request {name[1]}" in caplog.text
    assert "a secret of the inside" in caplog.text


def test_every_answer_forbids_what_is_not_ours(site: Site) -> None:
    for path in ("/", "/nope", "/healthz", "/runs"):
        headers = site.get(path).headers

        assert headers["content-security-policy"] == render.CSP
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin"


def test_pages_hold_no_inline_style_or_script_and_load_only_ours(site: Site, db: ledger.Ledger, host: int) -> None:
    run = make.settled(db, host, Status.FAILED)
    site.write(only_job(db, run), b"\x1b[31mred\x1b[0m\n")

    for path in ("/", "/runs", f"/runs/{run}", f"/runs/{run}/api/test", "/deliveries", "/nope"):
        text = site.get(path).text

        assert re.findall(r"\sstyle=|\son\w+=|<style|<script(?! type=\"module\" src=\"/static/)", text) == []
        assert re.findall(r"(?:src|href)=\"(?:https?:)?//", text) == []


def test_static_files_are_kept_for_good_under_their_hash(site: Site) -> None:
    found = re.search(r'href="(/static/[0-9a-f]{12}/base\.css)"', site.get("/").text)
    assert found is not None

    now, older = site.get(found[1]), site.get("/static/000000000000/base.css")

    assert "immutable" in now.headers["cache-control"]
    assert now.headers["content-type"].startswith("text/css")
    assert (older.raw, older.headers["cache-control"]) == (now.raw, "no-cache")


@pytest.mark.parametrize("listen", ["0.0.0.0:8484", "[::]:8484", "ci.example.org:80", "192.0.2.1:8484"])
def test_on_a_public_address_visitors_see_nothing(site: Site, db: ledger.Ledger, listen: str) -> None:
    run = make.recorded(db)
    site.listen(listen=listen)

    closed = [site.get(path) for path in ("/", f"/runs/{run}", "/deliveries", "/jobs/1/log", "/hooksx")]

    assert {page.status for page in closed} == {401}
    assert json.loads(site.get("/readyz").raw) == {"ok": True}
    assert f"#{run}" not in "".join(page.text for page in closed)
    assert site.get("/healthz").status == 200
    assert site.get("/hooks/shop").status == 405
    assert site.get(f"/runs/{run}", unix=True).status == 200


@pytest.mark.parametrize("listen", ["127.0.0.1:8484", "localhost:1", "[::1]:8484", "127.9.9.9:1"])
def test_on_loopback_pages_are_open(site: Site, listen: str) -> None:
    site.listen(listen=listen)

    assert site.get("/").status == 200


def test_behind_a_path_links_keep_it(site: Site, db: ledger.Ledger) -> None:
    run = make.recorded(db)
    site.listen(public_url="https://ci.example.org/ci/")

    kept, stripped = site.get(f"/ci/runs/{run}"), site.get(f"/runs/{run}")

    assert (kept.status, stripped.status) == (200, 200)
    assert set(re.findall(r'href="(/[^"/]*)', kept.text)) == {"/ci"}


def test_templates_compile() -> None:
    templates = render.environment()

    assert len([templates.get_template(name) for name in templates.list_templates()]) >= 8


# --- deciding --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("statuses", "state"),
    [
        ([], "idle"),
        ([Status.SUCCEEDED], "green"),
        ([Status.SUCCEEDED, Status.RUNNING], "running"),
        ([Status.RUNNING, Status.TIMED_OUT], "broken"),
        ([Status.ERRORED], "idle"),
        ([Status.CANCELLED, Status.SUCCEEDED], "green"),
    ],
)
def test_a_page_has_the_state_of_what_it_shows(statuses: list[Status], state: str) -> None:
    assert sentences.state(statuses) == state


@pytest.mark.parametrize(
    ("broken", "standing", "said"),
    [
        (1, 1, ""),
        (1, 2, "The other 1 recipe is green."),
        (2, 12, "One more is red. The other 10 recipes are green."),
        (4, 4, "3 more are red."),
    ],
)
def test_a_red_home_counts_the_others(broken: int, standing: int, said: str) -> None:
    assert sentences.others(broken, standing) == said


@given(st.lists(st.tuples(st.sampled_from(list(Status)), st.integers(0, 10**7)), max_size=40))
def test_bars_stay_in_their_slots(facts: list[tuple[Status, int]]) -> None:
    runs = [
        replace(RUN, id=number, status=status, finished_at=ms if status not in ("queued", "running") else None)
        for number, (status, ms) in enumerate(facts, 1)
    ]

    drawn = strip.strip("shop main", runs)

    assert len(drawn.bars) == min(len(facts), strip.SLOTS)
    for slot, bar in enumerate(drawn.bars, strip.SLOTS - len(drawn.bars)):
        for x, y, width, height in bar.boxes:
            assert slot * 6 <= x
            assert x + width <= slot * 6 + 4
            assert y >= 0
            assert y + height <= 32


def test_only_red_hangs_below_the_line() -> None:
    below = {
        status
        for status in Status
        for bar in strip.strip("x", [replace(RUN, status=status, finished_at=1)]).bars
        if any(y > strip.HIGH for _, y, _, _ in bar.boxes)
    }

    assert below == {Status.FAILED, Status.TIMED_OUT}


# --- queue -----------------------------------------------------------------------------------------------------------


def locked(ref: str, **recipe: Any) -> dict[str, Any]:
    return {
        "trigger": make.trigger(ref=ref),
        "orders": (make.order(ref=ref, recipe=make.recipe(**recipe)),),
    }


def test_an_empty_queue_says_so(site: Site) -> None:
    page = site.get("/queue")

    assert page.h1 == "Nothing runs and nothing waits."
    assert 'href="/queue" aria-current="page"' in page.text


def test_the_queue_says_who_runs_who_waits_and_for_what(site: Site, db: ledger.Ledger, host: int) -> None:
    site.listen(max_jobs=1)
    first = make.prepared(db, **locked("refs/heads/a", lock="postgres"))
    make.running(db, host)
    second = make.prepared(db, **locked("refs/heads/b", lock="postgres"))
    orders = tuple(
        make.order(ref="refs/heads/c", recipe=make.recipe(**fields))
        for fields in ({"name": "build"}, {"name": "test", "needs": ("build",)})
    )
    make.prepared(db, trigger=make.trigger(ref="refs/heads/c"), orders=orders)
    make.recorded(db, trigger=make.trigger(ref="refs/heads/d"))
    site.clock.move(72)

    page = site.get("/queue")

    said = re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", page.text.replace("\u202f", " ")))
    assert page.h1 == (
        "1 job runs and 4 wait: shop/api:test waits for the lock postgres, which shop/api:test of #1 holds."
    )
    assert "The only slot is busy" in said
    assert f"1 shop/api:test #{first} a ana lock postgres 1 m 12 s" in said
    assert f"1 shop/api:test #{second} b ana waits for the lock postgres, which shop/api:test of #{first} holds" in said
    assert "2 shop/api:build #3 c ana waits for a free slot 72 s" not in said
    assert "2 shop/api:build #3 c ana waits for a free slot" in said
    assert "needs build, which has not ended" in said
    assert "waits for its commit to be fetched" in said
    assert f"postgres held by shop/api:test of #{first} for 1 m 12 s; 1 job waits for it" in said


def test_the_queue_says_what_keeps_everything_from_starting(site: Site, db: ledger.Ledger) -> None:
    make.prepared(db)
    site.ready = {"ok": False, "reasons": ["4 MiB free on the disk, under disk-floor = 1,024 MiB: no job is started"]}

    assert "under disk-floor = 1,024 MiB: no job is started." in site.get("/queue").text


def test_what_a_stranger_calls_a_lock_or_a_branch_is_text(site: Site, db: ledger.Ledger, host: int) -> None:
    make.prepared(db, **locked(f"refs/heads/{HOSTILE}", lock=HOSTILE, name=HOSTILE))
    make.running(db, host)
    make.prepared(db, **locked(f"refs/heads/{HOSTILE}x", lock=HOSTILE, name=HOSTILE))

    page = site.get("/queue")

    assert page.status == 200
    assert "<img" not in page.text


def test_a_page_of_waiting_jobs_asks_the_ledger_a_fixed_number_of_times(site: Site, db: ledger.Ledger) -> None:
    asked: list[str] = []
    event.listen(db.engine, "before_cursor_execute", lambda *args: asked.append(args[2]))
    counts = []
    for number in range(2):
        for each in range(1 if number == 0 else 20):
            make.prepared(db, **locked(f"refs/heads/{number}-{each}", lock=f"l{each}"))
        asked.clear()
        site.get("/queue")
        counts.append(len(asked))

    assert counts[0] == counts[1]


def test_what_is_allowed_to_fail_is_grey_and_breaks_nothing(site: Site, db: ledger.Ledger, host: int) -> None:
    orders = (make.order(recipe=make.recipe(allow_failure=True)),)
    run = make.settled(db, host, Status.FAILED, "exit 1", orders=orders)

    home, page = site.get("/"), site.get(f"/runs/{run}")

    assert "Broken now" not in home.text
    assert "favicon-broken" not in home.text
    assert '<span class="st skipped">' in page.text
    assert "failed, allowed" in page.text
    assert page.h1.startswith(f"#{run} is green on main")


def test_a_green_run_on_a_branch_that_stays_red_says_so(site: Site, db: ledger.Ledger, host: int) -> None:
    def orders(*names: str) -> tuple[Order, ...]:
        return tuple(make.order(recipe=make.recipe(name=name)) for name in names)

    make.settled(db, host, Status.FAILED, "exit 1", orders=orders("test", "gone"))
    partly = make.settled(db, host, orders=orders("build", "lint"))
    before = site.get(f"/runs/{partly}").h1
    make.settled(db, host, orders=orders("test"))

    after = site.get(f"/runs/{partly}").h1

    # A recipe that was removed is red for nobody.
    assert re.fullmatch(rf"#{partly}: both its jobs succeeded .*; main stays red: api:test since #1\.", before)
    assert after.startswith(f"#{partly} is green on main: both its jobs succeeded ")


def test_a_repeated_result_leads_to_the_job_that_was_run(site: Site, db: ledger.Ledger, host: int) -> None:
    first = make.settled(db, host, Status.FAILED, "exit 1")
    base = only_job(db, first)
    site.write(base, b"E  assert 19.99 == 20\n")
    run = make.recorded(db)
    job = only_job(db, run)
    make.prepare(
        db, run, repeats={job.id: Repeat(job=base.id, status=Status.FAILED, reason=f"unchanged since #{first}: failed")}
    )

    home, page, log = site.get("/"), site.get(f"/runs/{run}"), site.get(f"/jobs/{job.id}")

    assert f'<a href="/jobs/{base.id}">unchanged since #{first}: failed</a>' in page.text
    assert "E  assert 19.99 == 20" in page.text
    assert "E  assert 19.99 == 20" in home.text
    assert f'<a href="/jobs/{base.id}">that of the job</a>' in log.text


# --- findings --------------------------------------------------------------------------------------------------------


def ended(db: ledger.Ledger, host: int, *told: Finding, status: Status = Status.FAILED, **reading: Any) -> Job:
    """A job that ended with these findings."""
    run = make.prepared(db)
    job, _ = make.running(db, host)
    ledger.settle(
        db,
        job=job.id,
        attempt=job.attempt,
        host=host,
        status=status,
        reason=None if status is Status.SUCCEEDED else "exit 1",
        exit=make.exit_(code=0 if status is Status.SUCCEEDED else 1),
        reading=Reading(job=job.id, attempt=1, **{"errors": len(told), "first": 0 if told else None, **reading}),
        findings=told,
    )
    return only_job(db, run)


def test_a_red_run_shows_what_its_tools_said_the_first_error_first(site: Site, db: ledger.Ledger, host: int) -> None:
    note = make.finding(severity="warning", tool="ruff", rule="F401", message="unused", file="cart.py", line=3)
    first = make.finding(message="AssertionError: 1 != 2", file="test_cart.py", line=88, log_line=2)
    red = ended(db, host, note, first, first=1, errors=1, warnings=1, tests=Tally(total=12, failed=1))

    page = site.get(f"/runs/{red.run}").text

    assert "1 of 12 tests failed, 1 error, 1 warning" in page
    assert page.index("test_cart.py:88") < page.index("cart.py:3")
    assert f'<a href="/runs/{red.run}/api/test?line=2#L2"><code>test_cart.py:88</code></a>' in page
    assert "ruff, F401" in page


def test_a_green_run_without_findings_has_no_such_section(site: Site, db: ledger.Ledger, host: int) -> None:
    green = ended(db, host, status=Status.SUCCEEDED)

    page = site.get(f"/runs/{green.run}").text

    assert 'id="findings"' not in page


def test_a_run_that_broke_something_says_what_the_search_for_it_found(site: Site, db: ledger.Ledger, host: int) -> None:
    quarry = make.broken(db, host)
    before = site.get(f"/runs/{quarry.run.id}").text
    said = f"looking for {HOSTILE}"
    ledger.hunt(db, quarry, commits=[make.sha(9)], doubtful=False, until=None, word="looking", sentence=said)
    trigger = make.trigger(kind="bisect", ref=quarry.run.ref, after=make.sha(9))
    probe = make.settled(db, host, Status.FAILED, trigger=trigger, orders=(quarry.red.order,))

    page = site.get(f"/runs/{quarry.run.id}").text

    assert 'id="hunts"' not in before
    assert "looking for &lt;img src=x" in page
    assert "Looking for what broke it" in site.get(f"/runs/{probe}").text
    assert f'href="/runs/{probe}"' in site.get("/runs").text
    assert f'href="/runs/{probe}"' not in site.get("/runs?branch=main").text


def test_the_log_of_a_red_job_leads_to_its_first_error(site: Site, db: ledger.Ledger, host: int) -> None:
    red = ended(db, host, make.finding(log_line=2), make.finding(severity="note", log_line=3))
    site.write(red, b"collecting\nE  1 != 2\ndone\n")

    page = site.get(f"/jobs/{red.id}").text

    assert '<a class="btn" href="#L2">First error, line 2</a>' in page
    assert '<p id="L2" class="bad">' in page
    assert '<p id="L3">' in page
    assert '<a class="btn" href="#findings">2 findings</a>' in page


def test_sections_are_folded_but_those_with_an_error(site: Site, db: ledger.Ledger, host: int) -> None:
    red = ended(db, host, make.finding(log_line=6))
    assert red.began_at is not None
    log = b"begin\n::group::Install <all>\nready\n::endgroup::\n##[group]Test\nE  1 != 2\n##[endgroup]\nend\n"
    site.write(red, log, times=((0, red.began_at), (6, red.began_at + 1000), (30, red.began_at + 5200)))

    page = site.get(f"/jobs/{red.id}").text
    install, test = re.findall(r"<details.*?</details>", page, re.DOTALL)

    assert install.startswith(
        '<details><summary id="L2"><b>Install &lt;all&gt;</b><span class="sub">lines 2 to 4</span>'
    )
    assert '<span class="push sub">4\u202fs</span>' in install
    assert test.startswith('<details open><summary id="L5"><b>Test</b>')
    assert ('<p id="L3">' in install, '<p id="L6" class="bad">' in test) == (True, True)
    assert re.findall(r'<p id="L(\d)"', re.sub(r"<details.*?</details>", "", page, flags=re.DOTALL)) == ["1", "8"]


def test_a_section_with_the_line_asked_for_and_the_one_a_job_failed_in_are_open(
    site: Site, db: ledger.Ledger, host: int
) -> None:
    red = ended(db, host)
    site.write(red, b"::group::Install\nready\n::endgroup::\n::group::Test\nsegfault\n")

    opened = [re.findall(r"<details( open)?>", site.get(f"/jobs/{red.id}{query}").text) for query in ("", "?line=2")]

    assert opened == [["", " open"], [" open", " open"]]


def test_a_log_that_still_grows_has_headings_and_no_folds(site: Site, db: ledger.Ledger, host: int) -> None:
    make.prepared(db)
    job, _ = make.running(db, host)
    site.write(job, b"::group::Install\nready\n")

    page = site.get(f"/jobs/{job.id}").text
    fragment = site.get(f"/jobs/{job.id}/log?as=html&lines=500&from=1").text

    assert "<details" not in page
    assert "<code><b>Install</b></code>" in page
    assert "<code><b>Install</b></code>" in fragment


def test_a_huge_red_log_opens_around_its_first_error(site: Site, db: ledger.Ledger, host: int) -> None:
    red = ended(db, host, make.finding(log_line=2214))
    site.write(red, b"".join(b"line %d\n" % number for number in range(1, 10_001)))

    opened = site.get(f"/jobs/{red.id}").text
    at_the_end = site.get(f"/jobs/{red.id}?from=9501").text

    assert ('id="L2194"' in opened, 'id="L2193"' in opened) == (True, False)
    assert 'href="?line=2214#L2214">First error, line 2\u202f214</a>' in at_the_end


def test_an_earlier_attempt_is_not_told_the_findings_of_the_last(site: Site, db: ledger.Ledger, host: int) -> None:
    run = make.prepared(db, orders=(make.order(recipe=make.recipe(retries=1)),))
    job, _ = make.running(db, host)
    ledger.retry(db, job=job.id, attempt=1, host=host, status=Status.FAILED, reason="exit 1", exit=make.exit_(code=1))
    make.running(db, host)
    ledger.settle(
        db,
        job=job.id,
        attempt=2,
        host=host,
        status=Status.FAILED,
        reason="exit 1",
        exit=make.exit_(code=1),
        reading=Reading(job=job.id, attempt=2, errors=1, first=0),
        findings=[make.finding(log_line=2)],
    )
    red = only_job(db, run)
    site.write(replace(red, attempt=1), b"one\ntwo\n")

    page = site.get(f"/jobs/{red.id}?attempt=1").text

    assert "First error" not in page


def test_a_repeated_result_has_the_findings_of_the_job_that_was_run(site: Site, db: ledger.Ledger, host: int) -> None:
    red = ended(db, host, make.finding(message="AssertionError: 1 != 2"))
    again = make.recorded(db)
    repeat = Repeat(job=red.id, status=Status.FAILED, reason="unchanged since #1: failed")
    make.prepare(db, again, repeats={only_job(db, again).id: repeat})

    page = site.get(f"/runs/{again}").text

    assert "AssertionError: 1 != 2" in page


NEW = Novel(count=12, lines=(NewLine(line=3, text="stock is gone"), NewLine(line=1234, text="giving up")))


def test_the_first_new_line_stands_beside_the_first_error(site: Site, db: ledger.Ledger, host: int) -> None:
    first = make.finding(file="test_cart.py", line=88, log_line=2)
    red = ended(db, host, first, make.finding(severity="warning", file="cart.py", line=3), novel=NEW)
    site.write(red, b"collecting\nE  1 != 2\nstock is gone\n")

    run, job = site.get(f"/runs/{red.run}").text, site.get(f"/jobs/{red.id}").text

    assert "2 errors, 12 new lines" in run
    table = run.partition('id="findings"')[2].partition("</table>")[0]
    assert table.index("test_cart.py:88") < table.index("stock is gone") < table.index(">cart.py:3<")
    assert f'<a href="/runs/{red.run}/api/test?line=3#L3">line 3</a>' in run
    for page in (run, job):
        assert "12 lines never seen in a green log, the first is line 3; then <a" in page
        assert f'<a href="/runs/{red.run}/api/test?line=1234#L1234">1\u202f234</a> and more.' in page
    assert (
        '<a class="btn" href="#L2">First error, line 2</a> <a class="btn" href="#L3">First new line, line 3</a>' in job
    )


def test_without_a_finding_the_first_new_line_takes_the_place_of_the_first_error(
    site: Site, db: ledger.Ledger, host: int
) -> None:
    lines = (NewLine(line=2214, text="stock is gone"),)
    red = ended(db, host, novel=Novel(count=1, lines=lines))
    site.write(red, b"".join(b"line %d\n" % number for number in range(1, 10_001)))

    run, opened = site.get(f"/runs/{red.run}").text, site.get(f"/jobs/{red.id}").text

    assert "1 line never seen in a green log: line 2\u202f214." in run
    assert "stock is gone" in run
    assert ('id="L2194"' in opened, 'id="L2193"' in opened) == (True, False)
    assert '<a class="btn" href="#L2214">First new line, line 2\u202f214</a>' in opened
    assert "First error" not in opened


def test_a_new_line_that_tells_the_first_error_is_not_shown_twice(site: Site, db: ledger.Ledger, host: int) -> None:
    red = ended(db, host, make.finding(log_line=3), novel=NEW)
    site.write(red, b"a\nb\nstock is gone\n")

    run, job = site.get(f"/runs/{red.run}").text, site.get(f"/jobs/{red.id}").text

    assert "stock is gone" not in run.partition('id="findings"')[2].partition("</table>")[0]
    assert "First new line" not in job


def test_what_tools_say_is_text(site: Site, db: ledger.Ledger, host: int) -> None:
    odd = make.finding(message=HOSTILE + "\u202e\x1b[31m", file=HOSTILE, rule=HOSTILE, test=HOSTILE, tool=HOSTILE)
    new = Novel(count=1, lines=(NewLine(line=9, text=HOSTILE + "\u202e\x1b[31m" + "x" * 10_000),))
    red = ended(db, host, odd, make.finding(message="x" * 10_000), novel=new)

    for path in (f"/runs/{red.run}", f"/jobs/{red.id}"):
        page = site.get(path).text

        assert "<img src=x" not in page
        assert ("\u202e" in page, "\x1b" in page, "x" * 301 in page) == (False, False, False)


def acknowledge(site: Site, finding: Finding, *, days: float = 1, **fields: Any) -> None:
    """Hidden from now on for some days."""
    defaults: dict[str, Any] = {"project": "shop", "said": "x", "why": "waits for gcc 14", "by": "ana"}
    until = site.clock.at + int(days * 86_400_000)
    ledger.ack(site.db, **{**defaults, "fingerprint": finding.fingerprint, "until": until, **fields})


def test_what_is_known_is_counted_and_not_shown(site: Site, db: ledger.Ledger, host: int) -> None:
    known, other = make.finding(message="the known thing", log_line=2), make.finding(message="another", log_line=3)
    red = ended(db, host, known, known, other)
    site.write(red, b"one\ntwo\nthree\n")

    acknowledge(site, known)

    last = clock.day(site.clock.at + 86_400_000 - 1)
    for path in (f"/runs/{red.run}", f"/jobs/{red.id}"):
        page = site.get(path).text
        assert ("the known thing" in page, "another" in page) == (False, True)
        assert f"2 known, acknowledged by ana until {last}: waits for gcc 14" in page
    log = site.get(f"/jobs/{red.id}").text
    assert "First error, line 3" in log
    assert ('<p id="L2" class="bad">' in log, '<p id="L3" class="bad">' in log) == (False, True)
    assert "failed" in site.get(f"/runs/{red.run}").h1


def test_where_all_is_known_no_error_leads_the_page(site: Site, db: ledger.Ledger, host: int) -> None:
    known = make.finding(log_line=2)
    red = ended(db, host, known)
    site.write(red, b"one\ntwo\n")

    acknowledge(site, known)

    page, log = site.get(f"/runs/{red.run}").text, site.get(f"/jobs/{red.id}").text
    assert ("1 known" in page, "1 known" in log, "First error" in log) == (True, True, False)


def test_the_first_new_line_leads_where_all_that_tools_said_is_known(site: Site, db: ledger.Ledger, host: int) -> None:
    known, warning = make.finding(message="known", log_line=3), make.finding(severity="warning", tool="ruff", line=7)
    red = ended(db, host, known, warning, novel=NEW)
    site.write(red, b"one\ntwo\nstock is gone\n")

    acknowledge(site, known)

    run, log = site.get(f"/runs/{red.run}").text, site.get(f"/jobs/{red.id}").text
    for page in (run, log):
        table = page.partition('id="findings"')[2].partition("</table>")[0]
        assert ("stock is gone" in table, "known" in table) == (False, False)
        assert table.index("giving up") < table.index("test_cart.py:7")
        assert "11 lines never seen in a green log, the first is line 1\u202f234." in page
        assert "1 known, acknowledged by ana" in page
    assert ("First error" in log, ">First new line, line 1\u202f234</a>" in log) == (False, True)


def test_what_has_lapsed_is_shown_again_and_said_to_have(site: Site, db: ledger.Ledger, host: int) -> None:
    known = make.finding(message="the known thing")
    red = ended(db, host, known)
    acknowledge(site, known, days=1)
    last = clock.day(site.clock.at + 86_400_000 - 1)

    site.clock.move(86_400)

    page = site.get(f"/runs/{red.run}").text
    assert "the known thing" in page
    assert f"acknowledged by ana until {last}: lapsed" in page
    assert "1 known" not in page


def test_a_finding_has_a_name_and_a_word_for_its_life(site: Site, db: ledger.Ledger, host: int) -> None:
    known, other = make.finding(), make.finding()
    first = ended(db, host, known)
    site.clock.move(9 * 86_400)
    second = ended(db, host, known, other)

    before, after = site.get(f"/runs/{first.run}").text, site.get(f"/jobs/{second.id}").text

    assert ">new</span>" in before
    assert (">still, 9\u202fdays</span>" in after, ">new</span>" in after) == (True, True)
    assert f"<code>{known.fingerprint[:8]}</code>" in after


def test_a_break_is_told_with_its_first_error_and_who_may_have_broken_it(
    site: Site, db: ledger.Ledger, host: int
) -> None:
    green = make.settled(db, host)
    mine = make.commit(sha=make.sha(77), author="Bo Lind", subject="Bump pydantic to 2.9")
    run = make.prepared(
        db,
        trigger=make.trigger(after=mine.sha),
        brought=(mine, make.commit(sha=make.sha(78), author="Dee Park", subject="Reword", touches=("web",))),
    )
    job, _ = make.running(db, host)
    first = make.finding(severity="error", file="ring.c", line=212, column=9, message="no <strlcpy>", log_line=6)
    make.settle(db, job, host, Status.FAILED, "exit 2", (first, make.finding()))
    site.write(job, b"".join(b"line %d\n" % number for number in range(1, 20)))

    home, page, log = (site.get(path) for path in ("/", f"/runs/{run}", f"/jobs/{job.id}"))

    error = f'<a href="/runs/{run}/api/test?line=6#L6"><b>ring.c:212:9</b>  error: no &lt;strlcpy&gt;</a>'
    said = f"api:test broke on main just now: 2 errors, all new; 1 suspect since green #{green}."
    assert (page.h1, home.h1) == (said, f"shop/{said}")
    assert (error in home.text, error in page.text) == (True, True)
    for each in (home.text, page.text, log.text):
        assert "2 errors, all new." in each
        assert f"Suspect, 1 commit since green #{green}:" in each
        assert "<span>Bo Lind</span><span>Bump pydantic to 2.9</span>" in each
        assert "<span>Dee Park</span>" not in each
    assert f'<b class="c31"><a href="/runs/{run}/api/test?line=6#L6">6  line 6</a></b>' in page.text
    assert ("line 2\n" in page.text, "line 9\n" in page.text, "line 10\n" in page.text) == (True, True, False)
    assert f'It broke on main, last green in <a href="/runs/{green}">#{green}</a>.' in log.text
    assert '<span class="st broke">' in page.text


def test_what_else_than_a_commit_may_have_broken_it_is_said(site: Site, db: ledger.Ledger, host: int) -> None:
    green = make.settled(db, host)
    other = (make.order(recipe=make.recipe(run="make -j2 test")),)
    run = make.settled(db, host, Status.FAILED, "exit 1", orders=other, brought=(make.commit(touches=("web",)),))

    page, log = site.get(f"/runs/{run}"), site.get(f"/jobs/{only_job(db, run).id}")

    assert page.h1 == f"api:test broke on main just now: exit 1; the recipe changed since green #{green}."
    for each in (page.text, log.text):
        assert f"No commits to api since green #{green}: the recipe changed." in each


def test_a_run_says_of_each_job_what_its_result_means(site: Site, db: ledger.Ledger, host: int) -> None:
    first = make.settled(db, host, Status.FAILED, "exit 1", trigger=make.trigger(after=make.sha(77)))
    again = make.trigger(kind="manual", after=make.sha(77))
    fixed = make.settled(db, host, trigger=again)

    page, log = site.get(f"/runs/{fixed}").text, site.get(f"/jobs/{only_job(db, fixed).id}").text

    assert '<span class="st fixed">' in page
    assert f"was red since #{first}; flaky: failed on the same commit in #{first}" in page
    assert f'Fixed: it was red on main since <a href="/runs/{first}">#{first}</a>.' in log
    assert f"Flaky: failed on the same commit in #{first}." in log


def test_what_timed_out_is_said_once(site: Site, db: ledger.Ledger, host: int) -> None:
    run = make.settled(db, host, Status.TIMED_OUT, "timed out after 15 m")

    assert site.get(f"/runs/{run}").h1 == "api:test timed out on main just now: after 15 m."
    assert site.get("/").h1 == "shop/api:test timed out on main just now: after 15 m."


def test_pages_ask_the_ledger_as_often_for_many_red_jobs_as_for_two(site: Site, db: ledger.Ledger, host: int) -> None:
    def asked_for(jobs: int, ref: str) -> tuple[int, int]:
        recipes = {f"r{number}": make.recipe(name=f"r{number}") for number in range(jobs)}
        sub = Subproject(name="api", path="services/api", recipes=recipes)
        site.settings = replace(
            site.settings, projects={"shop": replace(site.settings.projects["shop"], subs={"api": sub})}
        )
        orders = tuple(make.order(ref=ref, recipe=each) for each in recipes.values())
        trigger = make.trigger(ref=ref)
        make.settled(db, host, trigger=trigger, orders=orders)
        run = make.prepared(db, trigger=make.trigger(ref=ref), orders=orders)
        for _ in orders:
            job, _ = make.running(db, host)
            make.settle(db, job, host, Status.FAILED, "exit 1", (make.finding(), make.finding()))
        return site.reads(f"/runs/{run}"), site.reads("/")

    asked_for(2, "refs/heads/main")
    assert asked_for(2, "refs/heads/a") == asked_for(9, "refs/heads/b")


def test_a_page_with_findings_asks_as_often_for_many_jobs_as_for_two(site: Site, db: ledger.Ledger, host: int) -> None:
    def asked_for(jobs: int) -> int:
        orders = tuple(make.order(recipe=make.recipe(name=f"r{number}")) for number in range(jobs))
        run = make.prepared(db, orders=orders)
        for _ in orders:
            job, _ = make.running(db, host)
            told = [make.finding(severity="warning") for _ in range(5)]
            reading = Reading(job=job.id, attempt=1, warnings=5)
            ledger.settle(
                db,
                job=job.id,
                attempt=1,
                host=host,
                status=Status.SUCCEEDED,
                reason=None,
                exit=make.exit_(),
                reading=reading,
                findings=told,
            )
        asked: list[str] = []
        listen = ("before_cursor_execute", lambda *call: asked.append(call[2]))
        event.listen(db.engine, *listen)
        assert "warning" in site.get(f"/runs/{run}").text
        event.remove(db.engine, *listen)
        return sum("SELECT" in statement for statement in asked)

    # Where there is nothing before, less is to be asked.
    asked_for(9)
    assert asked_for(2) == asked_for(9)


def test_a_reason_is_text(site: Site, db: ledger.Ledger, host: int) -> None:
    known = make.finding()
    red = ended(db, host, known)

    acknowledge(site, known, why=HOSTILE + "\u202e\x1b[31m" + "x" * 1000, by=HOSTILE)

    page = site.get(f"/runs/{red.run}").text
    assert ("<img src=x" in page, "\u202e" in page, "\x1b" in page, "x" * 301 in page) == (False,) * 4
    assert "1 known" in page
