"""What the programs of tests/bench print by figure.h, as rows of the table."""
import functools
import subprocess
import typing

import table


class Goal(typing.NamedTuple):
    goal: str = ""
    note: str = ""


@functools.cache
def of(run, program, *arguments):
    """{(what, who): (unit, values)}; a program runs once for all parts that want its figures."""
    ran = subprocess.run([run.build / "bench" / program, *arguments], check=True, text=True,
                         stdout=subprocess.PIPE)
    found = {}
    for line in ran.stdout.splitlines():
        if "\t" not in line:
            run.missing.append(line)
            continue
        what, who, unit, values = line.split("\t")
        assert (what, who) not in found, f"{program} says twice: {what}, {who}"
        found[what, who] = unit, [float(value) for value in values.split()]
    return found


def rows(run, part, program, goals, *arguments):
    """A row for each figure, all of one kind together.

    `goals` are engram's, by what was measured; those of what was not measured here are not used.
    """
    found = of(run, program, *arguments)
    order = list(dict.fromkeys(what for what, _ in found))
    for what, who in sorted(found, key=lambda key: order.index(key[0])):
        goal, note = goals.get(what, Goal()) if who == "engram" else Goal()
        unit, values = found[what, who]
        yield table.of(part, what, who, unit, values, goal, note)
