/* SPDX-License-Identifier: MIT */
#ifndef TESTS_UNIT_SUITES_H
#define TESTS_UNIT_SUITES_H

#include <check.h>

Suite *accept_suite(void);
Suite *attach_suite(void);
Suite *bucket_suite(void);
Suite *config_suite(void);
Suite *continuity_suite(void);
Suite *demo_parts_suite(void);
Suite *demo_suite(void);
Suite *derived_suite(void);
Suite *discovery_suite(void);
Suite *events_suite(void);
Suite *exposition_suite(void);
Suite *golden_suite(void);
Suite *http_request_suite(void);
Suite *http_suite(void);
Suite *http_listen_suite(void);
Suite *http_stream_suite(void);
Suite *log_suite(void);
Suite *notify_suite(void);
Suite *number_suite(void);
Suite *pace_suite(void);
Suite *plan_suite(void);
Suite *processes_suite(void);
Suite *reader_suite(void);
Suite *snapshot_suite(void);
Suite *topology_suite(void);
Suite *totals_suite(void);
Suite *users_suite(void);
Suite *web_suite(void);
Suite *writer_suite(void);

#endif
