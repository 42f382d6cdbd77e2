"""The letter: what it says, how wide it is, and what hostile text cannot do to it."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ctci import model
from ctci.model import Status, Tally, Verdict
from ctci.report import letter, mail, parts, saying
from tests import make
from tests.report.telling import AT, SHA, job, run
from tests.report.telling import Seen as Read


def seen(**fields: Any) -> model.Seen:
    return model.Seen(**{"job": 3, "run": 1479, "status": Status.SUCCEEDED, "at": AT - 7_200_000, **fields})


GREEN = seen()
COMMITS = (
    make.commit(sha=SHA),
    make.commit(sha="b81d0e2" + "0" * 33, author="Bo Lind", subject="Bump pydantic to 2.9"),
)


def judged(**fields: Any) -> Verdict:
    """A break, by two commits, of #1482."""
    order = {name: fields.pop(name) for name in ("job", "run") if name in fields}
    defaults: dict[str, Any] = {
        "job": order.get("job") or job(),
        "run": order.get("run") or run(),
        "word": "broke",
        "change": True,
        "green": GREEN,
        "suspects": COMMITS,
        "cause": "commits",
    }
    return Verdict(**{**defaults, **fields})


def broke(**fields: Any) -> letter.Told:
    lines = {name: fields.pop(name) for name in ("tail", "tail_from") if name in fields}
    tail = (b"collected 3 items", b"    assert total == 19.99", b"FAILED test_cart.py")
    return letter.Told(verdict=judged(**fields), **{"tail": tail, "tail_from": 18, **lines})


def facts(*told: letter.Told, **fields: Any) -> letter.Facts:
    defaults: dict[str, Any] = {
        "told": told or (broke(),),
        "notify": "team",
        "title": "Acme CI",
        "public_url": "https://ci.example.org/",
        "at": AT,
    }
    return letter.Facts(**{**defaults, **fields})


def test_a_letter_about_a_break_names_what_one_needs_to_know() -> None:
    at, green_at = "Mon 23 Nov 16:04", "Mon 23 Nov 14:04"

    written = letter.compose(facts())

    assert written.subject == "[ctci] broke: shop/api:test on main (#1482)"
    assert (
        written.text
        == f"""\
shop/api:test broke on main, {at}: exit 1.

Commit  3f2a1c9  Use floats for prices
By      Ana Ruiz, pushed by ana
Run     https://ci.example.org/runs/1482

 x shop/api:test  broke: exit 1
   Last green in #1479, {green_at}.
   Suspects, 2 commits since green #1479:
     3f2a1c9  Ana Ruiz  Use floats for prices
     b81d0e2  Bo Lind  Bump pydantic to 2.9
   Log    https://ci.example.org/runs/1482/api/test
          ctci log 1482/api/test
   Again  git switch -d 3f2a1c9 && cd services/api && make test
   The end of its log, from line 18 on:
   | collected 3 items
   |     assert total == 19.99
   | FAILED test_cart.py

--
Acme CI, {at} (UTC). You get this because you are in
[notify.team] on ci.example.org.
"""
    )


def test_the_html_says_what_the_text_says() -> None:
    seen = Read(letter.compose(facts(remarks=("0.8 GB are free",))).html)

    said = " ".join(seen.text.split())
    for words in (
        "shop/api:test broke on main, Mon 23 Nov",
        "Use floats for prices Ana Ruiz, pushed by ana",
        "Last green in #1479",
        "Suspects, 2 commits since green #1479:",
        "Bo Lind: Bump pydantic to 2.9",
        "ctci log 1482/api/test",
        "git switch -d 3f2a1c9 && cd services/api && make test",
        "from line 18 on: collected 3 items assert total == 19.99",
        "ctci itself: 0.8 GB are free",
        "[notify.team] on ci.example.org",
    ):
        assert words in said
    links = {attributes["href"] for tag, attributes in seen.tags if tag == "a"}
    assert links == {"https://ci.example.org/runs/1482", "https://ci.example.org/runs/1482/api/test"}


