"""Knows the names of months in the languages in which dates are read. Pure."""

from __future__ import annotations

from collections import defaultdict
from functools import cache, lru_cache

LANGUAGES = (
    "en de fr es it pt nl sv da nb fi pl cs sk sl hr sr hu ro bg ru uk el tr ar he fa hi id vi"
    " ca et lv lt ja ko zh"
).split()
_ENGLISH = (
    "january february march april may june july august september october november december".split()
)


@lru_cache(maxsize=1_000)
def month_number(name: str) -> int | None:
    """Returns the month, from 1, that a name or its abbreviation means in any language, or None.

    Names that mean several months are left to dateparser: `lis` is October in Croatian and November
    in Polish.
    """
    name = name.lower().rstrip(".")
    if name == "sept":
        return 9
    starts = (at for at, month in enumerate(_ENGLISH, start=1) if month.startswith(name))
    return next(starts, None) or _foreign().get(name)


@cache
def _foreign() -> dict[str, int]:
    from dateparser.languages.loader import default_loader

    meanings: dict[str, set[int]] = defaultdict(set)
    for locale in default_loader.get_locales(languages=LANGUAGES):
        for number, month in enumerate(_ENGLISH, start=1):
            for name in locale.info.get(month, ()):
                meanings[name.lower().rstrip(".")].add(number)
    return {name: min(numbers) for name, numbers in meanings.items() if len(numbers) == 1}
