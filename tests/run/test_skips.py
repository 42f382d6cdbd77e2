"""skips: what a push may say so that nothing runs."""

import pytest

from ctci.run import skips


def reason(message: str = "", options: tuple[str, ...] = (), kind: str = "push") -> str | None:
    return skips.reason(kind=kind, options=options, message=message, commit="52c8e0d" + "0" * 33)


@pytest.mark.parametrize(
    "token",
    [
        "[skip ci]",
        "[ci skip]",
        "[no ci]",
        "[skip actions]",
        "[actions skip]",
        "[SKIP CI]",
        "[ci-skip]",
        "[skip_ci]",
        "[ skip ci ]",
    ],
)
def test_a_skip_token_anywhere_in_the_message_skips(token: str) -> None:
    assert reason(f"Fix typo {token}\n\nmore") == f"“{token}” in the message of 52c8e0d"
    assert reason(f"Fix typo\n\n{token}") is not None


@pytest.mark.parametrize("message", ["Fix typo", "skip ci", "[skip] ci", "[skip city]", "[recipe ci skipper]", ""])
def test_words_that_only_look_like_it_do_not(message: str) -> None:
    assert reason(message) is None


@pytest.mark.parametrize("option", ["ci.skip", "skip-ci"])
def test_a_push_option_skips(option: str) -> None:
    assert reason(options=("other", option)) == f"the push said `-o {option}`"


@pytest.mark.parametrize("kind", ["tag", "manual", "rerun"])
def test_only_pushes_are_skipped(kind: str) -> None:
    assert reason("[skip ci]", ("ci.skip",), kind=kind) is None