def test_the_html_is_styled_in_place_and_fetches_nothing() -> None:
    seen = Read(letter.compose(facts()).html)

    tags = {tag for tag, _ in seen.tags}
    assert tags & {"style", "link", "img", "script"} == set()
    (h1,) = (attributes for tag, attributes in seen.tags if tag == "h1")
    assert "font-size: 22px" in str(h1["style"])


def test_a_word_without_an_end_is_broken_at_the_edge_of_a_small_screen() -> None:
    reason = "git could not fetch https://git.example.org/a-repository-of-a-very-long-name.git"
    seen = Read(letter.compose(facts(broke(word="errored", job=job(reason=reason)))).html)

    (sheet,) = (str(given["style"]) for tag, given in seen.tags if "max-width" in str(given.get("style")))
    assert "word-break: break-word" in sheet
    assert "table-layout: fixed" in sheet
    shas = [str(given["style"]) for tag, given in seen.tags if tag == "td" and "nowrap" in str(given.get("style"))]
    assert len(shas) == len(COMMITS)


@pytest.mark.parametrize(
    ("word", "status", "sentence", "since"),
    [
        ("failed", Status.FAILED, "shop/api:test failed on main, {}, its first result there: exit 1.", None),
        ("errored", Status.ERRORED, "ctci could not run shop/api:test on main, {}: exit 1.", "This is no result"),
        ("fixed", Status.SUCCEEDED, "shop/api:test is fixed on main since {}.", "Was red from #1479 on"),
    ],
)
def test_each_word_has_its_sentence(word: str, status: Status, sentence: str, since: str | None) -> None:
    told = broke(job=job(status=status), word=word, green=None, red=seen(), suspects=(), cause="")

    written = letter.compose(facts(told))

    text = " ".join(written.text.split())
    assert sentence.format("Mon 23 Nov 16:04") in text
    assert since is None or since in text
    assert f"[ctci] {word}: shop/api:test on main (#1482)" == written.subject


def test_several_jobs_are_one_letter_with_the_worst_first() -> None:
    fixed = broke(job=job(subproject="web", status=Status.SUCCEEDED, reason=None), word="fixed", red=seen())

    written = letter.compose(facts(fixed, broke(), broke(job=job(subproject="docs"))))

    assert written.subject == "[ctci] 2 broke, 1 fixed: shop on main (#1482)"
    assert written.text.startswith("2 jobs broke, 1 fixed in shop on main, #1482, Mon 23 Nov 16:04.\n")
    assert written.text.index("shop/docs:test") < written.text.index("shop/web:test")


@pytest.mark.parametrize(
    ("fields", "again"),
    [
        ({"directory": ".", "subproject": ""}, "git switch -d 3f2a1c9 && make test"),
        ({"directory": "a b"}, "git switch -d 3f2a1c9 && cd 'a b' && make test"),
        ({"recipe": make.recipe(run="make\nmake test")}, "git switch -d 3f2a1c9 && ctci run --here shop/api:test"),
        ({"recipe": make.recipe(run="make " + "x" * 90)}, "git switch -d 3f2a1c9 && ctci run --here shop/api:test"),
        (
            {"recipe": make.recipe(run="make --keep-going test ALL=yes")},
            "git switch -d 3f2a1c9 &&\n          cd services/api &&\n          make --keep-going test ALL=yes",
        ),
    ],
)
def test_the_steps_to_do_it_again_can_be_copied(fields: dict[str, Any], again: str) -> None:
    written = letter.compose(facts(broke(job=job(**fields))))

    assert f"   Again  {again}\n" in written.text


def test_a_run_without_a_commit_says_so_and_offers_no_steps() -> None:
    nameless = run(after=None, commit=None, subject=None, author=None, pusher=None)
    ours = job(status=Status.ERRORED, reason="the remote has no refs/heads/x")

    written = letter.compose(facts(broke(job=ours, run=nameless, word="errored", suspects=(), cause="")))

    assert "Commit  unknown  (not fetched)\nRun " in written.text
    assert "git switch" not in written.text + written.html


