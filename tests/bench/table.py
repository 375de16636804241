"""What a bench found: its rows, and how they look as text and as JSON."""
import dataclasses
import json
import statistics


@dataclasses.dataclass(frozen=True)
class Row:
    """One figure of one contestant. `goal` is ours alone: "<= 0.75" or ">= 8", in the row's unit."""

    part: str  # the heading that it stands under
    what: str  # what was measured: "counter add, 1 thread"
    who: str  # "engram", or whom it is measured against
    unit: str  # ns, us, ms, s, x, %, MB, 1/s
    least: float
    median: float
    goal: str = ""
    note: str = ""

    def reached(self):
        """Whether the median keeps to the goal; None without one."""
        if not self.goal:
            return None
        relation, bound = self.goal.split()
        return self.median <= float(bound) if relation == "<=" else self.median >= float(bound)


def of(part, what, who, unit, taken, goal="", note=""):
    """The row of some turns' figures; the best turn is the least, but for rates and ratios, unless
    their goal is to be small, the most."""
    best = max if unit in ("x", "1/s") and not goal.startswith("<=") else min
    return Row(part, what, who, unit, best(taken), statistics.median(taken), goal, note)


def number(value):
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def text(rows):
    """The table, its parts in the order in which they came."""
    lines, part = [], None
    for row in rows:
        if row.part != part:
            part = row.part
            lines += ["", f"{part:<44} {'':<20} {'best':>9} {'median':>9}"]
        verdict = {None: "", True: f"goal {row.goal}: reached", False: f"goal {row.goal}: MISSED"}[row.reached()]
        line = (f"  {row.what:<42} {row.who:<20} {number(row.least):>9} {number(row.median):>9}"
                f" {row.unit:<4} {verdict}")
        lines.append(f"{line}  {row.note}".rstrip())
    return "\n".join(lines)


def as_json(rows, **about):
    kept = [dataclasses.asdict(row) | {"reached": row.reached()} for row in rows]
    return json.dumps(about | {"rows": kept}, indent=1)
