#!/usr/bin/env python3
"""The alert rules: made of their definition, taken by promtool, and each fires when it is to, does not
on healthy data, and not where its series are absent; nothing else fires beside it."""
import os
import re
import subprocess
import sys
import tempfile

import json

BUILD = os.environ.get("BUILD", "build")
RULES = ["alerts/engram.rules.yml", "alerts/absence.rules.yml"]
RECORDING = "alerts/recording.rules.yml"
STEP = 15  # seconds between two samples
PROCESS = 'job="engram",instance="host",process="p"'
HOST = 'job="engram",instance="host"'


def flat(value):
    return f"{value}+0x400"


def rising(per_second):
    return f"0+{per_second * STEP}x400"


def once(at, amount=1):
    """0 until so many samples, then `amount`."""
    return f"0x{at} {amount}x{400 - at}"


def engine(family, labels="", **values):
    return family + "{" + PROCESS + ("," + labels if labels else "") + "}"


def host(family, labels=""):
    return family + "{" + HOST + ("," + labels if labels else "") + "}"


RECALLS = {engine("engram_operation_duration_seconds_count", 'operation="recall"'): rising(100)}
STORES = {engine("engram_operation_duration_seconds_count", 'operation="store"'): rising(100)}


def weights(one, other):
    state = 'consolidation_state="recent"'
    return {engine("engram_cls_hippocampal_weight_ratio", state): flat(one),
            engine("engram_cls_neocortical_weight_ratio", state): flat(other)}


def gauge(series, bad, good):
    return {series: flat(bad)}, {series: flat(good)}


def counter(series, bad, good=0):
    return {series: rising(bad)}, {series: rising(good)}


# By alert: what makes it fire within half an hour, and the same in health.
CASES = {
    "CLSSystemImbalance": ({**weights(0.95, 0.05), **RECALLS}, {**weights(0.85, 0.15), **RECALLS}),
    "FalseMemoryGenerationSpike": gauge(
        engine("engram_false_memory_generation_rate", 'paradigm="drm"'), 0.9, 0.7),
    "ConsolidationStalled": (
        {engine("engram_consolidation_transition_duration_ms_count"): flat(7), **STORES},
        {engine("engram_consolidation_transition_duration_ms_count"): rising(0.1), **STORES}),
    "AuditViolations": gauge(engine("engram_hnsw_audit_violations", 'kind="dangling_edge"'), 1, 0),
    "PerformanceRegressionDetected": gauge(
        host("engram_performance_regression_detected", 'metric="latency",significance="5_percent"'),
        1, 0),
    "GracefulDegradationActivated": (
        {engine("engram_graceful_degradation_events", 'trigger="memory_pressure"'): once(110)},
        {engine("engram_graceful_degradation_events", 'trigger="memory_pressure"'): flat(3)}),
    "MemoryPoolFragmentation": gauge(
        engine("engram_memory_pool_fragmentation_ratio", 'pool_type="vector_arena"'), 0.31, 0.3),
    "ZeroAllocationViolation": (
        {engine("engram_zero_allocation_violations", 'component="batch_processing"'): once(118)},
        {engine("engram_zero_allocation_violations", 'component="batch_processing"'): flat(0)}),
    "CacheAlignmentDegraded": gauge(
        engine("engram_cache_aligned_allocations_percent", 'alignment="64_byte"'), 94, 95),
    "LockFreeContentionSpike": counter(
        engine("engram_lock_free_contentions_total", 'component="store"'), 1100, 900),
    "AtomicOperationContentionHigh": gauge(
        engine("engram_atomic_operation_contention", 'operation="fetch_add"'), 101, 99),
    "WorkersFallBehind": gauge(engine("engram_worker_queue_depth"), 201, 199),
    "SIMDUtilizationLow": gauge(
        host("engram_simd_utilization_percent", 'instruction_set="avx512"'), 29, 31),
    "CacheHitRatioDeterioration": gauge(host("engram_cache_hit_ratio", 'level="l1"'), 0.84, 0.86),
    "BranchPredictionDegradation": gauge(
        host("engram_branch_prediction_accuracy", 'component="machine"'), 0.89, 0.91),
    "NUMARemoteAccessRatioHigh": gauge(
        host("engram_numa_remote_access_ratio", 'source="pmu",source_node="0"'), 0.26, 0.24),
    "NUMANodeImbalance": gauge(
        host("engram_numa_node_imbalance_ratio", 'metric_type="memory_allocation"'), 0.41, 0.39),
    "CrossSocketBandwidthSaturation": gauge(
        host("engram_numa_cross_socket_utilization_ratio"), 0.81, 0.79),
    "SIMDCanaryFailed": (
        {host("engram_simd_canary_failures_total", 'instruction_set="avx2"'): once(100)},
        {host("engram_simd_canary_failures_total", 'instruction_set="avx2"'): flat(0)}),
    "HealthUnhealthy": gauge(host("engram_health_status", 'component="thread_pool"'), 2, 1),
    "HealthCheckLatencyHigh": gauge(
        host("engram_health_check_duration_ms", 'component="cache_coherence"'), 6, 4),
    "WriterGone": gauge(engine("engram_process_up", 'owner="0"'), 0, 1),
    "RegionRejected": (
        {host("engramd_region_rejected_total", 'reason="layout"'): once(118)},
        {host("engramd_region_rejected_total", 'reason="layout"'): flat(2)}),
    "QuotaReached": gauge(host("engramd_series_refused"), 1, 0),
    "CollectorBlind": gauge(host("engramd_collector_success", 'socket="0"'), 0, 1),
    "DaemonBehind": gauge(host("engramd_tick_seconds"), 2, 1),
    "SensorHangs": (
        {host("engramd_sensor_last_read_timestamp_seconds", 'sensor="numa"'): flat(0)},
        {host("engramd_sensor_last_read_timestamp_seconds", 'sensor="numa"'): rising(1)}),
    "EventsMissed": counter(host("engramd_events_missed_total"), 1),
    "MetricsAggregationLag": gauge(host("engram_streaming_aggregation_lag_ms"), 5001, 4999),
    "HardwareEventsMultiplexedAway": (
        {host("engram_hardware_event_available",
              'event="l2_reads",reason="multiplexed_away",source="pmu"'): flat(0)},
        {host("engram_hardware_event_available", 'event="l2_reads",source="pmu"'): flat(1)}),
    "EngramdDown": gauge('up{job="engram",instance="host"}', 0, 1),
    "EngramdRestarts": (
        {host("process_start_time_seconds"): "0+60x400", host("engramd_build_info"): flat(1)},
        {host("process_start_time_seconds"): flat(7), host("engramd_build_info"): flat(1)}),
}


