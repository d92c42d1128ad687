"""Draws small charts as paths of SVG, which need neither script nor style. Pure."""

from __future__ import annotations

from collections.abc import Sequence

# A bucket is so wide, with a gap on either side of its bar.
PITCH = 8


def bar_path(
    values: Sequence[int],
    highest: int | None = None,
    *,
    height: int = 24,
    left: float = 1,
    width: float = 6,
) -> str:
    """Returns the path of a bar for each value, in a view of `PITCH` for each and `height`.

    `highest` is the value that reaches the top, by default the largest. Nothing is drawn for 0.
    """
    top = max(highest or max(values, default=0), 1)
    bars, at = [f"M0 {height}"], 0.0
    for number, value in enumerate(values):
        if value > 0:
            start, tall = number * PITCH + left, max(height * value / top, 1.5)
            # From the ground at the end of the bar before. What is filled is closed by itself.
            bars.append(f"m{start - at:g} 0V{height - tall:.3g}h{width:g}V{height}")
            at = start + width
    return "".join(bars)
