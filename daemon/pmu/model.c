/* SPDX-License-Identifier: MIT */
#include "daemon/pmu/model.h"
#include "daemon/pmu/encode.h"

#include <string.h>

/* Four counters a group, beside cycles, which have their own: a PMU that two threads share has no
 * more.  What is compared is of one group. */
static const char *const names[MODEL_GROUPS][PMU_GROUP_MOST] = {
    {"fp_scalar_single", "fp_128_single", "fp_256_single", "fp_512_single"},
    {"fp_scalar_double", "fp_128_double", "fp_256_double", "fp_512_double"},
    {"fp_scalar_uops", "fp_128_uops", "fp_256_uops", "fp_512_uops"},
    {"simd_instructions", "sve_instructions", "fp_fixed_operations", "fp_scalable_operations",
     "fma_operations"},
    {"l2_reads", "l2_read_misses", "stalls_cache_miss", "stalls_memory"},
    {"dram_loads_local", "dram_loads_remote", "contended_loads_local", "contended_loads_remote"},
    {"load_miss_cycles", "load_misses", "load_misses_merged", "core_cycles", "reference_cycles"},
    {"l2_lines_in", "l2_useless_prefetches", "memory_load_cycles", "memory_loads"},
};

/* As libpfm calls kinds of CPU; none is a part of another. */
#define SKX "skx clx "
#define ICX "icx "
#define SPR "spr "
#define ZEN2 "amd64_fam17h_zen2 "
#define ZEN3 "amd64_fam19h_zen3 "
#define ZEN4 "amd64_fam19h_zen4 "
#define N1 "arm_n1 "
#define V1 "arm_v1 "
#define N2 "arm_n2 "

static const char *const kinds[] = {"skx",
                                    "clx",
                                    "icx",
                                    "spr",
                                    "emr",
                                    "amd64_fam17h_zen2",
                                    "amd64_fam19h_zen3",
                                    "amd64_fam19h_zen4",
                                    "arm_n1",
                                    "arm_v1",
                                    "arm_n2"};

/*
 * What counts an event, by the names in Intel's Software Developer's Manual (volume 3, "Performance
 * Monitoring Events"), AMD's Processor Programming References and Arm's Neoverse PMU guides, as
 * libpfm spells them.
 */
