"""What a query of PromQL selects and how; enough for ours, and Prometheus itself parses them all."""
import re

TOKEN = re.compile(r'(?P<string>"(?:\\.|[^"\\])*")|(?P<matchers>\{(?:[^"}]|"(?:\\.|[^"\\])*")*\})'
                   r"|(?P<range>\[[^\]]*\])|(?P<name>[A-Za-z_:$][\w:]*)|(?P<other>\S)")
MATCHER = re.compile(r'(\w+)\s*(=~|!~|!=|=)\s*"((?:\\.|[^"\\])*)"')
CLAUSES = {"by", "without", "on", "ignoring", "group_left", "group_right"}
WORDS = {"and", "or", "unless", "bool", "offset"}


class Selector:
    """A name with its matchers {label: (operator, value)}, its range, and what is around it: a list of
    functions, outermost first."""

    def __init__(self, name, around):
        self.name, self.around = name, around
        self.matchers, self.range = {}, ""


def tokens(query):
    return [(match.lastgroup, match.group()) for match in TOKEN.finditer(query)]


def selectors(query):
    found, around, function, clause = [], [], "", False
    sequence = tokens(query)
    for place, (kind, text) in enumerate(sequence):
        following = sequence[place + 1][1] if place + 1 < len(sequence) else ""
        if clause:  # labels, up to the parenthesis that closes them
            clause = text != ")"
        elif kind == "name" and text in CLAUSES:
            clause = True
        elif kind == "name" and (following == "(" or following in ("by", "without")):
            function = text
        elif kind == "name" and text not in WORDS:
            found.append(Selector(text, list(around)))
        elif kind == "matchers":
            found[-1].matchers = {label: (operator, value)
                                  for label, operator, value in MATCHER.findall(text)}
        elif kind == "range":
            found[-1].range = text[1:-1]
        elif text == "(":
            around.append(function)
            function = ""
        elif text == ")":
            around.pop()
    return found
