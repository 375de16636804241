// SPDX-License-Identifier: MIT
// What a client of /stream keeps, in node and in a browser alike: counters and counts of histograms
// by their series, from a snapshot and the deltas since, and how often each message came.

const names = ["snapshot", "metrics", "event", "process", "gap", "reset"];

function key(series, suffix = "") {
    const labels = Object.entries(series.labels).map(([name, value]) => `${name}="${value}"`);
    return `${series.name}${suffix}{${labels.join(",")}}`;
}

function add(values, series, change, known) {
    if (typeof change !== "object")
        values[key(series)] = known(key(series)) + change;
    else if (change)
        values[key(series, "_count")] = known(key(series, "_count")) + change.count;
}

export class Values {
    constructor(stream) {
        this.counts = {};
        this.values = {};
        for (const name of names)
            stream.addEventListener(name, message => this.take(name, JSON.parse(message.data)));
    }

    take(name, data) {
        this.counts[name] = (this.counts[name] ?? 0) + 1;
        if (name === "snapshot")
            this.values = {};
        for (const series of data.series ?? [])
            if (name === "snapshot" && series.type !== "gauge")
                add(this.values, series, series.value, () => 0);
            else if (series.delta !== undefined)
                add(this.values, series, series.delta, at => this.values[at] ?? 0);
    }
}