def test_names_that_are_no_path_are_linked_by_number() -> None:
    written = letter.compose(facts(broke(job=job(recipe=make.recipe(name="a/b")))))

    assert "https://ci.example.org/jobs/7\n" in written.text


def test_a_silent_job_is_said_to_be_silent() -> None:
    written = letter.compose(facts(broke(tail=())))

    assert "Its log is empty." in written.text
    assert "Its log is empty." in written.html


def test_a_log_is_shown_without_what_a_terminal_would_obey() -> None:
    tail = (b"\x1b[31mred\x1b[0m\x1b]0;title\x07", b"50%\r100%", b"\tx", "\u202eevil".encode(), b"y" * 500, b"\xff")

    text = letter.compose(facts(broke(tail=tail))).text

    shown = [line for line in text.splitlines() if line.startswith(("   |", "   :"))]
    assert shown[:5] == ["   | red", "   | 100%", "   |     x", "   | <U+202E>evil", "   | " + "y" * 67]
    assert "".join(line[5:] for line in shown[4:7]) == "y" * 197 + "..."
    assert shown[7:] == ["   | \ufffd"]


def test_a_letter_about_very_much_stays_small_and_counts_the_rest() -> None:
    told = [broke(job=job(id=n, subproject=f"sub{n}"), tail=(b"&" * 4000,) * 20) for n in range(40)]

    written = letter.compose(facts(*told))

    assert len(written.html.encode()) <= 80_000
    assert "And 30 more" in written.text
    assert written.subject == "[ctci] 40 broke: shop on main (#1482)"


@pytest.mark.parametrize("ref", ["refs/heads/" + "long/" * 60, "refs/heads/über-größe", "refs/tags/v1\u202e"])
def test_a_subject_is_short_and_ascii_whatever_the_branch(ref: str) -> None:
    there = run(ref=ref)
    for told in ((broke(run=there),), (broke(run=there), broke(run=there))):
        subject = letter.compose(facts(*told)).subject

        assert len(subject) <= 70
        assert subject.isascii()
        assert subject.endswith(" (#1482)")


def test_words_without_an_end_are_broken_to_the_width() -> None:
    endless = run(subject="x" * 100, author="y" * 100)

    text = letter.compose(facts(broke(run=endless), title="z" * 100)).text

    assert max(len(line) for line in text.splitlines()) == parts.COLUMNS


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        (None, ""),
        ("a\r\nBcc: b", "a Bcc: b"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("a\u2028b\x00", "a b<NUL>"),
        ("\ud800", "?"),
    ],
)
def test_a_text_becomes_one_line_that_obeys_nobody(text: str | None, plain: str) -> None:
    assert plain == saying.plain(text)


hostile = st.text(st.characters() | st.sampled_from("\r\n\t\x1b<>&\"'\u2028\u202e\x85\x00%{}"), max_size=120) | st.just(
    "x\r\nBcc: eve@example.org\r\n\r\n<script>alert(1)</script>{{ 7*7 }}"
)


@settings(max_examples=60, deadline=None)
@given(hostile, hostile, hostile, hostile, st.lists(st.binary(max_size=300), max_size=4))
def test_hostile_text_stays_text(subject: str, author: str, name: str, reason: str, tail: list[bytes]) -> None:
    commits = (make.commit(author=author, subject=subject),)
    hostile_run = run(subject=subject, author=author, pusher=name, ref=f"refs/heads/{name}")
    found = make.finding(message=reason, file=name, test=author)
    shown = broke(
        job=job(reason=reason),
        run=hostile_run,
        suspects=commits,
        tail=tuple(tail),
        first=found if tail else None,
        flaky=name,
        changed=(model.Changed(name=name, before=author, now=subject),),
        cause="machine" if len(tail) > 2 else "commits",
    )
    plainly = Read(letter.compose(facts(broke(tail=(b"x",)), broke(run=run(id=7), first=make.finding()))).html)

    written = letter.compose(facts(shown, broke(job=job(id=8), run=run(id=7)), title=name))
    message = mail.message(
        written,
        sender="ctci <ctci@example.org>",
        to="ana@example.org",
        message_id="<1@example.org>",
        headers={"X-CTCI-Project": saying.plain(name)},
    )

    assert max(len(line) for line in written.text.splitlines()) <= parts.COLUMNS
    assert written.subject.isascii()
    assert written.subject.isprintable()
    allowed = {tag for tag, _ in plainly.tags}
    assert {tag for tag, _ in Read(written.html).tags} <= allowed
    head = message.as_bytes().partition(b"\n\n")[0].lower()
    assert b"\nbcc:" not in head
    assert message.as_bytes().isascii()


