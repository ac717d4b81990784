#!/usr/bin/env python3
"""Draws what each launch of a net achieves below what the device can do.

    peaks >PEAKS.json
    ocellus bench NET --batch N [--train] --profile --trace TRACE.json
    roofline.py PEAKS.json TITLE PICTURE.svg TRACE.json [TRACE.json ...]

A circle is one operator of the net: across, operations for each byte that it
reads or writes; up, operations a second; its area is its share of the time.
The lines are the device's measured memory bandwidth and arithmetic. Of several
traces of the same net the fastest launch counts. Prints how much of the time
went where, and what a net would take whose every launch reached the roof.
"""
import json
import math
import sys
from html import escape

LEFT, TOP, WIDTH, HEIGHT = 64, 70, 560, 330
COLOURS = ("#2a7f62", "#c06030", "#3b6ea8", "#8a4f9e", "#b59a2b", "#777777")


def launches(paths):
    """[(operator and implementation, node, us, operations, bytes)]."""
    best = {}
    for path in paths:
        with open(path) as f:
            events = json.load(f)["traceEvents"]
        nodes = {}
        for event in events:
            if event.get("ph") != "X":
                continue
            told = event["args"]
            kind = f'{event["name"]}, {event.get("cat", "")}'
            at = nodes.setdefault((kind, told.get("node")), [0, 0, 0])
            at[0] += event["dur"]
            at[1] += told.get("flops", 0)
            at[2] += told.get("bytes", 0)
        for key, at in nodes.items():
            if key not in best or at[0] < best[key][0]:
                best[key] = at
    return [(key[0], key[1], *at) for key, at in best.items()]


def text(x, y, words, anchor="start", size=11, colour="#444"):
    return (f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" '
            f'text-anchor="{anchor}" fill="{colour}">{escape(words)}</text>')


class Axes:
    def __init__(self, low, high, bottom, top):
        self.x = (math.log10(low), math.log10(high))
        self.y = (math.log10(bottom), math.log10(top))

    def place(self, intensity, speed):
        across = (math.log10(intensity) - self.x[0]) / (self.x[1] - self.x[0])
        up = (math.log10(speed) - self.y[0]) / (self.y[1] - self.y[0])
        clamp = (min(max(across, 0), 1), min(max(up, 0), 1))
        return LEFT + WIDTH * clamp[0], TOP + HEIGHT * (1 - clamp[1])

    def lines(self):
        for k in range(math.ceil(self.x[0]), math.floor(self.x[1]) + 1):
            x, _ = self.place(10 ** k, 10 ** self.y[0])
            yield (f'<line x1="{x:.1f}" y1="{TOP}" x2="{x:.1f}" '
                   f'y2="{TOP + HEIGHT}" stroke="#e4e4e4"/>')
            yield text(x, TOP + HEIGHT + 16, f"{10.0 ** k:g}", "middle")
        for k in range(math.ceil(self.y[0]), math.floor(self.y[1]) + 1):
            _, y = self.place(10 ** self.x[0], 10 ** k)
            yield (f'<line x1="{LEFT}" y1="{y:.1f}" x2="{LEFT + WIDTH}" '
                   f'y2="{y:.1f}" stroke="#e4e4e4"/>')
            yield text(LEFT - 6, y + 4, f"{10.0 ** k:g}", "end")


def main():
    with open(sys.argv[1]) as f:
        peaks = json.load(f)
    title, picture = sys.argv[2:4]
    rows = launches(sys.argv[4:])
    all_us = sum(row[2] for row in rows)
    shown = [row for row in rows if row[3] > 0 and row[4] > 0 and row[2] > 0]
    roof, band = peaks["gflops"], peaks["gb_per_second"]
    ideal = sum(max(row[3] / roof, row[4] / band) / 1e3 for row in rows)
    by_operator = {}
    for row in rows:
        by_operator[row[0]] = by_operator.get(row[0], 0) + row[2]
    names = sorted(by_operator, key=by_operator.get, reverse=True)
    colour = {name: COLOURS[min(k, len(COLOURS) - 1)]
              for k, name in enumerate(names)}
    axes = Axes(0.03, 1000, roof / 1000, roof * 2)
    corner, flat = axes.place(roof / band, roof)
    low = axes.place(0.03, 0.03 * band)
    lines = [f'<svg xmlns="http://www.w3.org/2000/svg" width="860" '
             f'height="450" font-family="sans-serif">',
             '<rect width="100%" height="100%" fill="white"/>',
             text(12, 20, title, size=14, colour="#222"),
             text(12, 38, f'{peaks["device"]}: {roof:.0f} GFLOP/s, '
                  f'{band:.1f} GB/s measured; {all_us / 1e3:.2f} ms of '
                  f'launches, {ideal / 1e3:.2f} ms at the roof '
                  f'({100 * ideal / all_us:.0f}%)'),
             text(LEFT - 52, 58, "GFLOP/s"),
             text(LEFT + WIDTH, TOP + HEIGHT + 34, "operations a byte", "end"),
             *axes.lines(),
             f'<polyline points="{low[0]:.1f},{low[1]:.1f} {corner:.1f},'
             f'{flat:.1f} {LEFT + WIDTH},{flat:.1f}" fill="none" '
             f'stroke="#222" stroke-width="1.5"/>']
    for name, _, us, flops, moved in sorted(shown, key=lambda r: -r[2]):
        x, y = axes.place(flops / moved, flops / us / 1e3)
        radius = max(1.5, 40 * math.sqrt(us / all_us))
        lines.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}" '
                     f'fill="{colour[name]}" fill-opacity="0.55"/>')
    for k, name in enumerate(names[:len(COLOURS)]):
        y = TOP + 20 * k
        last = k == len(COLOURS) - 1 and len(names) > len(COLOURS)
        share = sum(by_operator[n] for n in names[k:]) if last \
            else by_operator[name]
        word = "others" if last else name
        lines += [f'<rect x="{LEFT + WIDTH + 10}" y="{y}" width="10" '
                  f'height="10" fill="{COLOURS[k]}"/>',
                  text(LEFT + WIDTH + 24, y + 9,
                       f"{word[:34]} {100 * share / all_us:.0f}%", size=10)]
    with open(picture, "w") as f:
        f.write("\n".join(lines) + "\n</svg>\n")
    print(f"{title}: {all_us / 1e3:.2f} ms of launches, "
          f"{100 * ideal / all_us:.0f}% of the roof")


main()
