#!/usr/bin/env python3
"""Gathers the rows that compare.sh measured into one result file.

    ocellus devices --json | result.py ROWS RESULT.json
"""
import datetime
import json
import math
import subprocess
import sys


def commit():
    told = subprocess.run(["git", "rev-parse", "--short", "HEAD"],
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                          text=True)
    return told.stdout.strip() or None


def load():
    with open("/proc/loadavg") as f:
        return float(f.read().split()[0])


def mean(rows):
    ratios = [r["ratio"] for r in rows if "ratio" in r]
    if not ratios:
        return None
    return round(math.exp(sum(map(math.log, ratios)) / len(ratios)), 3)


def main():
    devices = json.load(sys.stdin)["devices"]
    with open(sys.argv[1]) as f:
        rows = [json.loads(line) for line in f]
    device = next((d for d in devices if d.get("default")), devices[0])
    with open(sys.argv[2], "w") as f:
        json.dump({
            "date": datetime.datetime.now().isoformat(timespec="minutes"),
            "commit": commit(),
            "device": device["name"],
            "driver": device["driver"],
            "compute_units": device["compute_units"],
            "load_at_the_end": load(),
            "geometric_mean": {
                mode: mean([r for r in rows if r["mode"] == mode])
                for mode in ("infer", "train")},
            "rows": rows}, f, indent=1)
        f.write("\n")


main()
