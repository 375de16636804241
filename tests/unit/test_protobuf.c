/* SPDX-License-Identifier: MIT */
#include "suites.h"

#include <inttypes.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>

#include "daemon/base/number.h"
#include "daemon/exposition/exposition.h"
#include "daemon/exposition/wire.h"

#define WORDS 64

static union word node0[WORDS], node2[WORDS], host[WORDS], computed[WORDS];
static struct buffer out, told;

static void start(void)
{
    memset(node0, 0, sizeof node0);
    memset(node2, 0, sizeof node2);
    memset(host, 0, sizeof host);
    memset(computed, 0, sizeof computed);
    out = told = (struct buffer){0};
}

static void stop(void)
{
    buffer_free(&out);
    buffer_free(&told);
}

/* The messages of metrics.proto that are used, and what their fields are. */
enum message { FAMILY, METRIC, LABEL, VALUE, HISTOGRAM, BUCKET, SPAN };
static const struct {
    enum message in;
    uint32_t field;
    char type; /* of string, message, unsigned, zigzag, double, packed zigzag */
    enum message of;
} fields[] = {
    {FAMILY, 1, 's', 0},      {FAMILY, 2, 's', 0},         {FAMILY, 3, 'u', 0},
    {FAMILY, 4, 'm', METRIC}, {METRIC, 1, 'm', LABEL},     {METRIC, 2, 'm', VALUE},
    {METRIC, 3, 'm', VALUE},  {METRIC, 7, 'm', HISTOGRAM}, {LABEL, 1, 's', 0},
    {LABEL, 2, 's', 0},       {VALUE, 1, 'd', 0},          {HISTOGRAM, 1, 'u', 0},
    {HISTOGRAM, 2, 'd', 0},   {HISTOGRAM, 3, 'm', BUCKET}, {HISTOGRAM, 5, 'z', 0},
    {HISTOGRAM, 6, 'd', 0},   {HISTOGRAM, 7, 'u', 0},      {HISTOGRAM, 12, 'm', SPAN},
    {HISTOGRAM, 13, 'p', 0},  {BUCKET, 1, 'u', 0},         {BUCKET, 2, 'd', 0},
    {SPAN, 1, 'z', 0},        {SPAN, 2, 'u', 0},
};

struct bytes {
    const unsigned char *at, *end;
};

static uint64_t take_varint(struct bytes *bytes)
{
    uint64_t value = 0;
    for (int shift = 0;; shift += 7) {
        ck_assert(bytes->at < bytes->end && shift < 64);
        value |= (uint64_t)(*bytes->at & 0x7f) << shift;
        if (!(*bytes->at++ & 0x80))
            return value;
    }
}

static struct bytes take_bytes(struct bytes *bytes, uint64_t length)
{
    struct bytes part = {bytes->at, bytes->at + length};
    ck_assert_uint_le(length, (uint64_t)(bytes->end - bytes->at));
    bytes->at += length;
    return part;
}

static void tell_zigzag(uint64_t value)
{
    number_append_i64(&told, (int64_t)(value >> 1) ^ -(int64_t)(value & 1));
}

static void tell_double(struct bytes bytes)
{
    double value;
    memcpy(&value, bytes.at, sizeof value); /* as it is on every machine that we have */
    number_append_double(&told, value);
}

static void tell_message(struct bytes bytes, enum message message);

static void tell_field(struct bytes *bytes, char type, enum message of)
{
    if (type == 'u') {
        number_append_u64(&told, take_varint(bytes));
    } else if (type == 'z') {
        tell_zigzag(take_varint(bytes));
    } else if (type == 'd') {
        tell_double(take_bytes(bytes, 8));
    } else {
        struct bytes part = take_bytes(bytes, take_varint(bytes));
        if (type == 's')
            buffer_append(&told, part.at, (size_t)(part.end - part.at));
        else if (type == 'm')
            tell_message(part, of);
        while (type == 'p' && part.at < part.end) {
            tell_zigzag(take_varint(&part));
            buffer_append_string(&told, part.at < part.end ? "," : "");
        }
    }
}

