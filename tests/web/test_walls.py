"""Whom a call comes from, and whether it may knock: addresses that lie, networks, names."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ctci.config.settings import Server
from ctci.web import walls

PROXIES = tuple(ipaddress.ip_network(each) for each in ("127.0.0.1/32", "10.0.0.0/8", "fd00::/8"))
ADDRESSES = st.ip_addresses().map(str)


@pytest.mark.parametrize(
    ("peer", "forwarded", "who", "told"),
    [
        ("127.0.0.1", (), "127.0.0.1", False),
        (None, ("203.0.113.7",), "203.0.113.7", True),
        (None, (), "127.0.0.1", False),
        ("127.0.0.1", ("203.0.113.7",), "203.0.113.7", True),
        ("127.0.0.1", ("198.51.100.1, 203.0.113.7",), "203.0.113.7", True),
        ("127.0.0.1", ("198.51.100.1", "203.0.113.7, 10.1.2.3"), "203.0.113.7", True),
        ("::ffff:127.0.0.1", ("203.0.113.7",), "203.0.113.7", True),
        ("127.0.0.1", ("::ffff:203.0.113.7",), "203.0.113.7", True),
        ("127.0.0.1", ("[2001:db8::1]:4711",), "2001:db8::1", True),
        ("127.0.0.1", ("203.0.113.7:80",), "203.0.113.7", True),
        ("127.0.0.1", ("unknown",), None, True),
        ("127.0.0.1", ("203.0.113.7, nonsense",), None, True),
        ("192.0.2.9", ("127.0.0.1",), "192.0.2.9", False),
        ("10.0.0.1", ("10.0.0.2, 10.0.0.3",), "10.0.0.2", True),
        ("fe80::1%eth0", (), "fe80::1", False),
    ],
)
def test_the_client_is_the_last_that_no_proxy_of_ours_is(
    peer: str | None, forwarded: tuple[str, ...], who: str | None, *, told: bool
) -> None:
    found, proxied = walls.client(peer, forwarded, PROXIES)

    assert (None if found is None else str(found), proxied) == (who, told)


@given(peer=ADDRESSES, lies=st.lists(st.one_of(ADDRESSES, st.text())))
def test_who_is_no_proxy_of_ours_cannot_be_somebody_else(peer: str, lies: list[str]) -> None:
    ours = tuple(each for each in PROXIES if not walls.within(walls.address(peer) or ipaddress.ip_address(0), (each,)))

    assert walls.client(peer, lies, ours) == (walls.address(peer), False)


@given(lies=st.lists(ADDRESSES, max_size=5), real=ADDRESSES)
def test_what_a_client_writes_into_the_header_changes_nothing(lies: list[str], real: str) -> None:
    honest = walls.client("127.0.0.1", (real,), PROXIES)
    if honest[0] is not None and not walls.within(honest[0], PROXIES):
        assert walls.client("127.0.0.1", (*lies, real), PROXIES) == honest


@pytest.mark.parametrize(
    ("listen", "allow", "address", "let"),
    [
        ("127.0.0.1:8484", None, "203.0.113.7", True),
        ("unix:/run/ctci.sock", None, "203.0.113.7", True),
        ("0.0.0.0:8484", None, "192.168.1.20", True),
        ("0.0.0.0:8484", None, "203.0.113.7", False),
        ("[::]:8484", None, "::ffff:192.168.1.20", True),
        ("[::]:8484", None, "2001:db8::1", False),
        ("[::]:8484", None, "fd12::1", True),
        ("0.0.0.0:8484", "203.0.113.0/24", "203.0.113.7", True),
        ("127.0.0.1:8484", "203.0.113.0/24", "192.168.1.20", False),
        ("0.0.0.0:8484", None, "nobody knows", False),
    ],
)
def test_the_pages_are_for_the_neighbourhood_where_nobody_says_otherwise(
    listen: str, allow: str | None, address: str, *, let: bool
) -> None:
    server = Server(listen=listen, allow=(ipaddress.ip_network(allow),) if allow else None)

    assert walls.lets_in(server, walls.address(address), hook=False) is let


def test_hooks_are_called_from_everywhere_until_somebody_says_from_where() -> None:
    outside = walls.address("203.0.113.7")
    narrow = Server(listen="0.0.0.0:8484", hook_allow=(ipaddress.ip_network("10.0.0.0/8"),))

    assert walls.lets_in(Server(listen="0.0.0.0:8484"), outside, hook=True)
    assert not walls.lets_in(narrow, outside, hook=True)
    assert walls.lets_in(narrow, walls.address("10.1.1.1"), hook=True)


@pytest.mark.parametrize(
    ("host", "ours"),
    [
        ("ci.example.org", True),
        ("CI.example.org:443", True),
        ("localhost:8484", True),
        ("127.0.0.1:8484", True),
        ("[::1]:8484", True),
        ("box:8484", True),
        ("BOX.local", True),
        ("a.localhost", True),
        ("ctci:8484", False),
        ("evil.local", False),
        ("evil.internal", False),
        ("evil.example.com", False),
        ("ci.example.org.evil.example.com", False),
        ("ci.example.org@evil.example.com", False),
        ("", False),
        ("a b", False),
    ],
)
def test_a_name_that_anybody_can_register_is_not_ours(host: str, *, ours: bool) -> None:
    assert walls.is_ours(host, "ci.example.org", "127.0.0.1:8484", "box.example.com") is ours


@pytest.mark.parametrize(("host", "ours"), [("ctci:8484", True), ("nas.lan", True), ("evil.example.com", False)])
def test_beyond_this_machine_names_of_the_local_network_will_do(host: str, *, ours: bool) -> None:
    assert walls.is_ours(host, None, "0.0.0.0:8484", "box") is ours
