"""The spool on a real folder: what is taken, in which order, and what is thrown away unread."""

import os
import pwd
import socket
import stat
import time
from pathlib import Path

import pytest

from ctci import ledger
from ctci.config.settings import Config, Project, Server, Subproject
from ctci.layout import Layout
from ctci.receive import desk, spool
from ctci.receive.spool import Spooled
from tests import make

UUID = "00000000-0000-4000-8000-{:012x}"
LINE = f"{'0' * 40} {make.sha(1)} refs/heads/main\n".encode()


@pytest.fixture(autouse=True)
def _folder(place: Layout) -> None:
    spool.prepare_folder(place)


def request(project: str = "shop", *, key: str = "k", body: bytes = LINE) -> bytes:
    head = f"POST /hooks/{project}\nX-CTCI-Event: post-receive\nX-CTCI-Delivery: {key}\nX-CTCI-Pusher: ana\n\n"
    return head.encode() + body


def put(place: Layout, content: bytes, *, at: int = 1_795_516_200, number: int = 1) -> Path:
    path = place.spool / f"{at}-{UUID.format(number)}"
    path.write_bytes(content)
    return settled(path)


def settled(path: Path) -> Path:
    """Written so long ago that no hook waits for an answer about it."""
    then = time.time() - 2 * spool.SETTLED_S
    os.utime(path, (then, then))
    return path


def own_name() -> str:
    """Ours on this machine; a container's user may have none."""
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return f"uid {os.geteuid()}"


def beside(told: str) -> str:
    """The name that a file of ours tells, with our own beside it."""
    return told if told == own_name() else f"{told} ({own_name()})"


def taken(place: Layout) -> list[Spooled]:
    found: list[Spooled] = []
    spool.drain(place, found.append)
    return found


def test_everybody_may_put_in_and_only_the_owner_may_list(place: Layout) -> None:
    assert stat.S_IMODE(place.spool.stat().st_mode) == 0o1733


def test_preparing_again_mends_the_mode_and_keeps_the_files(place: Layout) -> None:
    left = put(place, request())
    place.spool.chmod(0o700)

    spool.prepare_folder(place)

    assert stat.S_IMODE(place.spool.stat().st_mode) == 0o1733
    assert left.exists()


def test_a_request_is_read_whole_and_its_file_is_gone(place: Layout) -> None:
    left = put(place, request())

    (found,) = taken(place)

    assert found.project == "shop"
    assert found.headers == {"x-ctci-event": "post-receive", "x-ctci-delivery": "k", "x-ctci-pusher": beside("ana")}
    assert found.body == LINE
    assert found.uid == os.geteuid()
    assert not left.exists()


def test_a_header_that_comes_twice_is_joined(place: Layout) -> None:
    put(place, b"POST /hooks/shop\nX-CTCI-Option: YQ==\nX-CTCI-Option: Yg==\n\n" + LINE)

    assert taken(place)[0].headers["x-ctci-option"] == "YQ==,Yg=="


def test_the_oldest_is_first(place: Layout) -> None:
    for at, number in ((30, 1), (10, 3), (20, 2)):
        put(place, request(f"p{at}"), at=1_795_516_200 + at, number=number)

    assert [found.project for found in taken(place)] == ["p10", "p20", "p30"]


def test_one_round_takes_so_many_and_the_next_the_rest(place: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool, "MOST_FILES", 2)
    for number in range(3):
        put(place, request(f"p{number}"), number=number)

    assert [[found.project for found in taken(place)] for _ in range(2)] == [["p0", "p1"], ["p2"]]


def test_an_exception_leaves_the_file_and_those_after_it(place: Layout) -> None:
    left = [put(place, request(f"p{number}"), number=number) for number in range(3)]

    def receive(found: Spooled) -> None:
        if found.project == "p1":
            raise ledger.Away("the disk is full")

    with pytest.raises(ledger.Away):
        spool.drain(place, receive)

    assert [path.exists() for path in left] == [False, True, True]
    assert [found.project for found in taken(place)] == ["p1", "p2"]


