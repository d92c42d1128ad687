"""A watchlist alerts once on a story, and again when an article has something new."""

from monitor.alerts.once import TopicHistory, after_alert, after_count, judge
from monitor.model import Match, Term


def match(*terms):
    return Match("w", tuple(Term(term, "body", ((0, 1),)) for term in terms))


FIRST = after_alert(TopicHistory(), "alert", "a", ("NATO",))


def test_the_first_article_alerts_with_all_its_terms():
    assert judge(TopicHistory(), "a", match("NATO", "Grushko")) == ("alert", ("Grushko", "NATO"))


def test_a_copy_is_counted_once():
    assert judge(FIRST, "b", match("NATO")) == ("count", ())
    assert judge(after_count(FIRST, "b"), "b", match("NATO")) == ("known", ())


def test_a_later_article_with_another_term_alerts_and_one_with_known_terms_does_not():
    assert judge(FIRST, "b", match("NATO", "Grushko")) == ("alert", ("Grushko",))
    second = after_alert(FIRST, "alert 2", "b", ("Grushko",))
    assert judge(second, "c", match("Grushko")) == ("count", ())
    assert second.alert == "alert"


def test_an_article_that_has_alerted_does_not_alert_again_after_an_edit():
    assert judge(FIRST, "a", match("NATO", "Grushko")) == ("known", ())


def test_a_counted_article_alerts_when_an_edit_adds_a_term():
    counted = after_count(FIRST, "b")
    assert judge(counted, "b", match("NATO", "Grushko")) == ("alert", ("Grushko",))
