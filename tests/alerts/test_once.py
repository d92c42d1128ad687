"""Once a story, and again where something is new."""

from monitor.alerts.once import Told, after_alert, after_count, judge
from monitor.model import Match, Term


def match(*terms):
    return Match("w", tuple(Term(term, "body", ((0, 1),)) for term in terms))


FIRST = after_alert(Told(), "alert", "a", ("NATO",))


def test_the_first_article_alerts_with_all_its_terms():
    assert judge(Told(), "a", match("NATO", "Grushko")) == ("alert", ("Grushko", "NATO"))


def test_a_copy_is_counted_once():
    assert judge(FIRST, "b", match("NATO")) == ("count", ())
    assert judge(after_count(FIRST, "b"), "b", match("NATO")) == ("known", ())


def test_a_later_article_that_matches_another_term_alerts_and_a_third_does_not():
    assert judge(FIRST, "b", match("NATO", "Grushko")) == ("alert", ("Grushko",))
    second = after_alert(FIRST, "alert 2", "b", ("Grushko",))
    assert judge(second, "c", match("Grushko")) == ("count", ())
    assert second.alert == "alert"


def test_an_article_that_has_alerted_does_not_however_it_is_edited():
    assert judge(FIRST, "a", match("NATO", "Grushko")) == ("known", ())


def test_a_counted_article_alerts_when_it_comes_to_say_more():
    counted = after_count(FIRST, "b")
    assert judge(counted, "b", match("NATO", "Grushko")) == ("alert", ("Grushko",))
