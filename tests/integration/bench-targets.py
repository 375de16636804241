#!/usr/bin/env python3
"""No performance target of the requirements is without a row in the bench, nor with another bound than it
has; and what a row says to show is what a program of the bench measures."""
import pathlib
import re
import sys
import types

BENCH = pathlib.Path(__file__).resolve().parent.parent / "bench"
sys.path.insert(0, str(BENCH))
import targets


def is_measured(answer):
    """Whether the program prints a figure of that name, which it may put together."""
    name = re.sub(r": p(50|99)$", "", answer.figure)
    pattern = re.sub(r"\d+(?= ms)", "%s", name)
    source = (BENCH / f"{answer.of}.c").read_text()
    return any(f'"{text}"' in source for text in (name, pattern))


wanted = list(targets.targets())
numbers = [target.number for target in wanted]
assert numbers == list(range(1, len(numbers) + 1)) and numbers, f"not one after the other: {numbers}"
assert set(targets.ANSWERS) == set(numbers), f"of one list only: {set(targets.ANSWERS) ^ set(numbers)}"

targets.values_of = lambda run, answer, unit, measured: [0.0]
targets.note_of = lambda run, answer: answer.note
rows = list(targets.rows(types.SimpleNamespace()))
for target in wanted:
    found = [row for row in rows if row.what == f"{target.number}. {target.words}"]
    assert len(found) == 1, f"{target}: {len(found)} rows"
    assert (found[0].goal, found[0].unit) == (f"<= {target.bound}", target.unit), (target, found)

for number, answer in targets.ANSWERS.items():
    if callable(answer.of):
        continue
    assert is_measured(answer), f"{number}: {answer.of}.c does not measure {answer.figure!r}"
print(f"{len(rows)} targets, each with a row")