def test_a_file_that_the_hook_takes_back_meanwhile_is_no_error(place: Layout) -> None:
    left = put(place, request())

    assert spool.drain(place, lambda _: left.unlink()) == 1


def test_a_file_is_left_alone_while_its_hook_may_wait_for_an_answer(place: Layout) -> None:
    left = put(place, request())
    os.utime(left)

    first = taken(place)
    settled(left)

    assert first == []
    assert [found.project for found in taken(place)] == ["shop"]


def test_a_request_that_we_cannot_take_is_kept_and_holds_up_no_other(place: Layout) -> None:
    left = [put(place, request(f"p{number}"), number=number) for number in range(3)]

    def receive(found: Spooled) -> None:
        if found.project == "p1":
            raise ZeroDivisionError

    done = spool.drain(place, receive)

    assert done == 2
    assert os.listdir(place.spool) == []
    assert (place.data / "dead" / left[1].name).read_bytes() == request("p1")
    assert stat.S_IMODE((place.data / "dead").stat().st_mode) == 0o700


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a file of another user")
@pytest.mark.parametrize(("uid", "told"), [(65534, "ana (nobody)"), (54321, "ana (uid 54321)")])
def test_who_put_it_there_stands_beside_who_it_says_pushed(place: Layout, uid: int, told: str) -> None:
    os.chown(put(place, request()), uid, uid)

    (found,) = taken(place)

    assert (found.uid, found.headers["x-ctci-pusher"]) == (uid, told)


def test_without_a_pusher_the_files_owner_is_named(place: Layout) -> None:
    put(place, b"POST /hooks/shop\nX-CTCI-Pusher: \n\n" + LINE)

    assert taken(place)[0].headers["x-ctci-pusher"] == own_name()


# --- what is no request ----------------------------------------------------------------------------------------------

_NAME = f"1795516200-{UUID.format(1)}"


