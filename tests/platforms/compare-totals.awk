# Compares totals: awk -f compare-totals.awk DEMO.json SCRAPE
#
# Each series of the JSON that engram-demo printed must be in the scrape, its sum over memory nodes
# the same to the last unit; sums of measured values to 1e-9.

# The series of a JSON line, with a suffix to its name.
function want(suffix, value,   brace) {
  brace = index(series, "{")
  if (!brace)
    brace = length(series) + 1
  wanted[substr(series, 1, brace - 1) suffix substr(series, brace)] = value
}

FNR == NR && /": ([0-9]|[{]"count")/ {
  end = index($0, "\": ")
  series = substr($0, 1, end - 1)
  sub(/^ *"/, "", series)
  gsub(/\\"/, "\"", series)
  value = substr($0, end + 3)
  if (split(value, part, /[:,}]/) && part[1] == "{\"count\"") {
    want("_count", part[2] + 0)
    want("_sum", part[4] + 0)
  } else
    want("", value + 0)
}

FNR != NR && !/^#/ {
  value = $NF
  series = substr($0, 1, length($0) - length(value) - 1)
  sub(/,?process="[^"]*",numa_node="[0-9]+"/, "", series)
  sub(/[{][}]/, "", series)
  found[series] += value
}

END {
  for (series in wanted) {
    compared++
    absent = !(series in found)
    off = found[series] - wanted[series]
    most = series ~ /_sum($|[{])/ ? 1e-9 * wanted[series] : 0
    if (absent || off > most || off < -most) {
      wrong++
      printf "%s is %.17g, not %.17g\n", series, found[series], wanted[series]
    }
  }
  printf "%d totals compared, %d differ\n", compared, wrong
  exit wrong || compared < 50
}