/* Each field as its number and what it holds: (1=name 4=(2=(1=0.5))). */
static void tell_message(struct bytes bytes, enum message message)
{
    const char *before = "(";
    while (bytes.at < bytes.end) {
        uint64_t tag = take_varint(&bytes);
        size_t i = 0;
        while (i < sizeof fields / sizeof *fields &&
               (fields[i].in != message || fields[i].field != tag >> 3))
            i++;
        ck_assert_uint_lt(i, sizeof fields / sizeof *fields);
        char type = fields[i].type;
        ck_assert_uint_eq(tag & 7, type == 'd' ? 1 : strchr("uz", type) ? 0 : 2);
        buffer_append_string(&told, before);
        number_append_u64(&told, tag >> 3);
        buffer_append_char(&told, '=');
        tell_field(&bytes, type, fields[i].of);
        before = " ";
    }
    buffer_append_char(&told, ')');
}

static const char *rendered(struct family *families, uint32_t count)
{
    const union word *nodes[] = {node0, NULL, node2};
    struct series_set set = {.families = families, .count = count, .words = WORDS};
    struct snapshot snapshot = {
        .set = &set, .node_count = 3, .nodes = nodes, .host = host, .computed = computed};
    buffer_reset(&out);
    buffer_reset(&told);
    ck_assert(exposition_render(&out, &snapshot, EXPOSITION_PROTOBUF));
    struct bytes bytes = {(unsigned char *)out.data, (unsigned char *)out.data + out.length};
    while (bytes.at < bytes.end)
        tell_message(take_bytes(&bytes, take_varint(&bytes)), FAMILY);
    buffer_append_char(&told, '\0');
    return told.data;
}

static void check_wire(const char *expected, size_t length)
{
    ck_assert_uint_eq(out.length, length);
    ck_assert_mem_eq(out.data, expected, length);
    buffer_reset(&out);
}
#define CHECK_WIRE(literal) check_wire(literal, sizeof(literal) - 1)

/* The first three are the examples of the encoding's own description. */
START_TEST(fields_are_as_described)
{
    wire_unsigned(&out, 1, 150);
    CHECK_WIRE("\x08\x96\x01");
    wire_string(&out, 2, "testing", 7);
    CHECK_WIRE("\x12\x07testing");
    size_t message = wire_begin(&out, 3);
    wire_unsigned(&out, 1, 150);
    wire_end(&out, message);
    CHECK_WIRE("\x1a\x03\x08\x96\x01");
    wire_unsigned(&out, 16, UINT64_MAX);
    CHECK_WIRE("\x80\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01");
    wire_double(&out, 1, -2.0);
    CHECK_WIRE("\x09\0\0\0\0\0\0\0\xc0");
    wire_signed(&out, 5, -1);
    wire_signed(&out, 5, 1);
    wire_signed(&out, 5, INT64_MIN);
    CHECK_WIRE("\x28\x01\x28\x02\x28\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01");
}
END_TEST

START_TEST(lengths_take_the_bytes_that_they_need)
{
    static const size_t lengths[] = {0, 1, 127, 128, 16383, 16384, 2097152};
    static const size_t prefixes[] = {1, 1, 1, 2, 2, 3, 4};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        buffer_reset(&out);
        size_t outer = wire_begin(&out, 0);
        size_t inner = wire_begin(&out, 2);
        for (size_t n = 0; n < lengths[i]; n++)
            buffer_append_char(&out, (char)n);
        wire_end(&out, inner);
        size_t within = out.length - outer;
        wire_end(&out, outer);
        ck_assert_uint_eq(within, 1 + prefixes[i] + lengths[i]);
        struct bytes bytes = {(unsigned char *)out.data, (unsigned char *)out.data + out.length};
        ck_assert_uint_eq(take_varint(&bytes), within);
        ck_assert_uint_eq(take_varint(&bytes), 2 << 3 | 2);
        ck_assert_uint_eq(take_varint(&bytes), lengths[i]);
        ck_assert_uint_eq((size_t)(bytes.end - bytes.at), lengths[i]);
        size_t wrong = 0; /* one check for all: there are millions */
        for (size_t n = 0; n < lengths[i]; n++)
            wrong += bytes.at[n] != (unsigned char)n;
        ck_assert_uint_eq(wrong, 0);
    }
}
END_TEST

