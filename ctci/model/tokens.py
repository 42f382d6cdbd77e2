"""How a token is written: `ctci_TIER_RANDOM_CHECK`, so that scanners of secrets know one, and a typing error shows.

What is kept of it is its SHA-256: it has 128 bits of chance in it, so nobody finds it by trying, and a fast hash will
do. It is looked up by that hash, so what a look takes tells nothing of any token.
"""

import hashlib
import re
import zlib

from ctci.model.visitors import Tier

_FORM = re.compile(r"ctci_(feed|read|trigger|admin)_([0-9a-f]{32})_([0-9a-f]{8})", re.ASCII)


def token_text(tier: Tier, chance: str) -> str:
    """A token; `chance` is 32 hex digits that nobody can guess."""
    body = f"ctci_{tier}_{chance}"
    return f"{body}_{zlib.crc32(body.encode()):08x}"


def is_token(text: str) -> bool:
    """Whether a text is written as tokens are, and its check is right; of what is not, no ledger need be asked."""
    found = _FORM.fullmatch(text)
    return found is not None and token_text(Tier(found[1]), found[2]) == text


def token_mark(text: str) -> str:
    """What the ledger knows a token by."""
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
