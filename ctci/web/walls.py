"""Who a call really comes from, and whether it may come in at all. Pure.

No address is a credential: what an address decides is only whether one may knock. Behind a proxy that is configured the
client is the first address, counted from the server, that no such proxy has (`X-Forwarded-For` is read from its end:
what stands before that, the client may have written itself).
"""

import ipaddress
import re
from collections.abc import Collection, Sequence

from ctci.config.settings import Network, Server

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

#: What is let in where the server listens on more than this machine, and nobody says otherwise: this machine, and
#: the networks of homes and companies (RFC 1918, RFC 4193, RFC 3927, RFC 4291).
LAN: tuple[Network, ...] = tuple(
    ipaddress.ip_network(each)
    for each in (
        "127.0.0.0/8",
        "::1/128",
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "169.254.0.0/16",
        "fc00::/7",
        "fe80::/10",
    )
)
#: Where a proxy stands that calls through a unix socket.
LOCAL = ipaddress.ip_address("127.0.0.1")
_LOCAL = ipaddress.ip_network("127.0.0.1/32")
_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::[0-9]{1,5})?")


def address(text: str) -> Address | None:
    """An address as it is compared: of IPv4 in IPv6 clothes (RFC 4291, 2.5.5.2) the IPv4 one, without a zone."""
    try:
        found = ipaddress.ip_address(text.strip().strip("[]").partition("%")[0])
    except ValueError:
        return None
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return mapped or found


def within(one: Address, networks: Collection[Network]) -> bool:
    """Whether an address is in one of the networks."""
    return any(one in each for each in networks)


def client(peer: str | None, forwarded: Sequence[str], trusted: Collection[Network]) -> tuple[Address | None, bool]:
    """(the client's address, whether trusted proxies told of it).

    `forwarded` has the header's values in their order; None for an address that nobody can make out. A call without a
    peer came through a unix socket that a proxy was given: whoever opens that is trusted.
    """
    last = LOCAL if peer is None else address(peer)
    trusted = (*trusted, _LOCAL) if peer is None else trusted
    hops = [each for value in forwarded for each in value.split(",") if each.strip()]
    told = False
    while last is not None and within(last, trusted) and hops:
        told = True
        last = address(_bare(hops.pop()))
    return last, told


def _bare(hop: str) -> str:
    """An address of the header without the port that some proxies write."""
    hop = hop.strip()
    found = re.fullmatch(r"\[([^\]]*)\](?::[0-9]+)?|([0-9.]+):[0-9]+", hop)
    return (found[1] or found[2]) if found else hop


def is_private(listen: str) -> bool:
    """Whether a server that listens there is reached from its own machine only."""
    if listen.startswith("unix:"):
        return True
    host = listen.rpartition(":")[0].strip("[]")
    found = address(host)
    return host == "localhost" if found is None else found.is_loopback


def lets_in(server: Server, who: Address | None, *, hook: bool) -> bool:
    """Whether a call from an address may come in; None: from none that could be made out."""
    allowed = server.hook_allow if hook else server.allow
    if allowed is None:
        if hook or is_private(server.listen):
            return True
        allowed = LAN
    return who is not None and within(who, allowed)


def shown(server: Server, *, proxied: bool) -> str:
    """What a visitor without a token sees: `read`, `badges` or `nothing`.

    Where nobody says so it is `read` on this machine alone. What comes through a proxy, configured or not, comes from
    elsewhere.
    """
    return server.public or ("read" if is_private(server.listen) and not proxied else "badges")


def is_ours(host: str, public_url_host: str | None, listen: str, machine: str) -> bool:
    """Whether a Host header names this server, which runs on this machine.

    Another site's page may have its own name lead here (DNS rebinding) and then read what a neighbour may read. A name
    that nobody can register, an address, or the configured one cannot be such a page's. Names of the local network may
    be a neighbour's: where everybody on this machine may read, they are none of ours but for the machine's own.
    """
    found = _HOST.fullmatch(host.strip())
    if found is None:
        return False
    name = found[1].lower().rstrip(".")
    if address(name) is not None or name == "localhost" or name.endswith(".localhost"):
        return True
    if name in (public_url_host, listen.rpartition(":")[0].lower()):
        return True
    near = "." not in name or name.endswith((".local", ".internal", ".lan"))
    own = name.partition(".")[0] == machine.lower().partition(".")[0]
    return near and (own or not is_private(listen))
