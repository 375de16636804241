"""A scrape in protobuf, read by protoc with the schema that Prometheus publishes."""
import ast
import subprocess
import tempfile

TYPE = "application/vnd.google.protobuf"
ACCEPT = TYPE + ";proto=io.prometheus.client.MetricFamily;encoding=delimited"
GO = "/usr/share/gocode/src/github.com"  # golang-github-prometheus-client-model-dev and what it needs
SCHEMA_OF_PROMETHEUS = GO + "/prometheus/client_model/io/prometheus/client/metrics.proto"
SCRAPE = """syntax = "proto2";
import "io/prometheus/client/metrics.proto";
message Scrape { repeated io.prometheus.client.MetricFamily family = 1; }
"""


def as_one_message(body):
    """The delimited messages as a repeated field of one: each gets the tag of field 1."""
    parts, at = [], 0
    while at < len(body):
        length = shift = 0
        start = at
        while True:
            byte = body[at]
            length |= (byte & 0x7f) << shift
            shift += 7
            at += 1
            if byte < 0x80:
                break
        at += length
        parts.append(b"\x0a" + body[start:at])
    assert at == len(body), "the last message has no end"
    return b"".join(parts)


def message(lines):
    """What protoc printed of a message: lists of values, or of such messages, by field."""
    fields = {}
    for line in lines:
        line = line.strip()
        if line == "}":
            break
        if line.endswith(" {"):
            fields.setdefault(line[:-2], []).append(message(lines))
            continue
        name, value = line.split(": ", 1)
        assert not name.isdigit(), f"a field that the schema does not have: {line}"
        text = ast.literal_eval("b" + value).decode() if value.startswith('"') else value
        fields.setdefault(name, []).append(text)
    return fields


def decode(body):
    """The families of a scrape."""
    with tempfile.TemporaryDirectory() as room:
        with open(f"{room}/scrape.proto", "w") as file:
            file.write(SCRAPE)
        text = subprocess.run(
            ["protoc", "-I", room, "-I", f"{GO}/prometheus/client_model",
             "-I", f"google/protobuf={GO}/golang/protobuf/ptypes/timestamp", "--decode=Scrape", "scrape.proto"],
            input=as_one_message(body), stdout=subprocess.PIPE, check=True).stdout.decode()
    return message(iter(text.splitlines())).get("family", [])


def labels_of(metric):
    """Pairs; a label that is empty is the same as one that is absent."""
    pairs = [(one["name"][0], one["value"][0]) for one in metric.get("label", [])]
    assert len(dict(pairs)) == len(pairs), f"a label twice: {pairs}"
    return frozenset(pair for pair in pairs if pair[1])


def samples(family):
    """(name, labels) and the number of each sample that the text formats would have."""
    name = family["name"][0]
    for metric in family["metric"]:
        labels = labels_of(metric)
        if family["type"] != ["HISTOGRAM"]:
            kind = family["type"][0].lower()
            yield (name, labels), float(metric[kind][0]["value"][0])
            continue
        histogram = metric["histogram"][0]
        for bucket in histogram["bucket"]:
            le = ("le", float(bucket["upper_bound"][0]))
            yield (name + "_bucket", labels | {le}), float(int(bucket["cumulative_count"][0]))
        yield (name + "_sum", labels), float(histogram["sample_sum"][0])
        yield (name + "_count", labels), float(int(histogram["sample_count"][0]))


def native_buckets(histogram):
    """Counts of the positive buckets by index; None where the histogram is no native one."""
    if "schema" not in histogram:
        assert not any(field.startswith(("zero", "positive", "negative")) for field in histogram)
        return None
    indexes, at = [], 0
    for span in histogram.get("positive_span", []):
        at += int(span["offset"][0])
        length = int(span["length"][0])
        indexes += range(at, at + length)
        at += length
    deltas = [int(delta) for delta in histogram.get("positive_delta", [])]
    assert len(indexes) == len(deltas), histogram
    counts = [sum(deltas[:i + 1]) for i in range(len(deltas))]
    return dict(zip(indexes, counts))
