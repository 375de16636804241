"""What our dashboards keep to: the conventions of Grafana's own linter of dashboards, and ours.

Each rule is a function that yields what breaks it, and has in BREAKS what a dashboard is done to break
that rule and no other.
"""
import re

from promql import selectors

UNITS = {"short", "percent", "percentunit", "bytes", "Bps", "GBs", "s", "ms", "ns", "ops", "reqps", "cps",
         "bool_yes_no", "bool_on_off"}
SOURCE = "${datasource}"
OURS = {"job": ("=~", "$job"), "instance": ("=~", "$instance"), "process": ("=~", "$process")}
NATIVE = {"histogram_count", "histogram_sum", "histogram_quantile"}  # what makes numbers of them
NOT_OURS = {"up": "GAUGE", "ALERTS": "GAUGE"}  # what Prometheus makes itself


def catalogue():
    """Families by name: their type, and their labels."""
    with open("include/engram/catalogue.def") as file:
        entries = re.findall(r'^FAMILY\(\w+,\s*"(\w+)",\s*(\w+),\s*"\w*",\s*"([\w,]*)",\s*\w+,\s*(\w+),',
                             file.read(), re.M)
    made = [(name, kind, labels) for name, kind, labels, by in entries if by != "LATER"]
    return ({name: kind for name, kind, _ in made},
            {name: labels.split(",") if labels else [] for name, _, labels in made})


FAMILIES, LABELS = catalogue()


def family_of(name):
    """The family and type of a series; None where there is none.  A classic histogram is several series
    with suffixes, a native one a single series without."""
    base = re.sub(r"_(bucket|count|sum)$", "", name)
    if base != name and FAMILIES.get(base) == "HISTOGRAM":
        return base, "HISTOGRAM"
    kind = FAMILIES.get(name) or NOT_OURS.get(name)
    return (name, kind) if kind else None


def is_native(selector):
    return FAMILIES.get(selector.name) == "HISTOGRAM"


def panels(board):
    return [panel for panel in board["panels"] if panel["type"] != "row"]


def queries(board):
    for panel in panels(board):
        for target in panel["targets"]:
            yield panel["title"], target["expr"]


def selected(board):
    for title, expression in queries(board):
        for selector in selectors(expression):
            yield title, selector


def variable(board, name):
    return next((one for one in board["templating"]["list"] if one["name"] == name), {})


def head(board):
    if not re.fullmatch(r"engramd-[a-z]+", board.get("uid", "")):
        yield "no stable uid"
    if not isinstance(board.get("schemaVersion"), int):
        yield "no schemaVersion"
    if board.get("editable", True):
        yield "editable"
    if not board.get("title") or not board.get("description"):
        yield "no title or no description"


def data_source_variable(board):
    one = variable(board, "datasource")
    if (one.get("type"), one.get("query"), one.get("label")) != ("datasource", "prometheus", "Data source"):
        yield "no variable for the data source"


def query_variables(board):
    for name in OURS:
        one = variable(board, name)
        if one.get("type") != "query" or one["datasource"]["uid"] != SOURCE:
            yield f"{name} is not asked of the data source"
        elif (one["label"], one["multi"], one["allValue"], one["refresh"]) != (name.title(), True, ".+", 2):
            yield f"{name} is no list with all, asked when the time changes"


def no_other_jobs(board):
    if variable(board, "job").get("includeAll", True):
        yield "all jobs are those of other programs, too"


def panel_texts(board):
    for panel in panels(board):
        if not panel.get("title") or not panel.get("description"):
            yield f"panel {panel['id']} has no title or no description"


def panel_units(board):
    for panel in panels(board):
        if panel["fieldConfig"]["defaults"].get("unit") not in UNITS:
            yield f"{panel['title']}: no unit"


def data_sources(board):
    for panel in panels(board):
        if any(one["datasource"] != {"type": "prometheus", "uid": SOURCE}
               for one in [panel, *panel["targets"]]):
            yield f"{panel['title']}: not from the variable's data source"


def unique(board):
    numbers = [panel["id"] for panel in board["panels"]]
    titles = [panel["title"] for panel in panels(board)]
    if len(set(numbers)) < len(numbers) or len(set(titles)) < len(titles):
        yield "two panels of one number or title"
    for panel in panels(board):
        names = [target["refId"] for target in panel["targets"]]
        if not names or len(set(names)) < len(names):
            yield f"{panel['title']}: queries are not told apart, or there is none"


def places(board):
    taken = set()
    for panel in board["panels"]:
        place = panel["gridPos"]
        cells = {(x, y) for x in range(place["x"], place["x"] + place["w"])
                 for y in range(place["y"], place["y"] + place["h"])}
        if taken & cells or place["x"] + place["w"] > 24:
            yield f"{panel['title']} lies on another or outside"
        taken |= cells


def fixed_intervals(board):
    for panel in panels(board):
        for one in [panel, *panel["targets"]]:
            if {"interval", "intervalFactor", "step", "timeFrom", "timeShift"} & one.keys():
                yield f"{panel['title']}: a fixed interval"


def rate_intervals(board):
    for title, selector in selected(board):
        if selector.range not in ("", "$__rate_interval"):
            yield f"{title}: [{selector.range}]"


def job_and_instance(board):
    for title, selector in selected(board):
        if any(selector.matchers.get(label) != OURS[label] for label in ("job", "instance")):
            yield f"{title}: {selector.name} of all jobs or instances"


