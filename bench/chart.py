# SPDX-License-Identifier: Apache-2.0
"""Bar charts as SVG, without a library. A group's bars are drawn against its longest, since groups differ by orders of magnitude."""
import html

# file, title, key of a row, unit, factor
METRICS = (("wall", "Wall time of an upload to S3", "wall", "s", 1), ("cpu", "CPU time of the client", "cpu", "s", 1),
           ("rss", "Peak resident memory of the client", "rss", "MiB", 1 / 1024))
COLOURS = {"floor": "#9aa0a6", "snapferry": "#1a73e8", "snapferry again": "#8ab4f8", "rclone": "#e8710a", "s5cmd": "#188038"}
WIDTH, LEFT, RIGHT, BAR, GAP, HEAD = 890, 280, 90, 14, 16, 44


def _text(x, y, text, extra=""):
    return f'<text x="{x}" y="{y}" {extra}>{html.escape(text)}</text>'


def bars(title, unit, groups):
    """groups: [(label, [(series, value)])]."""
    parts, y = [], HEAD
    for label, values in groups:
        longest = max(value for _, value in values) or 1
        parts.append(_text(LEFT - 110, y + BAR - 3, label, 'text-anchor="end"'))
        for series, value in values:
            width = (WIDTH - LEFT - RIGHT) * value / longest
            parts.append(_text(LEFT - 8, y + BAR - 3, series, 'text-anchor="end" fill="#5f6368"'))
            parts.append(f'<rect x="{LEFT}" y="{y}" width="{width:.1f}" height="{BAR - 2}" fill="{COLOURS[series]}"/>')
            parts.append(_text(round(LEFT + width + 6), y + BAR - 3, f"{value:.2f} {unit}"))
            y += BAR
        y += GAP
    head = (f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{y}" viewBox="0 0 {WIDTH} {y}" '
            'font-family="sans-serif" font-size="11">')
    return "\n".join([head, f'<rect width="{WIDTH}" height="{y}" fill="#fff"/>', _text(12, 24, title, 'font-size="15"'), *parts,
                      "</svg>"]) + "\n"
