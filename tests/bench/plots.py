"""Draws docs/performance-*.svg: cost, memory and Redis against size.

    pip install '.[bench]'
    python tests/bench/plots.py [watchlists|feeds|seen|pools …]

Prints the figures that the plots show. Takes about ten minutes, on a machine that does nothing else.
"""

import sys
from pathlib import Path

import matplotlib as mpl
import scale
from loopback import NGINX, NO_NGINX
from pages import NO_CORPORA, real_pages

DOCS = Path(__file__).parents[2] / "docs"
# What is measured, along which axis, and what its cost is.
PLOTS = {
    "watchlists": (scale.watchlists, "watchlists", "CPU an article, ms"),
    "feeds": (scale.feeds, "feeds", "CPU of a first poll, ms"),
    "seen": (scale.seen_entries, "entries remembered", "CPU of a first poll, ms"),
    "pools": (scale.pools, "worker pools", "articles a second"),
}
# Values that differ by more than this are drawn on a logarithmic scale.
MANY_TIMES = 8
STYLE = {
    # The same figures give the same file, and its words stay words.
    "svg.hashsalt": "presswatch",
    "svg.fonttype": "none",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
}


def draw(points, size_name, cost_name, path):
    """Draws three panels side by side: cost, memory and Redis."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 2.6), layout="constrained")
    panels = {
        cost_name: [point.cost for point in points],
        "memory, MB": [point.memory_mb for point in points],
        "Redis, MB": [point.redis_mb for point in points],
    }
    sizes = [point.size for point in points]
    for axes, (name, values) in zip(figure.subplots(1, len(panels)), panels.items(), strict=True):
        axes.plot(sizes, values, marker="o", markersize=3, linewidth=1)
        axes.set(xscale="log", xlabel=size_name, title=name)
        if max(values) > MANY_TIMES * min(values):
            # What grows in proportion is then a straight line.
            axes.set(yscale="log")
        else:
            axes.set(ylim=(0, 1.15 * max(values)))
        axes.set_xticks(sizes, [f"{size:,}" for size in sizes])
        axes.minorticks_off()
        axes.tick_params(axis="x", labelrotation=30)
    figure.savefig(path, metadata={"Date": None})


def main(names):
    if NGINX is None:
        sys.exit(NO_NGINX)
    if not real_pages():
        sys.exit(NO_CORPORA)
    mpl.rcParams.update(STYLE)
    for name in names or PLOTS:
        measure, size_name, cost_name = PLOTS[name]
        points = list(measure())
        draw(points, size_name, cost_name, DOCS / f"performance-{name}.svg")
        print(f"{size_name:>20}  {cost_name:>24}  memory, MB  Redis, MB")
        for point in points:
            print(
                f"{point.size:20,}  {point.cost:24.1f}  {point.memory_mb:10.0f}  "
                f"{point.redis_mb:9.1f}"
            )


if __name__ == "__main__":
    main(sys.argv[1:])
