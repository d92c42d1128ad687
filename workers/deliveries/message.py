"""Puts together the message of a delivery, as stories are at the moment of sending."""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING

from monitor.alerts.build import added_to
from monitor.alerts.digest import Message

if TYPE_CHECKING:
    from collections.abc import Iterable

    from monitor.model import Alert, Delivery
    from monitor.store import Store


def message_of(delivery: Delivery, alerts: Iterable[Alert], store: Store) -> Message:
    """Returns the message that delivers these alerts, the earliest first."""
    documents = []
    for alert in alerts:
        story = alert.document["story"]
        size = store.stories.size(story["id"])
        now = {"articles": max(size.articles, story["articles"])}
        if "sites" in story:
            now["sites"] = max(size.sites, story["sites"])
        documents.append({**alert.document, "story": {**story, **now}})
    if delivery.article:
        article = store.articles.get(delivery.article)
        documents = [added_to(document, article) for document in documents if article]
    return Message(
        delivery.id,
        tuple(sorted(documents, key=itemgetter("detected_at"))),
        to=delivery.to,
        follows=bool(delivery.article),
    )
