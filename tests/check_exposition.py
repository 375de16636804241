#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Reads a scrape and reports, with line numbers, what is wrong with it.

Stricter than Prometheus, which takes duplicate series and split families
without a word.  Exits 1 if anything is wrong.
"""
import argparse
import re
import sys

NAME = re.compile(r'[a-zA-Z_:][a-zA-Z0-9_:]*')
LABEL_NAME = re.compile(r'[a-zA-Z_][a-zA-Z0-9_]*')
FLOAT = re.compile(r'[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?|[+-]Inf|NaN')
TYPES = {
    'text': ('counter', 'gauge', 'histogram', 'summary', 'untyped'),
    'openmetrics': ('counter', 'gauge', 'histogram', 'summary', 'info', 'stateset', 'unknown'),
}
SUFFIXES = {
    'text': {'histogram': ('_bucket', '_sum', '_count'), 'summary': ('', '_sum', '_count')},
    'openmetrics': {'histogram': ('_bucket', '_sum', '_count'), 'summary': ('', '_sum', '_count'),
                    'counter': ('_total',), 'info': ('_info',)},
}


class Bad(Exception):
    """A line that cannot be read."""


class Family:
    def __init__(self, name, line):
        self.name = name
        self.line = line
        self.about = {}  # keyword -> text
        self.samples = 0
        self.histograms = {}  # labels without le -> Histogram

    @property
    def type(self):
        return self.about.get('TYPE')


class Histogram:
    def __init__(self, line):
        self.line = line
        self.buckets = []  # (bound, count), in order
        self.sum = None
        self.count = None


def check_escapes(text, allowed):
    """Raises unless every backslash starts one of the allowed escapes."""
    at = text.find('\\')
    while at >= 0:
        if text[at + 1:at + 2] not in tuple(allowed):
            raise Bad(f'bad escape {text[at:at + 2]!r}')
        at = text.find('\\', at + 2)


def parse_float(text):
    if not FLOAT.fullmatch(text):
        raise Bad(f'not a number: {text!r}')
    return float(text)


def label_end(line, at):
    """The place of the quote that ends the label value starting at `at`."""
    while at < len(line) and line[at] != '"':
        at += 2 if line[at] == '\\' else 1
    if at >= len(line):
        raise Bad('label value without end')
    return at


def parse_labels(line, at):
    """Labels from behind the opening brace; returns them and the place behind the closing one."""
    labels = {}
    while line[at:at + 1] != '}':
        name = LABEL_NAME.match(line, at)
        if not name or line[name.end():name.end() + 2] != '="':
            raise Bad(f'bad label at column {at + 1}')
        start = name.end() + 2
        end = label_end(line, start)
        value = line[start:end]
        check_escapes(value, '\\"n')
        if name.group() in labels:
            raise Bad(f'label {name.group()} twice')
        labels[name.group()] = value
        at = end + 1
        if line[at:at + 1] == ',' and line[at + 1:at + 2] != '}':
            at += 1
        elif line[at:at + 1] != '}':
            raise Bad(f'bad separator of labels at column {at + 1}')
    if not labels:
        raise Bad('empty braces')
    return labels, at + 1


def parse_sample(line):
    name = NAME.match(line)
    if not name:
        raise Bad('bad sample name')
    labels, at = {}, name.end()
    if line[at:at + 1] == '{':
        labels, at = parse_labels(line, at + 1)
    if line[at:at + 1] != ' ':
        raise Bad('no single space before the value')
    # A label that is empty is the same as one that is absent.
    kept = {key: value for key, value in labels.items() if value}
    return name.group(), kept, parse_float(line[at + 1:])


class Checker:
    def __init__(self, exposition_format):
        self.format = exposition_format
        self.findings = []
        self.families = {}
        self.family = None
        self.series = {}  # (name, labels) -> line
        self.owners = {}  # sample name -> family name
        self.line = 0

    def report(self, text, line=None):
        self.findings.append((line or self.line, text))

    def check(self, data):
        try:
            text = data.decode('utf-8')
        except UnicodeDecodeError as error:
            self.report('invalid UTF-8', data.count(b'\n', 0, error.start) + 1)
            return self.findings
        lines = text.split('\n')
        if lines.pop():
            self.report('last line has no end', len(lines) + 1)
        if self.format == 'openmetrics':
            self.check_eof(lines)
        for self.line, line in enumerate(lines, 1):
            try:
                self.check_line(line)
            except Bad as bad:
                self.report(str(bad))
        self.end_family()
        return sorted(self.findings)

    def check_eof(self, lines):
        """Takes the end mark off, so that any other is a line like none allowed."""
        if lines and lines[-1] == '# EOF':
            lines.pop()
        else:
            self.report('no # EOF at the end', len(lines) or 1)

    def check_line(self, line):
        if '\r' in line:
            raise Bad('carriage return')
        if not line.strip():
            raise Bad('blank line')
        if line.startswith('#'):
            self.check_about(line)
        else:
            self.check_sample(*parse_sample(line))

    def check_about(self, line):
        parts = line.split(' ', 3)
        keywords = ('HELP', 'TYPE') if self.format == 'text' else ('HELP', 'TYPE', 'UNIT')
        if parts[0] != '#' or len(parts) < 4 or parts[1] not in keywords:
            raise Bad('neither a sample nor HELP, TYPE or UNIT')
        _, keyword, name, text = parts
        if not NAME.fullmatch(name):
            raise Bad('bad family name')
        if not self.family or self.family.name != name:
            self.begin_family(name)
        if self.family.samples:
            self.report(f'{keyword} of {name} after its samples')
        if keyword in self.family.about:
            self.report(f'{keyword} of {name} twice')
        self.family.about[keyword] = text
        getattr(self, 'check_' + keyword.lower())(name, text)

    def check_help(self, _, text):
        check_escapes(text, '\\n' if self.format == 'text' else '\\n"')
        if self.format == 'openmetrics' and '"' in re.sub(r'\\.', '', text):
            raise Bad('quote in HELP not escaped')

    def check_type(self, name, text):
        if text not in TYPES[self.format]:
            raise Bad(f'unknown type {text!r}')
        if 'HELP' not in self.family.about:
            raise Bad(f'TYPE of {name} without HELP before it')

    def check_unit(self, name, text):
        if not text or not name.endswith('_' + text):
            raise Bad(f'unit {text!r} is no suffix of {name}')
        if self.family.type in ('info', 'stateset'):
            raise Bad(f'{self.family.type} {name} has a unit')

    def begin_family(self, name):
        self.end_family()
        if name in self.families:
            self.report(f'family {name} is split, first seen in line {self.families[name].line}')
        self.family = self.families[name] = Family(name, self.line)

    def end_family(self):
        family = self.family
        if not family:
            return
        for keyword in ('HELP', 'TYPE'):
            if keyword not in family.about:
                self.report(f'family {family.name} has no {keyword}', family.line)
        if not family.samples:
            self.report(f'family {family.name} has no samples', family.line)
        for labels, histogram in family.histograms.items():
            self.end_histogram(family.name + str(dict(labels)), histogram)

    def sample_names(self):
        suffixes = SUFFIXES[self.format].get(self.family.type, ('',))
        return [self.family.name + suffix for suffix in suffixes]

    def check_sample(self, name, labels, value):
        key = (name, tuple(sorted(labels.items())))
        if key in self.series:
            self.report(f'series twice, first in line {self.series[key]}')
        self.series[key] = self.line
        if not self.family or name not in self.sample_names():
            raise Bad(f'sample {name} does not belong to the family above')
        self.family.samples += 1
        if not self.family.type:
            raise Bad(f'sample {name} before its TYPE')
        if self.owners.setdefault(name, self.family.name) != self.family.name:
            self.report(f'sample name {name} also of family {self.owners[name]}')
        self.check_value(name, labels, value)

    def check_value(self, name, labels, value):
        kind = self.family.type
        if kind == 'histogram':
            self.check_histogram(name[len(self.family.name):], dict(labels), value)
        elif 'le' in labels:
            self.report('le outside of a histogram')
        if kind == 'counter' and not value >= 0:
            self.report('counter is negative or NaN')
        if kind == 'info' and value != 1:
            self.report('info is not 1')

    def check_histogram(self, suffix, labels, value):
        bound = labels.pop('le', None)
        if (suffix == '_bucket') != (bound is not None):
            raise Bad('le belongs on buckets and nowhere else')
        key = tuple(sorted(labels.items()))
        histogram = self.family.histograms.setdefault(key, Histogram(self.line))
        if next(reversed(self.family.histograms)) != key:
            self.report('lines of a histogram are split by another')
        if suffix == '_sum':
            histogram.sum = value
            return
        if not (value >= 0 and value.is_integer()):
            raise Bad('histogram count is no natural number')
        if suffix == '_count':
            histogram.count = value
        else:
            self.check_bucket(histogram, parse_float(bound), value)

    def check_bucket(self, histogram, bound, value):
        if histogram.buckets:
            last_bound, last_value = histogram.buckets[-1]
            if not bound > last_bound:
                self.report('le does not rise')
            if value < last_value:
                self.report('bucket counts fall')
        histogram.buckets.append((bound, value))

    def end_histogram(self, name, histogram):
        if histogram.sum is None:
            self.report(f'{name} has no _sum', histogram.line)
        if histogram.count is None:
            self.report(f'{name} has no _count', histogram.line)
        if not histogram.buckets or histogram.buckets[-1][0] != float('inf'):
            self.report(f'{name} does not end in le="+Inf"', histogram.line)
        elif histogram.count not in (None, histogram.buckets[-1][1]):
            self.report(f'{name}: +Inf is not the count', histogram.line)


GAUGE = '# HELP a A.\n# TYPE a gauge\n'
COUNTER = '# HELP c_total C.\n# TYPE c_total counter\n'
HISTOGRAM = '# HELP h H.\n# TYPE h histogram\n'
BUCKETS = 'h_bucket{le="0.5"} 1\nh_bucket{le="+Inf"} 2\n'
TOTALS = 'h_sum 3\nh_count 2\n'

GOOD = (
    ('text', ''),
    ('text', GAUGE + 'a -Inf\na{b="\\\\\\"\\n}, ="} 1e-05\na{b="x",c="\u00e4"} NaN\n'),
    ('text', COUNTER + 'c_total 18446744073709551615\n' + HISTOGRAM + BUCKETS + TOTALS),
    ('text', '# HELP a "quoted" \\\\ \\n\n# TYPE a gauge\na 1\n'),
    ('text', '# HELP a \n# TYPE a gauge\na 1\n'),
    ('openmetrics', '# EOF\n'),
    ('openmetrics', '# HELP c_bytes \\"C\\"\n# TYPE c_bytes counter\n# UNIT c_bytes bytes\n'
                    'c_bytes_total 1\n# EOF\n'),
    ('openmetrics', '# HELP b B.\n# TYPE b info\nb_info{v="1"} 1\n# EOF\n'),
    ('openmetrics', '# HELP u U.\n# TYPE u unknown\nu 1\n# EOF\n'),
)

# format, what is wrong, a part of the finding, its line
BAD = (
    ('text', GAUGE + 'a 1\na 2\n', 'series twice', 4),
    ('text', GAUGE + 'a{b="1",c="2"} 1\na{c="2",b="1"} 1\n', 'series twice', 4),
    ('text', GAUGE + 'a 1\na{b=""} 1\n', 'series twice', 4),
    ('text', GAUGE + 'a 1\n' + COUNTER + 'c_total 1\n' + GAUGE + 'a{b="1"} 1\n', 'is split', 7),
    ('text', GAUGE + 'a 1\n' + COUNTER + 'c_total 1\na{b="1"} 1\n', 'does not belong', 7),
    ('text', 'a 1\n', 'does not belong', 1),
    ('text', '# HELP a A.\na 1\n', 'before its TYPE', 2),
    ('text', '# HELP a A.\na 1\n# TYPE a gauge\n', 'after its samples', 3),
    ('text', '# TYPE a gauge\na 1\n', 'without HELP', 1),
    ('text', '# HELP a A.\n', 'has no TYPE', 1),
    ('text', '# TYPE a gauge\n# HELP a A.\na 1\n', 'without HELP before', 1),
    ('text', GAUGE + '# TYPE a gauge\na 1\n', 'TYPE of a twice', 3),
    ('text', GAUGE + COUNTER + 'c_total 1\n', 'family a has no samples', 1),
    ('text', '# HELP a A.\n# TYPE a info\na 1\n', 'unknown type', 2),
    ('text', '# HELP 1a A.\n# TYPE 1a gauge\n', 'bad family name', 1),
    ('text', '# a remark\n' + GAUGE + 'a 1\n', 'neither a sample', 1),
    ('text', '# HELP a_s A.\n# TYPE a_s gauge\n# UNIT a_s s\na_s 1\n', 'neither a sample', 3),
    ('text', '# HELP a \\"A\n# TYPE a gauge\na 1\n', 'bad escape', 1),
    ('text', '# HELP a A\\\n# TYPE a gauge\na 1\n', 'bad escape', 1),
    ('text', GAUGE + 'a{b="\\t"} 1\n', 'bad escape', 3),
    ('text', GAUGE + 'a{b="\\"} 1\n', 'without end', 3),
    ('text', GAUGE + 'a{b="1",process="p",process="q"} 1\n', 'label process twice', 3),
    ('text', GAUGE + 'a{numa_node="0",numa_node="0"} 1\n', 'label numa_node twice', 3),
    ('text', GAUGE + 'a{b="1"c="2"} 1\n', 'bad separator', 3),
    ('text', GAUGE + 'a{b="1",} 1\n', 'bad separator', 3),
    ('text', GAUGE + 'a{0="1"} 1\n', 'bad label', 3),
    ('text', GAUGE + 'a{} 1\n', 'empty braces', 3),
    ('text', GAUGE + '1a 1\n', 'bad sample name', 3),
    ('text', GAUGE + 'a  1\n', 'not a number', 3),
    ('text', GAUGE + 'a\t1\n', 'no single space', 3),
    ('text', GAUGE + 'a 1 1700000000\n', 'not a number', 3),
    ('text', GAUGE + 'a 0x1p3\n', 'not a number', 3),
    ('text', GAUGE + 'a 1_000\n', 'not a number', 3),
    ('text', GAUGE + 'a 0,5\n', 'not a number', 3),
    ('text', GAUGE + 'a nan\n', 'not a number', 3),
    ('text', GAUGE + 'a 1\n\na{b="1"} 1\n', 'blank line', 4),
    ('text', GAUGE + 'a 1\n \n', 'blank line', 4),
    ('text', GAUGE + 'a 1\r\n', 'carriage return', 3),
    ('text', GAUGE + 'a 1', 'last line has no end', 3),
    ('text', GAUGE + 'a{b="\udcff"} 1\n', 'invalid UTF-8', 3),
    ('text', GAUGE + 'a 1\n# EOF\n', 'neither a sample', 4),
    ('text', GAUGE + 'a{le="1"} 1\n', 'le outside', 3),
    ('text', COUNTER + 'c_total -1\n', 'negative', 3),
    ('text', COUNTER + 'c_total NaN\n', 'NaN', 3),
    ('text', HISTOGRAM + 'h_bucket{le="1"} 1\nh_bucket{le="0.5"} 1\nh_bucket{le="+Inf"} 2\n'
     + TOTALS, 'le does not rise', 4),
    ('text', HISTOGRAM + 'h_bucket{le="1"} 1\nh_bucket{le="1.0"} 1\nh_bucket{le="+Inf"} 2\n'
     + TOTALS, 'le does not rise', 4),
    ('text', HISTOGRAM + 'h_bucket{le="1"} 3\nh_bucket{le="+Inf"} 2\n' + TOTALS, 'counts fall', 4),
    ('text', HISTOGRAM + 'h_bucket{le="x"} 1\n' + BUCKETS + TOTALS, 'not a number', 3),
    ('text', HISTOGRAM + 'h_bucket 1\n' + BUCKETS + TOTALS, 'le belongs', 3),
    ('text', HISTOGRAM + BUCKETS + 'h_sum{le="1"} 3\n' + TOTALS, 'le belongs', 5),
    ('text', HISTOGRAM + BUCKETS + 'h_sum 3\nh_count 3\n', '+Inf is not the count', 3),
    ('text', HISTOGRAM + 'h_bucket{le="1"} 2\n' + TOTALS, 'does not end in le="+Inf"', 3),
    ('text', HISTOGRAM + TOTALS, 'does not end in le="+Inf"', 3),
    ('text', HISTOGRAM + BUCKETS + 'h_count 2\n', 'has no _sum', 3),
    ('text', HISTOGRAM + BUCKETS + 'h_sum 3\n', 'has no _count', 3),
    ('text', HISTOGRAM + 'h_bucket{le="+Inf"} 1.5\n', 'no natural number', 3),
    ('text', HISTOGRAM + 'h_bucket{le="+Inf"} +Inf\n', 'no natural number', 3),
    ('text', HISTOGRAM + BUCKETS + 'h_bucket{a="1",le="+Inf"} 2\nh_sum 3\n', 'split by another', 6),
    ('text', '# HELP h_sum S.\n# TYPE h_sum gauge\nh_sum{a="1"} 1\n' + HISTOGRAM + BUCKETS + TOTALS,
     'also of family', 8),
    ('openmetrics', '', 'no # EOF', 1),
    ('openmetrics', GAUGE + 'a 1\n', 'no # EOF', 3),
    ('openmetrics', GAUGE + 'a 1\n# EOF\na{b="1"} 1\n', 'no # EOF', 5),
    ('openmetrics', GAUGE + 'a 1\n# EOF\n# EOF\n', 'neither a sample', 4),
    ('openmetrics', GAUGE + 'a 1\n# EOF', 'last line has no end', 4),
    ('openmetrics', COUNTER + 'c_total 1\n# EOF\n', 'does not belong', 3),
    ('openmetrics', '# HELP c C.\n# TYPE c counter\nc 1\n# EOF\n', 'does not belong', 3),
    ('openmetrics', '# HELP c C.\n# TYPE c untyped\nc 1\n# EOF\n', 'unknown type', 2),
    ('openmetrics', '# HELP c "C"\n# TYPE c gauge\nc 1\n# EOF\n', 'not escaped', 1),
    ('openmetrics', GAUGE + '# UNIT a seconds\na 1\n# EOF\n', 'no suffix', 3),
    ('openmetrics', '# HELP a_s A.\n# TYPE a_s info\n# UNIT a_s s\na_s_info 1\n# EOF\n',
     'has a unit', 3),
    ('openmetrics', '# HELP b B.\n# TYPE b info\nb_info 2\n# EOF\n', 'info is not 1', 3),
)


def self_test():
    """Returns what the checks above miss, and what they find where nothing is."""
    missed = []
    for exposition_format, text in GOOD:
        for line, finding in Checker(exposition_format).check(text.encode()):
            missed.append(f'found in a good sample: {finding} (line {line})\n{text}')
    for exposition_format, text, part, line in BAD:
        data = text.encode('utf-8', 'surrogateescape')
        findings = Checker(exposition_format).check(data)
        if not any(at == line and part in finding for at, finding in findings):
            missed.append(f'not found: {part} (line {line}), but {findings}\n{text}')
    return missed


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('file', nargs='?', help='the scrape; standard input if absent')
    parser.add_argument('--format', choices=('text', 'openmetrics'), default='text')
    parser.add_argument('--self-test', action='store_true', help='check the checks')
    arguments = parser.parse_args()

    if arguments.self_test:
        missed = self_test()
        for text in missed:
            print(text, file=sys.stderr)
        return 1 if missed else 0
    if arguments.file:
        with open(arguments.file, 'rb') as file:
            data = file.read()
    else:
        data = sys.stdin.buffer.read()
    findings = Checker(arguments.format).check(data)
    for line, finding in findings:
        print(f'{arguments.file or "<stdin>"}:{line}: {finding}')
    return 1 if findings else 0


if __name__ == '__main__':
    sys.exit(main())
