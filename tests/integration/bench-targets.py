#!/usr/bin/env python3
"""No performance target of the requirements is without a row in the bench, nor with another bound than it
has; and what a row says to show is what a program of the bench measures."""
import pathlib
import re
import sys
import types

BENCH = pathlib.Path(__file__).resolve().parent.parent / "bench"
sys.path.insert(0, str(BENCH))
import table
import targets


def is_measured(answer):
    """Whether the program prints a figure of that name, or the part has such a row; either may put it together."""
    name = re.sub(r": p(50|99)$", "", answer.figure)
    patterns = [name, re.sub(r"\d+(?= ms)", "%s", name)]
    source = (BENCH / f"{answer.of}.{'py' if answer.is_row else 'c'}").read_text()
    if answer.is_row:
        source = source.replace("{RATE}", "100000").replace("{what}", "CPU at 100000 op/s")
        return f'"{name}' in source
    return any(f'"{text}"' in source for text in patterns)


wanted = list(targets.targets())
numbers = [target.number for target in wanted]
assert numbers == list(range(1, len(numbers) + 1)) and numbers, f"not one after the other: {numbers}"
assert set(targets.ANSWERS) == set(numbers), f"of one list only: {set(targets.ANSWERS) ^ set(numbers)}"

targets.values_of = lambda run, answer, unit: [0.0]
targets.note_of = lambda run, answer: answer.note
some = types.SimpleNamespace(rows_of=lambda part: [
    table.of(part, answer.figure, "engram", "%", [0.0]) for answer in targets.ANSWERS.values() if answer.is_row])
rows = list(targets.rows(some))
for target in wanted:
    found = [row for row in rows if row.what == f"{target.number}. {target.words}"]
    assert len(found) == 1, f"{target}: {len(found)} rows"
    assert (found[0].goal, found[0].unit) == (f"<= {target.bound}", target.unit), (target, found)

for number, answer in targets.ANSWERS.items():
    assert is_measured(answer), f"{number}: {answer.of} does not measure {answer.figure!r}"
print(f"{len(rows)} targets, each with a row")
