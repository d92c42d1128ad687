"""Names the services whose queries can be converted; `convert` knows their syntax. Pure."""

from __future__ import annotations

from typing import Literal, get_args

Dialect = Literal["meltwater", "cision", "lexis", "talkwalker", "brandwatch", "google", "lucene"]
DIALECTS: tuple[Dialect, ...] = get_args(Dialect)
