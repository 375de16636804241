/* SPDX-License-Identifier: MIT */
#include "suites.h"

#include <isa-l/igzip_lib.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/gzip.h"

#define LENGTH (1 << 20)

/* Appends it to what is there, and looks whether that, and what it is of, are whole. */
static size_t packed_length(const struct buffer *from)
{
    struct buffer out = {0};
    buffer_append(&out, "before", 6);
    ck_assert(gzip_append(&out, from));
    ck_assert_int_eq(memcmp(out.data, "before", 6), 0);

    char *back = malloc(from->length + 1);
    struct inflate_state inflate;
    isal_inflate_init(&inflate);
    inflate.crc_flag = ISAL_GZIP;
    inflate.next_in = (uint8_t *)out.data + 6;
    inflate.avail_in = (uint32_t)out.length - 6;
    inflate.next_out = (uint8_t *)back;
    inflate.avail_out = (uint32_t)from->length + 1;
    ck_assert_int_eq(isal_inflate(&inflate), ISAL_DECOMP_OK);
    ck_assert_int_eq(inflate.block_state, ISAL_BLOCK_FINISH);
    ck_assert_uint_eq(inflate.avail_in, 0);
    ck_assert_uint_eq(inflate.total_out, from->length);
    ck_assert_int_eq(memcmp(back, from->data, from->length), 0);
    free(back);
    size_t length = out.length - 6;
    buffer_free(&out);
    return length;
}

static struct buffer bytes(size_t length)
{
    struct buffer made = {0};
    ck_assert(buffer_reserve(&made, length));
    made.length = length;
    return made;
}

START_TEST(what_repeats_shrinks)
{
    struct buffer from = bytes(LENGTH);
    for (size_t i = 0; i < LENGTH; i++)
        from.data[i] = "steps_total{step=\"a\"} 1\n"[i % 24];
    ck_assert_uint_lt(packed_length(&from), LENGTH / 100);
    buffer_free(&from);
}
END_TEST

START_TEST(what_does_not_is_whole_too)
{
    struct buffer from = bytes(LENGTH);
    srand48(1);
    for (size_t i = 0; i < LENGTH; i++)
        from.data[i] = (char)lrand48();
    ck_assert_uint_gt(packed_length(&from), LENGTH);
    buffer_free(&from);
}
END_TEST

START_TEST(nothing_has_an_end)
{
    struct buffer from = bytes(0);
    ck_assert_uint_gt(packed_length(&from), 0);
    buffer_free(&from);
}
END_TEST

Suite *gzip_suite(void)
{
    Suite *suite = suite_create("gzip");
    TCase *tests = tcase_create("gzip");
    tcase_add_test(tests, what_repeats_shrinks);
    tcase_add_test(tests, what_does_not_is_whole_too);
    tcase_add_test(tests, nothing_has_an_end);
    suite_add_tcase(suite, tests);
    return suite;
}
