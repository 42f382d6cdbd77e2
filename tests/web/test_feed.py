"""The feeds: what a public parser reads in them, what is news and stays the same entry, and hostile names."""

import re
from dataclasses import replace
from typing import Any

import feedparser
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ctci import ledger
from ctci.model import Finding, Status, Verdict
from ctci.web import atom
from tests import make
from tests.web.site import Site

ANYTHING = st.text(st.characters(), max_size=80)
#: What a feed must not carry to a screen: controls, and what turns the order of what follows.
ODD = re.compile("[\x00-\x08\x0b-\x1f\x7f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufffe\uffff]")


def parsed(content: bytes) -> Any:
    """What a reader of feeds makes of it; well formed and whole."""
    found = feedparser.parse(content)
    assert not found.bozo
    assert found.version == "atom10"
    assert {"id", "title", "updated"} <= found.feed.keys()
    for each in found.entries:
        assert {"id", "title", "updated", "author", "link", "summary"} <= each.keys()
        assert each.updated_parsed is not None
    assert len({each.id for each in found.entries}) == len(found.entries)
    return found


def read(site: Site, path: str = "/feed.atom") -> Any:
    answer = site.get(path)
    assert (answer.status, answer.headers["content-type"]) == (200, "application/atom+xml")
    return parsed(answer.raw)


def broken(db: ledger.Ledger, host: int, *told: Finding, **fields: Any) -> int:
    """A red run whose tools said something."""
    run = make.prepared(db, **fields)
    job, _ = make.running(db, host)
    make.settle(db, job, host, Status.FAILED, "exit 1", told)
    return run


def test_without_news_there_is_a_feed_all_the_same(site: Site) -> None:
    found = read(site)

    assert (found.feed.title, found.entries) == ("ctci: all projects", [])


def test_a_feed_tells_what_broke_with_the_first_error_and_the_suspects(
    site: Site, db: ledger.Ledger, host: int
) -> None:
    site.listen(public_url="https://ci.example.org/", title="Acme CI")
    green = make.settled(db, host)
    mine = make.commit(sha=make.sha(7), subject="Use floats for prices")
    other = make.commit(sha=make.sha(8), subject="Mend a typo", touches=("docs",))
    site.clock.move(3600)
    red = broken(db, host, make.finding(message="AssertionError: 1 != 2"), brought=(mine, other))

    found = read(site)

    (entry,) = found.entries
    assert found.feed.title == "Acme CI: all projects"
    assert found.feed.id == "tag:ci.example.org,2026:feed.atom"
    assert [(each.rel, each.href) for each in found.feed.links] == [
        ("self", "https://ci.example.org/feed.atom"),
        ("alternate", "https://ci.example.org/"),
    ]
    assert entry.title == f"shop/api:test broke on main in #{red}"
    assert entry.link == f"https://ci.example.org/runs/{red}"
    assert entry.id == f"tag:ci.example.org,2026-11-24:runs/{red}/broke"
    assert entry.author == "Ana Ruiz"
    assert entry.updated == found.feed.updated == "2026-11-24T11:30:00.000Z"
    assert [each.term for each in entry.tags] == ["broke"]
    assert entry.summary == (
        "api:test failed: exit 1. First error: test_cart.py:88: AssertionError: 1 != 2. "
        f"Suspected: 0000000 Ana Ruiz: Use floats for prices. Last green: #{green}."
    )


def test_only_changes_are_news_the_newest_first(site: Site, db: ledger.Ledger, host: int) -> None:
    told = (
        Status.FAILED,
        Status.FAILED,
        Status.CANCELLED,
        Status.SUCCEEDED,
        Status.SUCCEEDED,
        Status.ERRORED,
        Status.ERRORED,
        Status.TIMED_OUT,
    )
    runs = []
    for status in told:
        runs.append(make.settled(db, host, status))
        site.clock.move(60)

    assert [each.title for each in read(site).entries] == [
        f"shop/api:test broke on main in #{runs[7]}",
        f"ctci could not run shop/api:test on main in #{runs[5]}",
        f"shop/api:test is green again on main in #{runs[3]}",
        f"shop/api:test failed on main in #{runs[0]}",
    ]