/* Counters are counters whatever they are called, and an info is a gauge. */
START_TEST(values_are_told_of_each_row)
{
    struct series on_nodes = {
        .labels = "a=\"\\\\\\\"\\n\xc3\xa4\",b=\"\"", .at = 1, .rows = ROWS_NODES};
    struct series summed = {.labels = "", .at = 2, .rows = ROWS_SUMMED};
    struct series on_host[] = {{.labels = "v=\"1\"", .at = 3, .rows = ROWS_HOST},
                               {.labels = "v=\"2\"", .at = 4, .rows = ROWS_HOST}};
    struct series absent = {.labels = "", .at = 1, .rows = ROWS_COMPUTED};
    struct series info = {.labels = "version=\"1\"", .at = 2, .rows = ROWS_COMPUTED};
    struct family families[] = {
        {"a_events", "A\n\"\\.", "", SERIES_COUNTER, &on_nodes, 1},
        {"b_bytes", "B.", "bytes", SERIES_GAUGE, &summed, 1},
        {"c", "C.", "", SERIES_GAUGE, on_host, 2},
        {"d", "D.", "", SERIES_GAUGE, &absent, 1},
        {"e_info", "E.", "", SERIES_INFO, &info, 1},
    };
    node0[1].count = 7;
    node2[1].count = (UINT64_C(1) << 53) + 3; /* no double: the nearest one is told */
    node0[2].count = 2;
    node2[2].count = (uint64_t)INT64_C(-5);
    host[3].number = -INFINITY;
    host[4].count = ENGRAM_GAUGE_UNSET;
    computed[1].count = ENGRAM_GAUGE_UNSET;
    computed[2].number = 1;
    ck_assert_str_eq(
        rendered(families, 5),
        "(1=a_events 2=A\n\"\\. 3=0"
        " 4=(1=(1=a 2=\\\"\n\xc3\xa4) 1=(1=b 2=) 1=(1=numa_node 2=0) 3=(1=7))"
        " 4=(1=(1=a 2=\\\"\n\xc3\xa4) 1=(1=b 2=) 1=(1=numa_node 2=2) 3=(1=9007199254740996)))"
        "(1=b_bytes 2=B. 3=1 4=(2=(1=-3)))"
        "(1=c 2=C. 3=1 4=(1=(1=v 2=1) 2=(1=-Inf)))"
        "(1=e_info 2=E. 3=1 4=(1=(1=version 2=1) 2=(1=1)))");
}
END_TEST

/* Bounds 2^(8/8), 2^(9/8) ... 2^(13/8), which is cell 5; then infinity, and NaN. */
static uint32_t cuts[] = {1, 9};
static char *texts[] = {"2.0", "4.0"};
static struct histogram_shape exponential = {
    .cells = 14, .first = 8, .per_octave = 8, .lines = 2, .cut = cuts, .text = texts};

static const char *histogram(struct histogram_shape *shape)
{
    struct series series = {.labels = "", .at = 4, .rows = ROWS_NODES, .shape = shape};
    struct family family = {"h", "H.", "", SERIES_HISTOGRAM, &series, 1};
    const char *text = strstr(rendered(&family, 1), "1=(1=numa_node 2=0) ");
    char *end = strstr(text, " 4=("); /* node 2 */
    *end = 0;
    return text + sizeof "1=(1=numa_node 2=0) " - 1;
}

START_TEST(exponential_histogram_is_native_too)
{
    union word *cell = node0 + 4;
    cell[0].count = 3;
    cell[1].count = 10;
    cell[2].count = 4;
    cell[8].count = 5;
    cell[11].count = 1;  /* the last that is finite */
    cell[12].count = 2;  /* more than that, if not infinite */
    cell[13].count = 99; /* NaN: nowhere */
    cell[14].number = 12.5;
    ck_assert_str_eq(histogram(&exponential),
                     "7=(1=25 2=12.5 3=(1=3 2=2) 3=(1=22 2=4) 3=(1=25 2=+Inf)"
                     " 5=3 6=2 7=3"
                     " 12=(1=9 2=2) 12=(1=5 2=1) 12=(1=2 2=1) 12=(1=8173 2=1)"
                     " 13=10,-6,1,-4,1))");
}
END_TEST

/* It has to be known for native by its zero bucket's width. */
START_TEST(empty_histogram_is_native_too)
{
    ck_assert_str_eq(histogram(&exponential),
                     "7=(1=0 2=0 3=(1=0 2=2) 3=(1=0 2=4) 3=(1=0 2=+Inf) 5=3 6=2 7=0 13=))");
}
END_TEST

START_TEST(widest_histogram_has_every_bucket)
{
    uint32_t one[] = {1};
    struct histogram_shape shape = exponential;
    shape.first = 1024 * 8 - 11;
    shape.lines = 1;
    shape.cut = one;
    node0[4 + 11].count = 1; /* up to the greatest double */
    node0[4 + 12].count = 1; /* infinity: the next one */
    ck_assert_ptr_nonnull(strstr(histogram(&shape), " 12=(1=8192 2=1) 12=(1=0 2=1) 13=1,0))"));
    shape.first++;
    ck_assert_ptr_null(strstr(histogram(&shape), " 5=3"));
    shape.first = -1074 * 8;
    ck_assert_ptr_nonnull(strstr(histogram(&shape), " 5=3 6=5e-324 "));
    shape.first--;
    ck_assert_ptr_null(strstr(histogram(&shape), " 5=3"));
}
END_TEST

