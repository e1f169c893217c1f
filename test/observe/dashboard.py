#!/usr/bin/env python3
"""The Grafana dashboard asks for what claudio's metrics say, and for all of it.

Usage: dashboard.py DASHBOARD EXPOSITION [PROMETHEUS_URL]   with a URL, that Prometheus answers every query too
       dashboard.py --self-test DASHBOARD EXPOSITION        faults that are put into the dashboard are found
"""
import copy
import json
import re
import sys
import urllib.error
import urllib.parse
import urllib.request

UNUSED = {}  # metrics that no panel shows, by name, with the reason
TARGET_LABELS = {"job", "instance"}  # Prometheus adds them
# For Grafana's own variables; those of the dashboard take their allValue.
BUILT_IN = {"__rate_interval": "1m", "__range": "5m"}

STRING = r'"(?:[^"\\]|\\.)*"'
MATCHERS = re.compile(rf"(\w+)\s*(=~|!~|!=|=)\s*({STRING})")
SELECTOR = re.compile(rf"(?<![\w:$])([a-zA-Z_:][\w:]*)(\{{(?:{STRING}|[^{{}}\"])*\}})?(\[[^\]]*\])?(?!\s*\(|[\w:])")
GROUPING = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)")
OPERATORS = {"and", "or", "unless", "bool", "offset"}
VARIABLE = re.compile(r"\$\{?(\w+)\}?")


class Exposition:
    """The text format 0.0.4: families with their types, and the labels of each of their series."""

    def __init__(self, text):
        self.types = dict(re.findall(r"^# TYPE (\S+) (\S+)$", text, re.M))
        self.series = {}
        for name, labels in re.findall(rf"^([a-zA-Z_:][\w:]*)(?:\{{((?:{STRING}|[^\"}}])*)\}})? ", text, re.M):
            labels = {label: json.loads(value) for label, _, value in MATCHERS.findall(labels)}
            self.series.setdefault(name, []).append(labels)
        self.labels = set().union(*(labels for series in self.series.values() for labels in series))

    def family(self, name):
        if name in self.types and self.types[name] != "histogram":
            return name
        base = re.sub("_(bucket|sum|count)$", "", name)
        return base if base != name and self.types.get(base) == "histogram" else None

    def labels_of(self, name):
        # Of a metric without series yet, any label that some metric has may be right.
        series = self.series.get(name)
        return TARGET_LABELS | (set().union(*series) if series else self.labels)

    def matches(self, name, matchers):
        def fits(labels, label, operator, value):
            has = labels.get(label, "")
            equal = re.fullmatch(value, has) is not None if "~" in operator else value == has
            return equal != operator.startswith("!")

        matchers = [(label, operator, json.loads(value)) for label, operator, value in MATCHERS.findall(matchers)
                    if label not in TARGET_LABELS]
        return any(all(fits(labels, *matcher) for matcher in matchers) for labels in self.series.get(name, []))


def panels_of(dashboard):
    for panel in dashboard["panels"]:
        yield panel
        yield from panel.get("panels", [])


def queries_of(dashboard):
    """(where, PromQL, legend) of panels; those of variables as the query that Grafana makes of them, without legend"""
    for panel in panels_of(dashboard):
        for target in panel.get("targets", []):
            yield f"panel '{panel['title']}' {target['refId']}", target["expr"], target.get("legendFormat", "")
    for variable in variables_of(dashboard):
        if variable["type"] == "query":
            call = re.fullmatch(r"label_values\((.*), (\w+)\)", variable["query"]["query"])
            yield f"variable '{variable['name']}'", call and f"count by ({call[2]}) ({call[1]})", None


def variables_of(dashboard):
    return dashboard["templating"]["list"]


def fill_in(expression, dashboard):
    values = {variable["name"]: variable.get("allValue", "") for variable in variables_of(dashboard)} | BUILT_IN
    return VARIABLE.sub(lambda found: values.get(found[1], found[0]), expression)