def test_what_is_allowed_to_fail_is_no_news(site: Site, db: ledger.Ledger, host: int) -> None:
    spared = (make.order(recipe=make.recipe(allow_failure=True)),)
    make.settled(db, host, orders=spared)
    make.settled(db, host, Status.FAILED, orders=spared)

    assert read(site).entries == []


def test_what_one_run_broke_is_one_entry_that_grows(site: Site, db: ledger.Ledger, host: int) -> None:
    orders = tuple(make.order(recipe=make.recipe(name=name)) for name in ("lint", "test", "docs", "e2e"))
    run = make.prepared(db, orders=orders)
    job, _ = make.running(db, host)
    make.settle(db, job, host, Status.FAILED, "exit 1")
    (first,) = read(site).entries
    for _ in orders[1:]:
        site.clock.move(60)
        job, _ = make.running(db, host)
        make.settle(db, job, host, Status.FAILED, "exit 2")

    (then,) = read(site).entries

    assert first.title == f"shop/api:lint failed on main in #{run}"
    assert then.title == f"shop/api:lint, api:test and 2 more failed on main in #{run}"
    assert (then.id, then.published) == (first.id, first.published)
    assert then.updated > first.updated
    assert then.summary.splitlines()[3].startswith("api:e2e failed: exit 2.")


def test_a_feed_of_a_project_and_of_some_words_has_no_others(site: Site, db: ledger.Ledger, host: int) -> None:
    alone = (make.order(project="dotfiles", subproject="", directory="."),)
    for status in (Status.SUCCEEDED, Status.FAILED, Status.SUCCEEDED):
        make.settled(db, host, status)
        make.settled(db, host, status, trigger=make.trigger(project="dotfiles"), orders=alone)

    paths = ("/p/dotfiles/feed.atom", "/feed.atom?only=fixed", "/p/shop/feed.atom?only=fixed,broke")
    told = {path: [(each.tags[0].term, each.title.split()[0]) for each in read(site, path).entries] for path in paths}

    assert told == {
        paths[0]: [("fixed", "dotfiles:test"), ("broke", "dotfiles:test")],
        paths[1]: [("fixed", "dotfiles:test"), ("fixed", "shop/api:test")],
        paths[2]: [("fixed", "shop/api:test"), ("broke", "shop/api:test")],
    }
    ids = {read(site, path).feed.id for path in ("/feed.atom", *paths)}
    assert len(ids) == 4


def test_a_word_or_a_project_that_is_none_is_refused(site: Site) -> None:
    word, project = site.get("/feed.atom?only=broke,nonsense"), site.get("/p/nobody/feed.atom")

    assert (word.status, project.status) == (400, 404)
    assert "`only` takes broke, failed, errored, fixed." in word.text


def test_who_has_the_newest_entry_is_sent_nothing(site: Site, db: ledger.Ledger, host: int) -> None:
    make.settled(db, host, Status.FAILED)
    first = site.get("/feed.atom")
    tag, modified = first.headers["etag"], first.headers["last-modified"]

    same = [site.get("/feed.atom", If_None_Match=tag), site.get("/feed.atom", If_Modified_Since=modified)]
    site.clock.move(1)
    make.settled(db, host)
    then = [site.get("/feed.atom", If_None_Match=tag), site.get("/feed.atom", If_Modified_Since=modified)]
    # The tag decides: of what is older than a second one may have missed something.
    both = site.get("/feed.atom", If_None_Match='"other"', If_Modified_Since=then[0].headers["last-modified"])

    assert modified == "Tue, 24 Nov 2026 10:30:00 GMT"
    assert [each.status for each in same] == [304, 304]
    assert [each.status for each in then] == [200, 200]
    assert both.status == 200


@pytest.mark.parametrize("since", ["nonsense", "Tue, 99 Nov 2026 10:30:00 GMT", "Tue, 24 Nov 99999 10:30:00 GMT"])
def test_a_senseless_date_gets_the_feed(site: Site, db: ledger.Ledger, host: int, since: str) -> None:
    make.settled(db, host, Status.FAILED)

    assert site.get("/feed.atom", If_Modified_Since=since).status == 200


def test_a_feed_asks_the_ledger_a_fixed_number_of_times(site: Site, db: ledger.Ledger, host: int) -> None:
    broken(db, host, make.finding())
    few = site.reads("/feed.atom")
    for number in range(20):
        broken(db, host, make.finding(), trigger=make.trigger(ref=f"refs/heads/b{number}"))

    assert site.reads("/feed.atom") == few