/* The index of infinity is another with each, and so is what must not be beyond it. */
START_TEST(each_schema_is_told)
{
    const int n = 1 << _i;
    char expected[160];
    struct histogram_shape shape = exponential;
    shape.per_octave = n;
    shape.first = n; /* 2.0 */
    shape.lines = 1;
    node0[4].count = 3;
    node0[5].count = 10;
    node0[4 + 12].count = 2;
    snprintf(expected, sizeof expected,
             "7=(1=15 2=0 3=(1=3 2=2) 3=(1=15 2=+Inf) 5=%d 6=2 7=3"
             " 12=(1=%d 2=1) 12=(1=%d 2=1) 13=10,-8))",
             _i, n + 1, 1024 * n + 1 - (n + 2));
    ck_assert_str_eq(histogram(&shape), expected);
    shape.first = 1024 * n - 11;
    ck_assert_ptr_nonnull(strstr(histogram(&shape), " 5="));
    shape.first++;
    ck_assert_ptr_null(strstr(histogram(&shape), " 5="));
}
END_TEST

START_TEST(explicit_bounds_are_not_native)
{
    double bounds[] = {-0.5, 1, 2};
    uint32_t all[] = {1, 2, 3};
    char *names[] = {"-0.5", "1.0", "2.0"};
    struct histogram_shape shape = {
        .cells = 5, .bounds = bounds, .lines = 3, .cut = all, .text = names};
    for (uint64_t i = 0; i < 5; i++)
        node0[4 + i].count = UINT64_C(1) << (4 * i);
    node0[9].number = -2.75;
    ck_assert_str_eq(
        histogram(&shape),
        "7=(1=4369 2=-2.75 3=(1=1 2=-0.5) 3=(1=17 2=1) 3=(1=273 2=2) 3=(1=4369 2=+Inf)))");
}
END_TEST

/* What a broken process has is told as far as it can be, by numbers that are true to each other:
 * Prometheus would refuse all others with it. */
START_TEST(counts_end_where_deltas_do)
{
    node0[4].count = UINT64_MAX;
    node0[5].count = 7;
    ck_assert_str_eq(histogram(&exponential),
                     "7=(1=9223372036854775807 2=0 3=(1=9223372036854775807 2=2)"
                     " 3=(1=9223372036854775807 2=4) 3=(1=9223372036854775807 2=+Inf)"
                     " 5=3 6=2 7=9223372036854775807 12=(1=9 2=1) 13=0))");
    node0[4].count = 1;
    node0[5].count = INT64_MAX;
    node0[6].count = 1;
    ck_assert_ptr_nonnull(
        strstr(histogram(&exponential),
               " 7=1 12=(1=9 2=2) 13=9223372036854775806,-9223372036854775806))"));
}
END_TEST

START_TEST(failed_buffer_is_told)
{
    struct series series = {.labels = "a=\"b\"", .at = 4, .rows = ROWS_HOST};
    struct family family = {"g", "G.", "", SERIES_GAUGE, &series, 1};
    struct series_set set = {.families = &family, .count = 1, .words = WORDS};
    struct snapshot snapshot = {.set = &set, .host = host};
    ck_assert(!buffer_reserve(&out, SIZE_MAX));
    ck_assert(!exposition_render(&out, &snapshot, EXPOSITION_PROTOBUF));
    ck_assert_uint_eq(out.length, 0);
}
END_TEST

Suite *protobuf_suite(void)
{
    const TTest *const tests[] = {
        fields_are_as_described,        lengths_take_the_bytes_that_they_need,
        values_are_told_of_each_row,    exponential_histogram_is_native_too,
        empty_histogram_is_native_too,  widest_histogram_has_every_bucket,
        explicit_bounds_are_not_native, counts_end_where_deltas_do,
        failed_buffer_is_told,
    };
    Suite *suite = suite_create("protobuf");
    TCase *tcase = tcase_create("protobuf");
    tcase_add_checked_fixture(tcase, start, stop);
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++)
        tcase_add_test(tcase, tests[i]);
    tcase_add_loop_test(tcase, each_schema_is_told, 0, 6);
    suite_add_tcase(suite, tcase);
    return suite;
}
