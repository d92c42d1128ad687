"""The plain truth: a query evaluated by looking, with nothing that makes it fast."""

from monitor.watchlists.query import And, Not, Or, Phrase
from monitor.watchlists.text import tokenise


def matches(node, *texts):
    """Whether a query's tree matches an article of these fields."""
    match node:
        case Phrase(words=words):
            return any(stands(words, tokenise(text).words) for text in texts)
        case And(parts):
            return all(matches(part, *texts) for part in parts)
        case Or(parts):
            return any(matches(part, *texts) for part in parts)
        case Not(part):
            return not matches(part, *texts)


def stands(phrase, words):
    return any(words[at : at + len(phrase)] == phrase for at in range(len(words) - len(phrase) + 1))