@pytest.mark.parametrize("where", ["subject", "author", "pusher"])
def test_a_letter_is_the_same_but_for_the_words_of_the_commit(where: str) -> None:
    tame = letter.compose(facts()).html
    wild = letter.compose(facts(broke(run=run(**{where: "<b>x</b>&amp;"})))).html

    assert "&lt;b&gt;x&lt;/b&gt;&amp;amp;" in wild
    assert "<b>" not in tame + wild


FOUND = make.finding(file="test_cart.py", line=88, message="assert 1 == 2", log_line=2214)


def test_the_first_error_stands_where_the_end_of_the_log_would() -> None:
    reading = make.reading(tests=Tally(total=846, failed=12))
    told = broke(first=FOUND, reading=reading, wrong=12, news=11, tail=(), flaky="passed on the same commit in #1480")

    written = letter.compose(facts(told))

    assert "   test_cart.py:88  assert 1 == 2\n   12 of 846 tests fail, 11 new.\n   Last green in #1479" in written.text
    assert "Flaky: passed on the same commit in #1480.\n" in written.text
    assert "https://ci.example.org/runs/1482/api/test#L2214\n" in written.text
    shown = Read(written.html)
    assert "test_cart.py:88 assert 1 == 2" in shown.text
    assert "Open the log at line 2\u202f214" in shown.text
    links = [given["href"] for tag, given in shown.tags if tag == "a"]
    assert links.count("https://ci.example.org/runs/1482/api/test#L2214") == 3
    assert "log is empty" not in written.text


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"cause": "elsewhere"}, "2 commits since green #1479, none to api:"),
        ({"cause": "recipe", "suspects": ()}, "No commits to api since green #1479: the recipe changed."),
        (
            {"cause": "machine", "suspects": (), "changed": (model.Changed(name="gcc", before="13.2", now="14.1"),)},
            "No commits to api since green #1479: the machine changed (gcc 13.2 -> 14.1).",
        ),
        (
            {"cause": "nothing", "suspects": ()},
            "Nothing changed since green #1479: no commits to api, the same recipe, the same machine.",
        ),
        ({"forked": True}, "Suspects, 2 commits since green #1479, where it branched off:"),
    ],
)
def test_what_is_to_blame_is_said(fields: dict[str, Any], said: str) -> None:
    assert said in " ".join(letter.compose(facts(broke(**fields))).text.split())


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"wrong": 1, "news": 1}, None),
        ({"wrong": 3, "news": 3}, "3 errors, all new."),
        ({"wrong": 3, "news": 0}, "3 errors again, as within the last 21 days."),
        ({"wrong": 3, "news": 3, "green": None}, "3 errors."),
    ],
)
def test_how_many_are_new_is_said_where_there_is_more_than_one(fields: dict[str, Any], said: str | None) -> None:
    text = letter.compose(facts(broke(first=FOUND, **fields))).text

    assert said in text if said else "errors" not in text


def test_several_jobs_that_are_fixed_are_a_whole_sentence() -> None:
    told = [broke(job=job(id=each, status=Status.SUCCEEDED), word="fixed") for each in (1, 2)]

    assert letter.compose(facts(*told)).text.startswith("2 jobs are fixed in shop on main, #1482, ")


