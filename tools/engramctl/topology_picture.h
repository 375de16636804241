/* SPDX-License-Identifier: MIT */
/* Pictures of a machine, from the document /api/v1/topology: how busy its CPUs are, and how full
 * its memory nodes. */
#ifndef ENGRAMCTL_TOPOLOGY_PICTURE_H
#define ENGRAMCTL_TOPOLOGY_PICTURE_H

#include <json-c/json_object.h>

/* In characters: of the locale's set, a sign for each CPU, those of a core side by side. */
void topology_picture(struct json_object *topology);

/* As a document of SVG 1.1. */
void topology_svg(struct json_object *topology);

#endif
