/* SPDX-License-Identifier: MIT */
/* Which CPU belongs to which socket and memory node. */
#ifndef ENGRAMD_TOPOLOGY_H
#define ENGRAMD_TOPOLOGY_H

#include <stdbool.h>
#include <stdint.h>

struct topology; /* immutable once loaded */

/* Reads the machine below `sysroot`, which is "/" but in tests.  NULL when there is no memory or
 * hwloc cannot read it. */
struct topology *topology_load(const char *sysroot);
void topology_free(struct topology *topology);

uint32_t topology_sockets(const struct topology *topology); /* at least 1 */
uint32_t topology_nodes(const struct topology *topology);   /* highest number + 1, at least 1 */

/* CPUs that the machine may ever have, by their highest number + 1: ENGRAM_CPUS_MAX if unknown. */
uint32_t topology_possible_cpus(const struct topology *topology);

/* Whether any CPU belongs to the node. */
bool topology_node_has_cpus(const struct topology *topology, uint32_t node);

/* The node of a CPU, for any number; one that is offline or unknown counts to the first node that
 * has CPUs. */
uint32_t topology_node_of_cpu(const struct topology *topology, uint32_t cpu);

/* Where values of a node are shown: there, or for one without CPUs on the first that has some. */
uint32_t topology_shown_node(const struct topology *topology, uint32_t node);

/* Adds what there is of the machine as members of an object that is open; engramd-api(7) has them.
 * CPUs that are offline, and how the others and nodes are used, are of this moment; all else is as
 * it was when it was loaded. */
struct json;
struct live;
void topology_describe(const struct topology *topology, const struct live *live, struct json *json);

/* The socket whose collector reads a CPU or a node.  Each node has one, so where sockets share a
 * node, the first of them reads all of it. */
uint32_t topology_socket_of_cpu(const struct topology *topology, uint32_t cpu);
uint32_t topology_socket_of_node(const struct topology *topology, uint32_t node);

/* The only node of a socket that has CPUs; TOPOLOGY_NONE where there are several. */
#define TOPOLOGY_NONE UINT32_MAX
uint32_t topology_only_node(const struct topology *topology, uint32_t socket);

/* Pins the calling thread to a socket's CPUs, its memory preferred on their node; false, with
 * errno, where a cpuset or the kernel forbids it. */
bool topology_bind(const struct topology *topology, uint32_t socket);

#endif