def check_shape(dashboard):
    for key, kind in (("title", str), ("uid", str), ("schemaVersion", int), ("panels", list), ("templating", dict)):
        if not isinstance(dashboard.get(key), kind) or not dashboard[key]:
            yield f"the dashboard has no {key}"
            return
    if not any(variable["type"] == "datasource" and variable["name"] == "datasource" for variable in variables_of(dashboard)):
        yield "the dashboard has no variable for its data source"
    places, ids = {}, set()
    for panel in panels_of(dashboard):
        name = f"panel '{panel.get('title')}'"
        if panel["id"] in ids:
            yield f"{name}: its id {panel['id']} is another one's too"
        ids.add(panel["id"])
        place = panel["gridPos"]
        if place["x"] + place["w"] > 24:
            yield f"{name}: leaves the grid"
        for cell in ((x, y) for x in range(place["x"], place["x"] + place["w"])
                     for y in range(place["y"], place["y"] + place["h"])):
            if places.setdefault(cell, name) != name:
                yield f"{name}: lies over {places[cell]}"
                break
        if not panel.get("title"):
            yield f"panel {panel['id']} has no title"
        if panel["type"] == "row":
            continue
        if not panel.get("description"):
            yield f"{name}: no description"
        if not panel["fieldConfig"]["defaults"].get("unit"):
            yield f"{name}: no unit"
        if panel.get("datasource", {}).get("uid") != "${datasource}":
            yield f"{name}: its data source is not $datasource"
        references = [target["refId"] for target in panel.get("targets", [])]
        if not references or len(references) != len(set(references)):
            yield f"{name}: no targets, or two of the same refId"


def selectors_of(expression):
    for found in SELECTOR.finditer(GROUPING.sub("", expression)):
        if found[1] not in OPERATORS:
            yield found, found[1], found[2] or "", found[3]


def check_query(where, expression, legend, exposition, variables):
    if not expression:
        yield f"{where}: not label_values(METRIC, LABEL)"
        return
    for variable in VARIABLE.findall(expression):
        if variable not in variables and variable not in BUILT_IN:
            yield f"{where}: nothing defines ${variable}"
    grouped = {label.strip() for labels in GROUPING.findall(expression) for label in labels.split(",")}
    known = set()
    for found, name, matchers, interval in selectors_of(expression):
        family = exposition.family(name)
        if not family:
            yield f"{where}: no metric {name}"
            continue
        labels = exposition.labels_of(name)
        known |= labels
        for label, operator, value in MATCHERS.findall(matchers):
            if label not in labels:
                yield f"{where}: {name} has no label {label}"
            if "$" in value and operator != "=~":
                yield f"{where}: {label} may be several values, but is not compared by =~"
        for label in grouped - labels:
            yield f"{where}: {name} has no label {label} to group by"
        counts = exposition.types[family] in ("counter", "histogram")
        rated = re.search(r"\b(rate|increase)\($", found.string[:found.start()]) is not None
        # A variable asks for labels only.
        if legend is not None and {rated, interval is not None} != {counts}:
            yield f"{where}: {name} is a {exposition.types[family]}, {'not' if counts else 'but'} inside rate() or increase()"
    if "histogram_quantile" in expression and "le" not in grouped:
        yield f"{where}: a quantile that is not grouped by le"
    for label in re.findall(r"{{(\w+)}}", legend or ""):
        if label not in (grouped or known):
            yield f"{where}: the legend's {label} is not in the result"


def check_use(dashboard, exposition):
    used = {exposition.family(name) for _, expression, legend in queries_of(dashboard) if legend is not None
            for _, name, _, _ in selectors_of(expression)}
    for family in exposition.types.keys() - used - UNUSED.keys():
        yield f"no panel shows {family}"
    for family in UNUSED.keys() & used:
        yield f"{family} is said to be in no panel, but is"


def check(dashboard, exposition):
    faults = list(check_shape(dashboard))
    if faults:
        return faults
    variables = {variable["name"] for variable in variables_of(dashboard)}
    for where, expression, legend in queries_of(dashboard):
        faults += check_query(where, expression, legend, exposition, variables)
    return faults + sorted(check_use(dashboard, exposition))