def group(name, series, firing):
    """A test of promtool's: after half an hour that alert fires and no other does."""
    expected = [{"labels": f'{{alertname="{name}"}}', "value": 1}] if firing else []
    return {"name": f"{name} {'fires' if firing else 'does not'}", "interval": f"{STEP}s",
            "input_series": [{"series": one, "values": values} for one, values in series.items()],
            "promql_expr_test": [{
                "expr": 'count by (alertname) (ALERTS{alertstate="firing"})', "eval_time": "30m",
                "exp_samples": expected}]}


def promtool(*arguments):
    result = subprocess.run(["promtool", *arguments], capture_output=True, text=True)
    if result.returncode:
        sys.exit(f"promtool {' '.join(arguments)}:\n{result.stdout}{result.stderr}")


def fleet(processes):
    """A test of promtool's: so many processes of a host, and how many series are recorded of them."""
    operation = 'operation="recall",status="success"'
    series = {}
    for number in range(processes):
        process = f'job="engram",instance="host",process="p{number}"'
        duration = "engram_operation_duration_seconds"
        series.update({
            f"{duration}_count{{{process},{operation}}}": rising(100),
            **{f'{duration}_bucket{{{process},{operation},le="{le}"}}': rising(100)
               for le in ("0.001", "+Inf")},
            f'engram_lock_free_contentions_total{{{process},component="store"}}': rising(1),
            f'engram_false_memory_generation_rate{{{process},paradigm="drm"}}': flat(number / 100),
            f'engram_process_up{{{process},owner="0"}}': flat(1)})
    series[host("engram_health_status", 'component="numa"')] = flat(0)
    rate = f'instance_operation:engram_operations:rate5m{{job="engram",instance="host",{operation}}}'
    return {"name": f"{processes} processes", "interval": f"{STEP}s",
            "input_series": [{"series": one, "values": values} for one, values in series.items()],
            "promql_expr_test": [
                {"expr": 'count({__name__=~"instance.*:.*"})', "eval_time": "30m",
                 "exp_samples": [{"labels": "{}", "value": 9}]},
                {"expr": "instance_operation:engram_operations:rate5m", "eval_time": "30m",
                 "exp_samples": [{"labels": rate, "value": 100 * processes}]},
                {"expr": "sum(instance:engram_process_up:count)", "eval_time": "30m",
                 "exp_samples": [{"labels": "{}", "value": processes}]}]}


