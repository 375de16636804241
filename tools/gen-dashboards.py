#!/usr/bin/env python3
"""Prints a Grafana dashboard as JSON, one line for each panel: tools/gen-dashboards.py NAME.ini"""
import configparser
import json
import os
import re
import sys

HOST = 'job=~"$job", instance=~"$instance"'
ENGINE = HOST + ', process=~"$process"'
SOURCE = {"type": "prometheus", "uid": "${datasource}"}
WIDTHS = {"stat": (6, 4), "state-timeline": (24, 8), "timeseries": (8, 8), "row": (24, 1)}
ACROSS = 24
COLOURS = ["text", "green", "yellow", "red"]


def variable(name, series, **more):
    return {"name": name, "label": name.title(), "type": "query", "datasource": SOURCE,
            "query": {"query": f"label_values({series}, {name})", "refId": name}, "refresh": 2, "sort": 1,
            "multi": True, "includeAll": True, "allValue": ".+",
            "current": {"text": "All", "value": "$__all"}, **more}


def variables():
    # All jobs would be those of other programs, too, and process_* is not ours alone.
    return [{"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus"},
            variable("job", "engramd_build_info", includeAll=False, current={}),
            variable("instance", 'engramd_build_info{job=~"$job"}'),
            variable("process", f"engram_writer_refused_total{{{HOST}}}")]


def with_classic(query):
    """A histogram is a native one, or several series: never both in Prometheus 2.42."""
    rated = r"rate\((\w+)(\{[^}]*\}\[[^\]]*\])\)"
    query = re.sub(rf"histogram_(count|sum)\({rated}\)", r"\g<0> or rate(\2_\1\3)", query)
    return re.sub(rf"(histogram_quantile\([\d.]+, sum by \()([^)]*\) \()rate\((\w+)([^)]*\)\)\))",
                  r"\g<0> or \1le, \2rate(\3_bucket\4", query)


def expanded(query):
    query = with_classic(query)
    return re.sub(r"\{(engine|host)\b", lambda name: "{" + {"engine": ENGINE, "host": HOST}[name[1]], query)


def targets(section):
    found = []
    for key in section:
        if key.startswith("query"):
            found.append({"refId": chr(ord("A") + len(found)), "datasource": SOURCE,
                          "expr": expanded(section[key]),
                          "legendFormat": section.get("legend" + key[len("query"):], "")})
    return found


def mappings(states):
    """Of "0 healthy, 1 degraded"."""
    pairs = [state.split() for state in states.split(",")]
    return [{"type": "value", "options": {
        value: {"text": text, "color": colour, "index": index}
        for index, ((value, text), colour) in enumerate(zip(pairs, COLOURS))}}]


def panel(title, section):
    kind = section.get("type", "timeseries")
    defaults = {"unit": section["unit"]}
    if "states" in section:
        defaults["mappings"] = mappings(section["states"])
    elif kind == "timeseries":
        defaults["min"] = 0
    return {"type": kind, "title": title, "description": section["description"], "datasource": SOURCE,
            "fieldConfig": {"defaults": defaults, "overrides": []}, "targets": targets(section)}


def laid_out(panels):
    """From left to right, and a new line where one does not fit or is of another height."""
    left = top = line = 0
    for number, one in enumerate(panels, 1):
        width, height = WIDTHS[one["type"]]
        if left + width > ACROSS or height != line:
            top, left = top + line, 0
        line = height
        one["id"] = number
        one["gridPos"] = {"x": left, "y": top, "w": width, "h": height}
        left += width
    return panels


def dashboard(path):
    parser = configparser.ConfigParser(interpolation=None, delimiters=("=",))
    with open(path) as file:
        parser.read_file(file)
    panels = []
    for name in parser.sections()[1:]:
        if name.startswith("row: "):
            panels.append({"type": "row", "title": name[len("row: "):], "collapsed": False, "panels": []})
        else:
            panels.append(panel(name, parser[name]))
    head = parser["dashboard"]
    return {"uid": "engramd-" + os.path.basename(path).removesuffix(".ini"), "title": head["title"],
            "description": head["description"], "tags": ["engramd"], "schemaVersion": 39, "version": 1,
            "editable": False, "graphTooltip": 1, "time": {"from": "now-1h", "to": "now"},
            "refresh": "30s", "links": [
                {"type": "dashboards", "title": "engramd", "tags": ["engramd"], "asDropdown": True,
                 "includeVars": True, "keepTime": True}],
            "templating": {"list": variables()}, "panels": laid_out(panels)}


def printed(board):
    """As json.dumps() does it, but with a line for each key, variable and panel."""
    def block(items):
        return "[\n" + ",\n".join("    " + json.dumps(item) for item in items) + "\n  ]"
    lines = []
    for key, value in board.items():
        text = block(value) if key == "panels" else json.dumps(value)
        if key == "templating":
            text = '{"list": ' + block(value["list"]) + "}"
        lines.append(f"  {json.dumps(key)}: {text}")
    return "{\n" + ",\n".join(lines) + "\n}"


if __name__ == "__main__":
    print(printed(dashboard(sys.argv[1])))