def known_families(board):
    for title, selector in selected(board):
        if not family_of(selector.name):
            yield f"{title}: {selector.name} is no family"


def types(board):
    """Counters by their rate, gauges as they are, buckets in quantiles."""
    for title, selector in selected(board):
        kind = (family_of(selector.name) or ("", ""))[1]
        rated = bool(selector.range) and selector.around[-1] in ("rate", "increase")
        if kind and rated != (kind != "GAUGE"):
            yield f"{title}: {selector.name} is a {kind.lower()}"
        if selector.name.endswith("_bucket") and "histogram_quantile" not in selector.around:
            yield f"{title}: {selector.name} in no quantile"
        if is_native(selector) and not NATIVE.intersection(selector.around):
            yield f"{title}: {selector.name} is no number"


def both_kinds(board):
    """What is asked of native histograms is asked of classic ones, and the other way round: Prometheus has
    either, by how it was started."""
    for title, expression in queries(board):
        found = {True: [], False: []}
        for selector in selectors(expression):
            family = family_of(selector.name)
            if family and family[1] == "HISTOGRAM":
                found[is_native(selector)].append((family[0], sorted(selector.matchers.items())))
        if found[True] != found[False]:
            yield f"{title}: histograms of one kind only"


def legends(board):
    """Names in a legend are those that the query keeps, where it groups by any."""
    for panel in panels(board):
        for target in panel["targets"]:
            kept = set(re.findall(r"\w+", " ".join(re.findall(r"\bby \((.*?)\)", target["expr"]))))
            named = set(re.findall(r"{{(\w+)}}", target["legendFormat"]))
            if named != kept - {"le"}:
                yield f"{panel['title']}: the legend names {named}, the query keeps {kept}"


RULES = (head, data_source_variable, query_variables, no_other_jobs, panel_texts, panel_units,
         data_sources, unique, places, fixed_intervals, rate_intervals, job_and_instance, known_families,
         types, both_kinds, legends)


def problems(board):
    """What breaks which rule."""
    return [(rule.__name__, text) for rule in RULES for text in rule(board)]


def first(board):
    return panels(board)[0]


def asks(query):
    """The first query in its place, of all engines."""
    every = '{job=~"$job", instance=~"$instance"}[$__rate_interval]'
    return lambda board: first(board)["targets"][0].update(expr=query.replace("[]", every), legendFormat="")


def replace(old, new):
    """In the first query that has it."""
    def change(board):
        for panel in panels(board):
            for target in panel["targets"]:
                if old in target["expr"]:
                    target["expr"] = target["expr"].replace(old, new)
                    return
        raise AssertionError(f"no query has {old}")
    return change


BREAKS = {
    head: [lambda board: board.pop("uid"), lambda board: board.pop("schemaVersion"),
           lambda board: board.update(editable=True), lambda board: board.update(description="")],
    data_source_variable: [lambda board: variable(board, "datasource").update(name="source")],
    query_variables: [lambda board: variable(board, "process").update(multi=False),
                      lambda board: variable(board, "instance").update(refresh=1),
                      lambda board: variable(board, "job").update(allValue=".*"),
                      lambda board: variable(board, "process").update(name="program")],
    no_other_jobs: [lambda board: variable(board, "job").update(includeAll=True)],
    panel_texts: [lambda board: first(board).update(title=""),
                  lambda board: first(board).pop("description")],
    panel_units: [lambda board: first(board)["fieldConfig"]["defaults"].update(unit="parsec"),
                  lambda board: first(board)["fieldConfig"]["defaults"].pop("unit")],
    data_sources: [lambda board: first(board).update(datasource={"type": "prometheus", "uid": "mine"}),
                   lambda board: first(board)["targets"][0].update(datasource=None)],
    unique: [lambda board: first(board).update(id=board["panels"][0]["id"]),
             lambda board: first(board).update(title=panels(board)[1]["title"]),
             lambda board: first(board).update(targets=[])],
    places: [lambda board: first(board)["gridPos"].update(x=20),
             lambda board: first(board)["gridPos"].update(y=0)],
    fixed_intervals: [lambda board: first(board).update(interval="1m"),
                      lambda board: first(board)["targets"][0].update(step=10)],
    rate_intervals: [replace("[$__rate_interval]", "[5m]")],
    job_and_instance: [replace('job=~"$job", ', ""), replace('instance=~"$instance"', 'instance="a"')],
    known_families: [replace("engram", "engrim")],
    types: [lambda board: first(board)["targets"][0].update(
                expr='rate(engram_workers{job=~"$job", instance=~"$instance"}[$__rate_interval])',
                legendFormat=""),
            lambda board: first(board)["targets"][0].update(
                expr='engramd_events_total{job=~"$job", instance=~"$instance"}', legendFormat=""),
            asks("histogram_count(rate(engram_hnsw_traversal_hops[])) or rate(engram_hnsw_traversal_hops_bucket[])"),
            asks("rate(engram_hnsw_traversal_hops[]) or rate(engram_hnsw_traversal_hops_count[])")],
    both_kinds: [asks("rate(engram_hnsw_traversal_hops_count[])"),
                 asks("histogram_count(rate(engram_hnsw_traversal_hops[]))"),
                 asks("histogram_count(rate(engram_hnsw_traversal_hops[])) or "
                      "rate(engram_error_recovery_duration_ms_count[])")],
    legends: [lambda board: first(board)["targets"][0].update(legendFormat="{{colour}}")],
}