def run_tests(rules, groups):
    with tempfile.TemporaryDirectory() as room:
        path = f"{room}/test.yml"
        with open(path, "w") as file:  # JSON is YAML
            json.dump({"rule_files": [os.path.abspath(one) for one in rules],
                       "evaluation_interval": f"{STEP}s", "tests": groups}, file)
        promtool("test", "rules", path)


SECTIONS = ["What it means", "How to confirm it", "What to do", "When to ignore it"]


def head_of(name, rules):
    """As gen-alerts prints it; those of absence are put together from their rule."""
    if name in rules[0]:
        return subprocess.run([f"{BUILD}/gen-alerts", name], capture_output=True, text=True,
                              check=True).stdout
    rule = rules[1].split(f"- alert: {name}\n")[1].split("- alert:")[0]
    find = dict(re.findall(r"^ +(severity|subsystem|summary|for): '?(.*?)'?$", rule, re.M))
    expression = re.search(r"expr: >-\n +(.*)", rule)[1]
    return (f"# {name}\n\n{find['summary']}.\n\n| | |\n|---|---|\n"
            f"| severity | {find['severity']} |\n| subsystem | {find['subsystem']} |\n"
            f"| fires when | `{expression}` |\n| for | {find.get('for', '0s')} |\n")


def check_runbooks(names, rules):
    """Each alert has one, whose head is of its definition and whose commands and families exist."""
    assert sorted(os.listdir("alerts/runbooks")) == sorted(f"{name}.md" for name in names)
    commands = subprocess.run([f"{BUILD}/engramctl", "--help"], capture_output=True, text=True).stdout
    families = re.findall(r'"((?:engram|engramd)_\w+)"', open("include/engram/catalogue.def").read())
    for name in names:
        text = open(f"alerts/runbooks/{name}.md").read()
        head = head_of(name, rules)
        assert text.startswith(head), f"{name}.md does not begin with\n{head}"
        assert re.findall(r"^## (.*)$", text, re.M) == SECTIONS, name
        for command in re.findall(r"engramctl ([a-z]+)", text):
            assert re.search(rf"^ +{command}\b", commands, re.M), (name, command)
        body = text[len(head):]
        words = re.findall(r"\b(engramd?_\w+)", body)
        words += [word for line in re.findall(r"/metrics' \| grep (.*)", body)
                  for word in line.split() if word not in ("-e", "multiplexed", "simd_type")]
        for word in words:
            assert any(word in family for family in families), (name, word)


def main():
    made = subprocess.run([f"{BUILD}/gen-alerts"], capture_output=True, text=True, check=True).stdout
    if made != open(RULES[0]).read():
        sys.exit(f"{RULES[0]} is not what its definition makes: make alerts")
    promtool("check", "rules", *RULES, RECORDING)
    subprocess.run(["amtool", "check-config", "alerts/alertmanager.yml"], check=True,
                   stdout=subprocess.DEVNULL)
    names = [name for path in RULES for name in re.findall(r"- alert: (\w+)", open(path).read())]
    assert names == list(CASES), set(names) ^ set(CASES)
    check_runbooks(names, [open(path).read() for path in RULES])
    groups = [group("nothing", {}, False)]
    for name, (bad, good) in CASES.items():
        groups += [group(name, bad, True), group(name, good, False)]
    run_tests(RULES, groups)
    run_tests([RECORDING], [fleet(1), fleet(40)])
    print(f"{len(names)} alerts: each fires, does not in health, and not where there is nothing")


main()
