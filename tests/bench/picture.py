#!/usr/bin/env python3
"""Draws a result of compare.sh: a bar for each row, on a scale of ratios.

    picture.py RESULT.json PICTURE.svg
"""
import json
import math
import sys
from html import escape

LEFT, WIDTH, ROW, TOP = 210, 420, 20, 64
TICKS = (0.125, 0.25, 0.5, 1, 2, 4)


def across(ratio):
    ratio = min(max(ratio, TICKS[0]), TICKS[-1])
    span = math.log(TICKS[-1] / TICKS[0])
    return LEFT + WIDTH * math.log(ratio / TICKS[0]) / span


def text(x, y, words, anchor="start", size=12, colour="#222"):
    return (f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" '
            f'text-anchor="{anchor}" fill="{colour}">{escape(words)}</text>')


def grid(height):
    for tick in TICKS:
        x = across(tick)
        colour = "#444" if tick == 1 else "#ddd"
        yield (f'<line x1="{x:.1f}" y1="{TOP - 6}" x2="{x:.1f}" '
               f'y2="{height - 12}" stroke="{colour}"/>')
        yield text(x, TOP - 12, f"{tick:g}", "middle", 11, "#666")


def bar(row, y):
    name = f'{row["net"]}, {row["mode"]}, batch {row["batch"]}'
    yield text(LEFT - 8, y + 14, name, "end")
    if "ratio" not in row:
        yield text(across(1) + 6, y + 14, "failed", colour="#b00")
        return
    x, one = across(row["ratio"]), across(1)
    colour = "#2a7f62" if row["ratio"] >= 1 else "#c06030"
    yield (f'<rect x="{min(x, one):.1f}" y="{y + 4}" '
           f'width="{abs(x - one):.1f}" height="{ROW - 7}" fill="{colour}"/>')
    low, high = across(row["ratio_min"]), across(row["ratio_max"])
    yield (f'<line x1="{low:.1f}" y1="{y + ROW / 2}" x2="{high:.1f}" '
           f'y2="{y + ROW / 2}" stroke="#222"/>')
    yield text(LEFT + WIDTH + 8, y + 14, f'{row["ratio"]:.2f}')


def main():
    with open(sys.argv[1]) as f:
        result = json.load(f)
    height = TOP + ROW * len(result["rows"]) + 20
    peers = sorted({r["peer_name"] for r in result["rows"] if "ratio" in r})
    lines = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{LEFT + WIDTH + 60}"'
             f' height="{height}" font-family="sans-serif">',
             '<rect width="100%" height="100%" fill="white"/>',
             text(12, 20, "Ocellus beside " + " and ".join(peers)
                  + ": images a second, ratio", size=14),
             text(12, 38, f'{result["device"]}, {result["compute_units"]} units, '
                  f'driver {result["driver"]}, {result["date"][:10]}', size=11,
                  colour="#666"), *grid(height)]
    for k, row in enumerate(result["rows"]):
        lines += bar(row, TOP + k * ROW)
    with open(sys.argv[2], "w") as f:
        f.write("\n".join(lines) + "\n</svg>\n")


main()