static const struct model_event {
    const char *kinds, *name, *maker;
    double scale; /* as pmu_event's */
} events[] = {
    {SKX ICX SPR, "fp_scalar_single", "FP_ARITH_INST_RETIRED:SCALAR_SINGLE", 1},
    {SKX ICX SPR, "fp_128_single", "FP_ARITH_INST_RETIRED:128B_PACKED_SINGLE", 1},
    {SKX ICX SPR, "fp_256_single", "FP_ARITH_INST_RETIRED:256B_PACKED_SINGLE", 1},
    {SKX ICX SPR, "fp_512_single", "FP_ARITH_INST_RETIRED:512B_PACKED_SINGLE", 1},
    {SKX ICX SPR, "fp_scalar_double", "FP_ARITH_INST_RETIRED:SCALAR_DOUBLE", 1},
    {SKX ICX SPR, "fp_128_double", "FP_ARITH_INST_RETIRED:128B_PACKED_DOUBLE", 1},
    {SKX ICX SPR, "fp_256_double", "FP_ARITH_INST_RETIRED:256B_PACKED_DOUBLE", 1},
    {SKX ICX SPR, "fp_512_double", "FP_ARITH_INST_RETIRED:512B_PACKED_DOUBLE", 1},

    {ZEN4, "fp_scalar_uops", "RETIRED_FP_OPS_BY_WIDTH:SCALAR_UOPS_RETIRED", 1},
    {ZEN4, "fp_128_uops", "RETIRED_FP_OPS_BY_WIDTH:PACK128_UOPS_RETIRED", 1},
    {ZEN4, "fp_256_uops", "RETIRED_FP_OPS_BY_WIDTH:PACK256_UOPS_RETIRED", 1},
    {ZEN4, "fp_512_uops", "RETIRED_FP_OPS_BY_WIDTH:PACK512_UOPS_RETIRED", 1},

    {ZEN2 ZEN3 ZEN4, "simd_instructions", "RETIRED_MMX_FP_INSTRUCTIONS:SSE_INSTR", 1},
    {N1 V1 N2, "simd_instructions", "ASE_SPEC", 1},
    {V1 N2, "sve_instructions", "SVE_INST_SPEC", 1},
    {V1 N2, "fp_fixed_operations", "FP_FIXED_OPS_SPEC", 1},
    /* Counted as if vectors had 128 bits; those of Neoverse V1 have 256. */
    {V1, "fp_scalable_operations", "FP_SCALE_OPS_SPEC", 2},
    {N2, "fp_scalable_operations", "FP_SCALE_OPS_SPEC", 1},
    /* One is two floating point operations. */
    {ZEN2 ZEN3 ZEN4, "fma_operations", "RETIRED_SSE_AVX_FLOPS:MAC_FLOPS", 0.5},

    {SKX ICX SPR, "l2_reads", "L2_RQSTS:ALL_DEMAND_DATA_RD", 1},
    {SKX ICX SPR, "l2_read_misses", "L2_RQSTS:DEMAND_DATA_RD_MISS", 1},
    {ZEN2 ZEN3 ZEN4, "l2_reads",
     "CORE_TO_L2_CACHEABLE_REQUEST_ACCESS_STATUS:LS_RD_BLK_C:LS_RD_BLK_X:LS_RD_BLK_L_HIT_S:"
     "LS_RD_BLK_L_HIT_X:LS_RD_BLK_C_S",
     1},
    {ZEN2 ZEN3 ZEN4, "l2_read_misses", "CORE_TO_L2_CACHEABLE_REQUEST_ACCESS_STATUS:LS_RD_BLK_C", 1},
    {N1 V1 N2, "l2_reads", "L2D_CACHE_RD", 1},
    {N1 V1 N2, "l2_read_misses", "L2D_CACHE_REFILL_RD", 1},

    {SKX ICX SPR, "stalls_cache_miss", "CYCLE_ACTIVITY:STALLS_L1D_MISS", 1},
    {SKX ICX SPR, "stalls_memory", "CYCLE_ACTIVITY:STALLS_L3_MISS", 1},
    {V1 N2, "stalls_memory", "STALL_BACKEND_MEM", 1},

    {SKX ICX SPR, "dram_loads_local", "MEM_LOAD_L3_MISS_RETIRED:LOCAL_DRAM", 1},
    {SKX ICX SPR, "dram_loads_remote", "MEM_LOAD_L3_MISS_RETIRED:REMOTE_DRAM", 1},
    {ZEN2, "dram_loads_local", "DATA_CACHE_REFILLS_FROM_SYSTEM:LS_MABRESP_LCL_DRAM", 1},
    {ZEN2, "dram_loads_remote", "DATA_CACHE_REFILLS_FROM_SYSTEM:LS_MABRESP_RMT_DRAM", 1},
    {ZEN3, "dram_loads_local", "DEMAND_DATA_CACHE_FILLS_FROM_SYSTEM:MEM_IO_LCL", 1},
    {ZEN3, "dram_loads_remote", "DEMAND_DATA_CACHE_FILLS_FROM_SYSTEM:MEM_IO_RMT", 1},
    {ZEN4, "dram_loads_local", "DEMAND_DATA_CACHE_FILLS_FROM_SYSTEM:DRAM_IO_NEAR", 1},
    {ZEN4, "dram_loads_remote", "DEMAND_DATA_CACHE_FILLS_FROM_SYSTEM:DRAM_IO_FAR", 1},

    /* Of a line that another core has changed; AMD tells only that another complex of cores had
     * it. */
    {SKX ICX, "contended_loads_local", "MEM_LOAD_L3_HIT_RETIRED:XSNP_HITM", 1},
    {SPR, "contended_loads_local", "MEM_LOAD_L3_HIT_RETIRED:XSNP_FWD", 1},
    {SKX ICX SPR, "contended_loads_remote", "MEM_LOAD_L3_MISS_RETIRED:REMOTE_HITM", 1},
    {ZEN3, "contended_loads_local", "DEMAND_DATA_CACHE_FILLS_FROM_SYSTEM:EXT_CACHE_LCL", 1},
    {ZEN3, "contended_loads_remote", "DEMAND_DATA_CACHE_FILLS_FROM_SYSTEM:EXT_CACHE_RMT", 1},
    {ZEN4, "contended_loads_local", "DEMAND_DATA_CACHE_FILLS_FROM_SYSTEM:NEAR_CACHE_NEAR_FAR", 1},
    {ZEN4, "contended_loads_remote", "DEMAND_DATA_CACHE_FILLS_FROM_SYSTEM:FAR_CACHE_NEAR_FAR", 1},

    {SKX ICX SPR, "load_miss_cycles", "L1D_PEND_MISS:PENDING", 1},
    {SKX ICX SPR, "load_misses", "MEM_LOAD_RETIRED:L1_MISS", 1},
    {SKX ICX SPR, "load_misses_merged", "MEM_LOAD_RETIRED:FB_HIT", 1},
    {SKX ICX SPR, "core_cycles", "UNHALTED_CORE_CYCLES", 1},
    {SKX ICX SPR, "reference_cycles", "UNHALTED_REFERENCE_CYCLES", 1},

    {SKX ICX SPR, "l2_lines_in", "L2_LINES_IN:ALL", 1},
    {SKX ICX SPR, "l2_useless_prefetches", "L2_LINES_OUT:USELESS_HWPF", 1},
    {SKX ICX, "memory_load_cycles", "OFFCORE_REQUESTS_OUTSTANDING:L3_MISS_DEMAND_DATA_RD", 1},
    {SKX ICX, "memory_loads", "OFFCORE_REQUESTS:L3_MISS_DEMAND_DATA_RD", 1},
};

#define EVENTS (sizeof events / sizeof events[0])

/* NULL: none that is known. */
static const char *kind_here(void)
{
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (encode_is_here(kinds[i]))
            return kinds[i];
    return NULL;
}

/* A type of which no kernel has anything, so that it says why. */
#define TYPE_OF_NOTHING UINT32_MAX

static struct pmu_event event_named(const char *name, const char *kind)
{
    struct pmu_event event = {.name = name, .source = "pmu", .type = TYPE_OF_NOTHING, .rare = true};
    for (size_t i = 0; kind && i < EVENTS; i++)
        if (strcmp(events[i].name, name) == 0 && strstr(events[i].kinds, kind) &&
            encode_event(kind, events[i].maker, &event))
            event.scale = events[i].scale;
    return event;
}

void model_groups(struct pmu_group groups[MODEL_GROUPS])
{
    bool known = encode_begin();
    const char *kind = known ? kind_here() : NULL;
    memset(groups, 0, MODEL_GROUPS * sizeof groups[0]);
    for (int group = 0; group < MODEL_GROUPS; group++)
        for (int i = 0; i < PMU_GROUP_MOST && names[group][i]; i++)
            groups[group].events[i] = event_named(names[group][i], kind);
    if (known)
        encode_end();
}
