"""A line of a log -> its words: what a tool says each time it says the same, without names, numbers and times. Pure."""

import re

#: Words that are remembered, with what is left of them.
MOST_WORDS = 50_000
#: Longer than any word: base64, a token, a run of letters.
LONG = 40
#: What stands between words, the blocks of a progress bar too.
_BETWEEN = str.maketrans(
    dict.fromkeys([*map(ord, "\t\"'`()[]{}<>,;:=|!?*&^$#"), *range(0x2500, 0x25A0), *range(0x2800, 0x2900)], " ")
)
_EDGE = "./\\_-+~%@"
#: A name rather than a word: part of a path, a file, a module, an identifier.
_NAME = re.compile(r"[./\\_@].*[a-z]|[a-z].*[./\\_@]|^[a-z]+[A-Z]")
#: What holds a digit differs from run to run; dots stand for tests, and so does what is between them.
_MADE_UP = re.compile(r"0|\.\.")
#: Words of times and durations, which change by the hour and by the month.
_MOVES = re.compile(
    r"(?i:(?:mon|tue|tues|wed|wednes|thu|thurs|fri|sat|satur|sun)(?:day)?"
    r"|jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?"
    r"|nov(?:ember)?|dec(?:ember)?|am|pm|utc|gmt|z"
    r"|[nuµμm]?s(?:ecs?)?|(?:nano|micro|milli)?seconds?|m|mins?|minutes?|h|hrs?|hours?|d|days?"
    r"|(?:[kmg]?i?b|bytes?)(?:/s|/sec|ps)?)"
    # Zones as `date` names them: with summer time they change.
    r"|W?EST|WET|[CE]ES?T|BST|MSK|IST|JST|[ECMPA][SD]T|AE[SD]T|NZ[SD]T"
)
#: How a line begins or ends that tells of a success, and what takes that back: `not ok`.
_FINE = frozenset(("ok", "pass", "passed", "succeeded", "success", "done", "\u2713", "\u2714", "\u221a"))
_WRONG = re.compile(
    r"no|not|never|fail.*|err.*|wrong|bad|broken|fatal|abort.*|crash.*|cannot|(?:un)?expect.*|want.*|got|should|must"
    r"|but|instead|differ.*|mismatch.*|missing|timeout"
)
#: In place of a name.
_A_NAME = "\0"


class Words:
    """Reads the words of a line; remembers each word, for logs say the same ones again and again."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[str, str]] = {}

    def of(self, text: str) -> str:
        """The words of a line, with a mark where names stand; empty where it has no word."""
        return self._joined(text, 0)

    def named(self, text: str) -> str:
        """The words of a line and its names, with a mark where a name has digits."""
        return self._joined(text, 1)

    def _joined(self, text: str, which: int) -> str:
        found: list[str] = []
        for each in text.translate(_BETWEEN).split():
            both = self._kept.get(each)
            if both is None:
                both = _word(each)
                if len(each) <= LONG and len(self._kept) < MOST_WORDS:
                    self._kept[each] = both
            word = both[which]
            if word and not (word == _A_NAME and found and found[-1] == _A_NAME):
                found.append(word)
        return "" if found == [_A_NAME] else " ".join(found)


def _word(token: str) -> tuple[str, str]:
    """What is kept of it: where names are left out, and where they are kept."""
    core = token.strip(_EDGE)
    if _MOVES.fullmatch(core):
        return "", ""
    if len(core) > LONG or _MADE_UP.search(core):
        return _A_NAME, _A_NAME
    return (_A_NAME if _NAME.search(core) else core), core


def is_fine(words: str) -> bool:
    """Whether a line tells of a success: however new, that is not where to look."""
    said = [word.lower() for word in words.split(" ") if word != _A_NAME]
    return (said[0] in _FINE or said[-1] in _FINE) and not any(map(_WRONG.fullmatch, said))