def test_a_link_is_not_followed(place: Layout, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_bytes(request())
    (place.spool / _NAME).symlink_to(outside)

    assert taken(place) == []
    assert os.listdir(place.spool) == []
    assert outside.read_bytes() == request()


def test_a_second_name_of_a_file_is_thrown_away_unread(place: Layout, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_bytes(request())
    os.link(outside, place.spool / _NAME)

    assert taken(place) == []
    assert os.listdir(place.spool) == []
    assert outside.read_bytes() == request()


def test_a_fifo_does_not_hold_the_round_up(place: Layout) -> None:
    os.mkfifo(place.spool / _NAME)

    assert taken(place) == []
    assert os.listdir(place.spool) == []


def test_an_empty_folder_goes_and_a_full_one_stands_in_nobodys_way(place: Layout) -> None:
    (place.spool / _NAME).mkdir()
    full = place.spool / f"1795516201-{UUID.format(2)}"
    full.mkdir()
    (full / "x").touch()
    put(place, request(), number=3, at=1_795_516_202)

    assert [found.project for found in taken(place)] == ["shop"]
    assert os.listdir(place.spool) == [full.name]


def test_heaps_of_rubbish_keep_no_request_waiting(place: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool, "MOST_FILES", 2)
    for number in range(20):
        (place.spool / f"0-{UUID.format(number)}" / "x").mkdir(parents=True)
        (place.spool / f"00{number}").touch()
    put(place, request())

    assert [found.project for found in taken(place)] == ["shop"]


def test_a_socket_is_thrown_away(place: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    # The path of a socket may have 107 bytes only.
    monkeypatch.chdir(place.spool)
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(_NAME)

    assert taken(place) == []
    assert os.listdir(place.spool) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a device")
def test_a_device_is_thrown_away_unread(place: Layout) -> None:
    try:
        os.mknod(place.spool / _NAME, stat.S_IFCHR | 0o666, os.makedev(1, 5))
    except PermissionError:
        pytest.skip("no device can be made here")

    assert taken(place) == []
    assert os.listdir(place.spool) == []


def test_a_huge_file_is_thrown_away_unread(place: Layout) -> None:
    left = put(place, b"")
    os.truncate(left, 1 << 40)
    settled(left)

    assert taken(place) == []
    assert not left.exists()


def test_the_biggest_that_is_taken_is_a_mebibyte(place: Layout) -> None:
    most = request(body=b"")
    put(place, most + b"x" * (spool.MOST_BYTES - len(most)), number=1)
    put(place, most + b"x" * (spool.MOST_BYTES - len(most) + 1), number=2)

    assert [len(found.body) for found in taken(place)] == [spool.MOST_BYTES - len(most)]


@pytest.mark.parametrize(
    "name",
    ["x", "..x", "1795516200", f"-{UUID.format(1)}", f"{_NAME}.bak", f"{_NAME}\n", "1795516200-" + "Z" * 36, "größe"],
)
def test_a_foreign_name_is_thrown_away(place: Layout, name: str) -> None:
    (place.spool / name).write_bytes(request())

    assert taken(place) == []
    assert os.listdir(place.spool) == []


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x00\xff" * 50,
        b"\n\n",
        b"POST /hooks/shop\n",
        b"GET /hooks/shop\n\n" + LINE,
        b"POST /admin\n\n" + LINE,
        b"POST /hooks/shop\nno colon\n\n" + LINE,
    ],
)
def test_what_is_no_request_is_thrown_away(place: Layout, content: bytes) -> None:
    put(place, content)

    assert taken(place) == []
    assert os.listdir(place.spool) == []


def test_an_unfinished_file_stays_a_day(place: Layout) -> None:
    new, old = (place.spool / f"tmp.{name}" for name in ("new", "old"))
    for path, age in ((new, spool.UNFINISHED_S - 60), (old, spool.UNFINISHED_S + 60)):
        path.write_bytes(request())
        at = time.time() - age
        os.utime(path, (at, at))

    assert taken(place) == []
    assert os.listdir(place.spool) == ["tmp.new"]


def test_a_spool_that_is_a_link_is_not_drained(place: Layout, tmp_path: Path) -> None:
    place.spool.rmdir()
    other = tmp_path / "other"
    other.mkdir()
    (other / _NAME).write_bytes(request())
    place.spool.symlink_to(other)

    with pytest.raises(NotADirectoryError):
        taken(place)

    assert os.listdir(other) == [_NAME]


# --- at the desk -----------------------------------------------------------------------------------------------------


@pytest.fixture
def settings(tmp_path: Path) -> Config:
    sub = Subproject(name="api", recipes={"test": make.recipe()})
    shop = Project(name="shop", remote=make.remote(), subs={"api": sub})
    return Config(projects={"shop": shop}, notify={}, server=Server(), folder=tmp_path)


def test_a_spooled_push_becomes_a_run_once(db: ledger.Ledger, place: Layout, settings: Config) -> None:
    for number in range(2):
        put(place, request(key="same"), number=number)

    done = spool.drain(place, lambda left: desk.spooled(db, settings, left))

    assert done == 2
    (run,) = ledger.runs_(db)
    assert (run.project, run.ref, run.after, run.pusher) == ("shop", "refs/heads/main", make.sha(1), beside("ana"))


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (request("nobody"), "left in the spool: there is no such project"),
        (request("../../etc/passwd"), "left in the spool: there is no such project"),
        (request(body=b"garbage\n"), "left in the spool: a line is not `old new ref`"),
        (request(body=b""), "left in the spool: the body has no line"),
    ],
)
def test_what_cannot_be_built_is_refused_in_words(
    db: ledger.Ledger, place: Layout, settings: Config, content: bytes, why: str
) -> None:
    put(place, content)

    spool.drain(place, lambda left: desk.spooled(db, settings, left))

    (delivery,) = ledger.deliveries_(db)
    assert (delivery.event, delivery.decision, delivery.reason) == ("spool", "refused", why)
    assert ledger.runs_(db) == ()
    assert os.listdir(place.spool) == []