def test_feeds_are_read_by_who_may_see_pages(site: Site) -> None:
    site.listen(listen="0.0.0.0:8484")

    assert [site.get(path).status for path in ("/feed.atom", "/p/shop/feed.atom")] == [401, 401]


def test_pages_say_where_their_feed_is(site: Site, db: ledger.Ledger, host: int) -> None:
    site.listen(public_url="https://example.org/ci/")
    run = make.settled(db, host)

    links = {
        path: re.findall(r'<link rel="alternate" type="application/atom\+xml" title="[^"]+" href="([^"]+)"', text)
        for path in ("/", "/runs", "/runs?project=shop", f"/runs/{run}", f"/runs/{run}/api/test", "/badge?project=shop")
        for text in [site.get(path).text]
    }

    assert links == {
        "/": ["/ci/feed.atom"],
        "/runs": ["/ci/feed.atom"],
        "/runs?project=shop": ["/ci/feed.atom", "/ci/p/shop/feed.atom"],
        f"/runs/{run}": ["/ci/p/shop/feed.atom"],
        f"/runs/{run}/api/test": ["/ci/p/shop/feed.atom"],
        "/badge?project=shop": ["/ci/p/shop/feed.atom"],
    }


# --- what strangers write --------------------------------------------------------------------------------------------


NAMES = ("subproject", "recipe", "reason", "author", "branch", "subject", "message")


@pytest.fixture
def real(db: ledger.Ledger, host: int) -> Verdict:
    """A break of a run on a ledger."""
    number = make.settled(db, host, Status.FAILED)
    run = ledger.run(db, number)
    (job,) = ledger.jobs_of(db, [number])[number]
    assert run is not None
    return Verdict(job=job, run=run, word="broke", suspects=(make.commit(),))


def named(real: Verdict, names: dict[str, str]) -> Verdict:
    """The same, with what strangers may have typed in every place."""
    order = replace(
        real.job.order,
        subproject=names["subproject"],
        recipe=replace(real.job.order.recipe, name=names["recipe"]),
    )
    return replace(
        real,
        job=replace(real.job, order=order, reason=names["reason"]),
        run=replace(real.run, author=names["author"], ref=f"refs/heads/{names['branch']}"),
        suspects=(make.commit(author=names["author"], subject=names["subject"]),),
        first=make.finding(message=names["message"], file=names["subject"]),
    )


def document(*verdicts: Verdict, title: str = "ctci") -> str:
    news = atom.entries(verdicts, most=10)
    return atom.document(news, title=title, public_url="https://ci.example.org/", path="feed.atom", page="")


def test_whatever_people_type_the_feed_is_whole_and_hides_nothing(real: Verdict) -> None:
    @given(st.fixed_dictionaries(dict.fromkeys(NAMES, ANYTHING)))
    def holds(names: dict[str, str]) -> None:
        text = document(named(real, names), title=names["subject"])

        assert len(parsed(text.encode()).entries) == 1
        assert not ODD.search(text)

    holds()


def test_markup_in_a_name_is_text_and_a_huge_one_is_cut(real: Verdict) -> None:
    hostile = "<b>&amp;]]></summary>" + "x" * 10_000

    (entry,) = parsed(document(named(real, dict.fromkeys(NAMES, hostile))).encode()).entries

    assert entry.title.startswith(f"shop/{hostile[:50]}")
    assert len(entry.title) == atom.TITLE
    assert len(entry.author) == atom.NAME
    assert len(entry.summary) < 3 * atom.SENTENCE + 50


@pytest.mark.parametrize(
    ("url", "authority"),
    [
        ("https://CI.example.org:8443/ci/", "ci.example.org"),
        ("http://127.0.0.1:8484/", "127.0.0.1"),
        ("http://[::1]:8484/", "localhost"),
        ("http://ci_x.example.org/", "localhost"),
    ],
)
def test_ids_name_the_server_by_its_host(url: str, authority: str) -> None:
    text = atom.document((), title="ctci", public_url=url, path="feed.atom", page="")

    assert parsed(text.encode()).feed.id == f"tag:{authority},2026:feed.atom"