def ask(prometheus, expression):
    """The number of series, or what Prometheus says against the query."""
    query = urllib.parse.urlencode({"query": expression})
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"{prometheus}/api/v1/query?{query}", timeout=10) as response:
            return len(json.load(response)["data"]["result"])
    except urllib.error.HTTPError as failure:
        return json.load(failure)["error"]


def check_answers(dashboard, exposition, prometheus):
    for where, expression, _ in queries_of(dashboard):
        expression = fill_in(expression, dashboard)
        answer = ask(prometheus, expression)
        if isinstance(answer, str):
            yield f"{where}: {answer}"
        elif answer == 0 and all(exposition.matches(name, matchers) for _, name, matchers, _ in selectors_of(expression)):
            yield f"{where}: no series for {expression}"


def self_test(dashboard, exposition):
    """Each of these makes a fault of a sound dashboard, which has to be named."""
    def panel(title):
        return lambda board: next(panel for panel in board["panels"] if panel["title"] == title)

    def rewrite(title, old, new):
        def change(board):
            target = panel(title)(board)["targets"][0]
            assert old in target["expr"], (title, old)
            target["expr"] = target["expr"].replace(old, new)
        return change

    faults = [
        ("no metric claudio_atempts_total", rewrite("Attempts, by outcome", "attempts", "atempts")),
        ("no metric claudio_session_wait_seconds", rewrite("Wait for a session", "_bucket", "")),
        ("has no label prvider", rewrite("Attempts, by outcome", "provider=", "prvider=")),
        ("has no label cause to group by", rewrite("Attempts, by outcome", "by (outcome)", "by (cause)")),
        ("legend's outcome is not in the result", rewrite("Attempts, by outcome", "by (outcome)", "by (provider)")),
        ("claudio_attempts_total is a counter, not", rewrite("Attempts, by outcome", "rate(", "(")),
        ("claudio_attempts_total is a counter, not", rewrite("Attempts, by outcome", "[$__rate_interval]", "")),
        ("claudio_calls_in_flight is a gauge, but", rewrite("Calls in flight", "(claudio", "(increase(claudio")),
        ("not grouped by le", rewrite("Wait for a turn", " by (le)", "")),
        ("nothing defines $prov", rewrite("Attempts, by outcome", "$provider", "$prov")),
        ("not compared by =~", rewrite("Attempts, by outcome", 'provider=~"', 'provider="')),
        ("is another one's too", lambda board: panel("Sessions")(board).update(id=panel("Calls")(board)["id"])),
        ("lies over", lambda board: panel("Sessions")(board)["gridPos"].update(x=0)),
        ("leaves the grid", lambda board: panel("Sessions")(board)["gridPos"].update(w=20)),
        ("no unit", lambda board: panel("Sessions")(board)["fieldConfig"]["defaults"].pop("unit")),
        ("no description", lambda board: panel("Sessions")(board).pop("description")),
        ("data source is not", lambda board: panel("Sessions")(board)["datasource"].update(uid="P1809F7CD0C75ACF3")),
        ("no panel shows claudio_sessions", lambda board: board["panels"].remove(panel("Sessions")(board))),
        ("no uid", lambda board: board.pop("uid")),
        ("variable 'job': no metric claudio_build",
         lambda board: variables_of(board)[1]["query"].update(query="label_values(claudio_build, job)")),
    ]
    for expected, change in faults:
        broken = copy.deepcopy(dashboard)
        change(broken)
        found = check(broken, exposition)
        if not any(expected in fault for fault in found):
            yield f"'{expected}' was not found, but {found}"


def main():
    arguments = sys.argv[1:]
    testing = arguments[:1] == ["--self-test"]
    if testing:
        arguments.pop(0)
    with open(arguments[0], encoding="utf-8") as file:
        dashboard = json.load(file)
    with open(arguments[1], encoding="utf-8") as file:
        exposition = Exposition(file.read())
    faults = check(dashboard, exposition)
    if testing and not faults:
        faults += self_test(dashboard, exposition)
    if arguments[2:] and not faults:
        faults += check_answers(dashboard, exposition, arguments[2])
    for fault in faults:
        print(fault)
    return 1 if faults else 0


sys.exit(main())
