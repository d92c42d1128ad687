"""No pattern takes long on what a stranger may write."""

import importlib
import inspect
import pkgutil
import re
import time

import pytest
import regex

import monitor
import workers
from monitor.articles import dates, lines, names, structured, titles

CHARS = 100_000
MOST_SECONDS = 3.0

# Runs of what patterns look for, and beginnings of it that never come to an end.
SEEDS = [
    *'<&1aA"_-.,:/@?!*(['.replace(" ", ""), "é", "ы", "中", "\xa0", " ", "\t", "\n", " \n", "\r\n", "://a", "a a a ",
    '"a" ', "<a ", '<a b="', "<!--", "&#", "&a", "&#1", "//", "a@", "a.", "a-", "A. ", "1.", "1,", "1 ", "1:", "?.",
    ". ", "...", "…", "()", "[]", "http://", "by ", "By A ", "Aa Bb ", "a, ", " - ", " | ", " |", " -", ": a", "${",
    "2026-", "+1", "AND ", "NEAR/", '"items"', "<meta ", "x:",
]  # fmt: skip

# What is cut to so many characters before any of a module's patterns sees it.
CAPS = {
    dates: 4 * dates._MAX_CHARS,
    names: names._MAX_BYLINE_LINE,
    titles: titles.MAX_TITLE_CHARS,
}
CAPPED = {
    (structured, "_CLOSING_WRAPPER"): structured._END_CHARS,
    (lines, "_PATTERNS"): lines._LABEL_CHARS,
}


def modules():
    for package in (monitor, workers):
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            # Alembic runs migrations, and nothing else can import them.
            if not found.name.endswith("__main__") and ".migrations" not in found.name:
                yield importlib.import_module(found.name)


def within(value, depth=0):
    """Patterns that a value is or holds."""
    if isinstance(value, re.Pattern | regex.Pattern):
        yield value
    elif isinstance(value, dict) and depth < 3:
        yield from within(list(value.values()) + list(value), depth + 1)
    elif isinstance(value, list | tuple | set | frozenset) and depth < 3:
        for each in value:
            yield from within(each, depth + 1)


def patterns():
    """Every pattern of our modules, with the ways in which its module uses it."""
    found = {}
    for module in modules():
        source = inspect.getsource(module)
        for name, value in vars(module).items():
            ways = set(
                re.findall(rf"\b{name}\.(search|sub|split|find\w+|fullmatch|match)\b", source)
            )
            for pattern in within(value):
                cap = CAPPED.get((module, name)) or CAPS.get(module, CHARS)
                known = found.setdefault((pattern.pattern, pattern.flags), (pattern, set(), []))
                known[1].update(ways)
                known[2].append((f"{module.__name__}.{name}", cap))
    for pattern, ways, places in found.values():
        # Who imports a pattern knows how long what it sees is; the longest counts.
        yield places[0][0], pattern, ways or {"search", "sub"}, max(cap for _, cap in places)


def operations(pattern, ways):
    """What stands for the ways in which a pattern is used."""
    if ways & {"search", "match"}:
        yield pattern.search if "search" in ways else pattern.match
    if "fullmatch" in ways:
        yield pattern.fullmatch
    if ways & {"sub", "split", "findall", "finditer"}:
        yield pattern.findall


def beginnings(pattern):
    """Words that a pattern holds, as seeds of texts that nearly match it."""
    source = pattern.pattern if isinstance(pattern.pattern, str) else pattern.pattern.decode()
    words = re.findall(r"[A-Za-z]{3,}", source)[:4]
    return [*words, *(f"{word} " for word in words), *(f"<{word} " for word in words[:2])]


def seconds(operation, text):
    start = time.thread_time()
    operation(text)
    return time.thread_time() - start


def too_long(operation, text_of, chars):
    """The seconds that an operation would take on `chars` characters, when they are too many."""
    few = seconds(operation, text_of(chars // 40))
    # Sixteen hundred times as long, as it would be in quadratic time, is still within the bound.
    if few * 1_600 < MOST_SECONDS:
        return None
    few = min(few, *(seconds(operation, text_of(chars // 40)) for _ in range(5)))
    more = min(seconds(operation, text_of(chars // 10)) for _ in range(2))
    # Four times the text takes four times as long in linear time, sixteen times in quadratic.
    taken = more * (10 if more < 8 * few else 100)
    if taken > MOST_SECONDS and chars < CHARS:
        taken = seconds(operation, text_of(chars))
    return taken if taken > MOST_SECONDS else None


def worst(pattern, ways, chars):
    """The seed on which a pattern takes too long, with the seconds it takes."""
    is_text = isinstance(pattern.pattern, str)
    for seed in SEEDS + beginnings(pattern):

        def text_of(size, seed=seed):
            # The end is nothing that any pattern ends with.
            text = (seed * (size // len(seed) + 1))[:size] + "\x01"
            return text if is_text else text.encode()

        for operation in operations(pattern, ways):
            if taken := too_long(operation, text_of, chars):
                return seed, operation.__name__, taken
    return None


PATTERNS = list(patterns())


def test_the_patterns_are_found():
    assert len(PATTERNS) > 100


@pytest.mark.parametrize(
    ("pattern", "ways", "chars"), [p[1:] for p in PATTERNS], ids=[p[0] for p in PATTERNS]
)
def test_no_pattern_takes_more_than_linear_time(pattern, ways, chars):
    assert worst(pattern, ways, chars) is None


def test_a_quadratic_pattern_is_noticed():
    assert worst(re.compile(r"<[^>]*>"), {"sub"}, CHARS)[0].startswith("<")
