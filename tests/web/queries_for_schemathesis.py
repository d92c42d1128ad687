"""Tells Schemathesis what OpenAPI cannot say: what a query of the watchlist language looks like."""

import schemathesis
from hypothesis import strategies as st

OPERATORS = {"and", "or", "not", "near"}
words = st.from_regex(r"[a-z]{2,9}", fullmatch=True).filter(lambda word: word not in OPERATORS)
terms = st.one_of(words, st.tuples(words, words).map('"{0[0]} {0[1]}"'.format))
queries = st.tuples(st.sampled_from([" AND ", " OR "]), st.lists(terms, min_size=1, max_size=4))

schemathesis.openapi.format("watchlist-query", queries.map(lambda pair: pair[0].join(pair[1])))