def test_a_letter_about_several_runs_says_of_each_where_it_was() -> None:
    other = run(id=77, project="blog", ref="refs/heads/dev", subject="Reword")
    there = broke(job=job(run=77, project="blog", subproject=""), run=other)

    written = letter.compose(facts(broke(), there))

    assert written.subject == "[ctci] 2 broke: blog, shop"
    assert written.text.startswith(
        "2 jobs broke in blog, shop, Mon 23 Nov 16:04.\n\n x blog:test  broke: exit 1\n   on dev, #77, 3f2a1c9"
    )
    assert "   on main, #1482, 3f2a1c9 Use floats for prices\n" in written.text
    assert {"https://ci.example.org/runs/77", "https://ci.example.org/runs/1482"} < {
        attributes["href"] for tag, attributes in Read(written.html).tags if tag == "a"
    }


def test_an_answer_has_the_subject_of_what_it_answers() -> None:
    written = letter.compose(facts())

    assert letter.reply(written, "[ctci] broke: x").subject == "Re: [ctci] broke: x"
    assert letter.reply(written, "") == written


def test_the_foot_says_where_letters_are_changed_or_ended() -> None:
    url = f"https://ci.example.org/me/digest?k={'9f2c' * 8}"

    written = letter.compose(facts(manage_url=url))

    assert written.text.endswith(f"Change or stop these mails (one click, no login):\n{url}\n")
    assert ("a", {"href": url}) in [(tag, {"href": given.get("href")}) for tag, given in Read(written.html).tags]
    assert "one click" not in letter.compose(facts()).text
    assert max(map(len, written.text.splitlines())) <= 72


def test_a_letter_tells_times_by_the_clock_of_its_table_and_names_which_of_two() -> None:
    # 02:49 summer time, half an hour before 02:20 winter time.
    red = seen(status=Status.FAILED, at=1_792_889_340_000)
    told = broke(job=job(status=Status.SUCCEEDED, finished_at=1_792_891_200_000), word="fixed", red=red)

    text = " ".join(letter.compose(facts(told, at=1_792_891_200_000, timezone="Europe/Berlin")).text.split())

    assert "is fixed on main since Sun 25 Oct 02:20 CET." in text
    assert "Was red from #1479 on, Sun 25 Oct 02:49 CEST." in text
    assert "Acme CI, Sun 25 Oct 02:20 CET (Europe/Berlin)." in text


def test_what_was_lost_while_ctci_was_down_is_told_with_when_it_began() -> None:
    lost = job(status=Status.ERRORED, reason="ctci was stopped while it ran", began_at=AT - 47 * 3_600_000)
    told = broke(job=lost, word="errored", suspects=(), cause="")

    text = " ".join(letter.compose(facts(told)).text.split())

    assert text.startswith("shop/api:test on main began Sat 21 Nov 17:04; found lost on Mon 23 Nov 16:04: ctci was")


def test_a_letter_says_what_began_the_run_and_that_nobody_mended_it() -> None:
    again = run(kind="rerun", pusher="bo")
    told = broke(job=job(status=Status.SUCCEEDED), run=again, word="fixed", baseline=seen(commit=SHA))

    text = letter.compose(facts(told)).text

    assert text.startswith("shop/api:test passes again on main since Mon 23 Nov 16:04.\n")
    assert "By      Ana Ruiz, run again by bo\n" in text
    nightly = run(kind="schedule", pusher=None, schedule="nightly")
    assert "By      Ana Ruiz, begun by the schedule nightly\n" in letter.compose(facts(broke(run=nightly))).text


def test_that_there_is_no_result_is_said_once() -> None:
    told = [broke(job=job(id=each, status=Status.ERRORED), word="errored", suspects=(), cause="") for each in (1, 2)]

    text = letter.compose(facts(*told)).text

    assert text.startswith("2 jobs errored in shop on main, #1482, Mon 23 Nov 16:04.\n")
    assert text.count("This is no result") == 1
