"""The rows that compare ours with others, as horizontal bars on logarithmic axes: one SVG, no library.

Readable on light and on dark ground.  An axis belongs to a part of the table and a kind of unit, since
nanoseconds and requests per second cannot share one.
"""
import math
from xml.sax.saxutils import escape

import table

NS = {"ns": 1, "us": 1e3, "ms": 1e6, "s": 1e9}
LEFT, BAR, RIGHT, LINE = 430, 380, 110, 18  # pixels: the texts' column, the longest bar, its figure, a row
WIDTH = LEFT + BAR + RIGHT
STYLE = """
 text { font: 12px system-ui, sans-serif; fill: #1f2328; }
 .part { font-weight: bold; font-size: 15px; } .faint { fill: #656d76; }
 .ours { fill: #1a7f5a; } .other { fill: #8c959f; } .grid { stroke: #d0d7de; }
 .ground { fill: #ffffff; }
 @media (prefers-color-scheme: dark) {
  text { fill: #e6edf3; } .faint { fill: #9198a1; }
  .ours { fill: #3fb984; } .other { fill: #6e7681; } .grid { stroke: #30363d; }
  .ground { fill: #0d1117; }
 }"""


def is_ours(row):
    return row.who.startswith("engram")


def kind(row):
    return "time" if row.unit in NS else row.unit


def size(row):
    """As the axis has it: times in nanoseconds."""
    return row.median * NS.get(row.unit, 1)


def panels(rows):
    """[(part, kind, [(what, rows)])]: what was measured of us and of others."""
    found = []
    shown = [row for row in rows if row.median > 0]  # what a logarithm can show
    for (part, unit), own in grouped(shown, lambda row: (row.part, kind(row))):
        compared = [(what, group) for (what,), group in grouped(own, lambda row: (row.what,))
                    if any(map(is_ours, group)) and not all(map(is_ours, group))]
        if compared:
            found.append((part, unit, compared))
    return found


def grouped(rows, key):
    """By key, in the order in which the keys came first."""
    keys = list(dict.fromkeys(map(key, rows)))
    return [(each, [row for row in rows if key(row) == each]) for each in keys]


def axis(rows):
    """The powers of ten below the smallest and above the largest."""
    sizes = [size(row) for row in rows]
    low, high = math.floor(math.log10(min(sizes))), math.ceil(math.log10(max(sizes)))
    return low, max(high, low + 1)


def tick(power, unit):
    if unit != "time":
        return f"{10.0 ** power:g}{'' if unit == '1/s' else ' ' + unit}{'/s' if unit == '1/s' else ''}"
    name = next((name for name in reversed(NS) if NS[name] <= 10.0 ** power), "ns")
    return f"{10.0 ** power / NS[name]:g} {name}"


class Drawing:
    def __init__(self):
        self.parts, self.y = [], 10

    def text(self, x, y, text, style="", anchor="start"):
        self.parts.append(f'<text x="{x}" y="{y}" class="{style}" text-anchor="{anchor}">{escape(text)}</text>')

    def panel(self, part, unit, groups):
        low, high = axis([row for _, rows in groups for row in rows])
        better = "longer is better" if unit == "1/s" else "shorter is better"
        self.text(10, self.y + 20, part, "part")
        self.text(WIDTH - 10, self.y + 20, f"median; logarithmic; {better}", "faint", "end")
        self.y += 44
        self.grid(low, high, unit, sum(len(rows) for _, rows in groups) + len(groups))
        for what, rows in groups:
            self.text(10, self.y + 13, what)
            self.y += LINE
            for row in rows:
                self.bar(row, (math.log10(size(row)) - low) / (high - low))
        self.y += 16

    def grid(self, low, high, unit, lines):
        for power in range(low, high + 1):
            x = LEFT + BAR * (power - low) / (high - low)
            bottom = self.y + lines * LINE
            self.parts.append(f'<line x1="{x:.1f}" y1="{self.y}" x2="{x:.1f}" y2="{bottom}" class="grid"/>')
            self.text(f"{x:.1f}", self.y - 4, tick(power, unit), "faint", "middle")

    def bar(self, row, share):
        length = max(BAR * share, 1)
        note = f" ({row.note})" if row.note and not is_ours(row) else ""
        self.text(LEFT - 8, self.y + 13, f"{row.who}{note}", "" if is_ours(row) else "faint", "end")
        self.parts.append(f'<rect x="{LEFT}" y="{self.y + 3}" width="{length:.1f}" height="{LINE - 5}" rx="2"'
                          f' class="{"ours" if is_ours(row) else "other"}"/>')
        self.text(f"{LEFT + length + 6:.1f}", self.y + 13, f"{table.number(row.median)} {row.unit}")
        self.y += LINE


def svg(rows):
    drawing = Drawing()
    for part, unit, groups in panels(rows):
        drawing.panel(part, unit, groups)
    body = "\n".join(drawing.parts)
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{drawing.y}"'
            f' viewBox="0 0 {WIDTH} {drawing.y}">\n<style>{STYLE}\n</style>\n'
            f'<rect width="100%" height="100%" class="ground"/>\n{body}\n</svg>\n')
