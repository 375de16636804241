/* SPDX-License-Identifier: MIT */
/*
 * The shortest decimal is found as R. Giulietti's "The Schubfach way to render
 * doubles" proves: scale the double and the two ends of the interval that rounds
 * to it by one power of ten, known to 128 bits, so that the interval spans at
 * least two integers and fewer than twenty, and pick among those.
 */
#include "daemon/base/number.h"

#include <math.h>
#include <stdbool.h>

__extension__ typedef unsigned __int128 uint128;

#define POWER_MIN (-292)
#define POWER_MAX 324
#define LIMBS 8 /* of 32 bits: twice what is kept, so that rounding never shows */

/* Written without an exponent: 0.0001 up to below 1e21, as Prometheus does; bounds up to below
 * 1e6, as it does there. */
#define PLAIN_MIN (-4)
#define PLAIN_MAX 20
#define PLAIN_BOUND_MAX 5

/* power[k - POWER_MIN] is 10^k, scaled to 128 bits with the top one set, rounded up. */
static uint128 power[POWER_MAX - POWER_MIN + 1];

static uint128 rounded_up(const uint32_t *limb)
{
    uint128 high = 0;
    uint32_t rest = 0;

    for (int i = 0; i < LIMBS / 2; i++) {
        high = high << 32 | limb[LIMBS - 1 - i];
        rest |= limb[i];
    }
    return high + (rest != 0);
}

/* Multiplies by 5 and drops low bits until it fits: twos are not kept. */
static void times_five(uint32_t *limb)
{
    uint64_t carry = 0;

    for (int i = 0; i < LIMBS; i++) {
        carry += (uint64_t)limb[i] * 5;
        limb[i] = (uint32_t)carry;
        carry >>= 32;
    }
    while (carry) {
        for (int i = 0; i < LIMBS - 1; i++)
            limb[i] = limb[i] >> 1 | limb[i + 1] << 31;
        limb[LIMBS - 1] = limb[LIMBS - 1] >> 1 | (uint32_t)carry << 31;
        carry >>= 1;
    }
}

static void divide_by_five(uint32_t *limb)
{
    uint64_t rest = 0;

    for (int i = LIMBS - 1; i >= 0; i--) {
        rest = rest << 32 | limb[i];
        limb[i] = (uint32_t)(rest / 5);
        rest %= 5;
    }
    while (!(limb[LIMBS - 1] >> 31)) {
        for (int i = LIMBS - 1; i > 0; i--)
            limb[i] = limb[i] << 1 | limb[i - 1] >> 31;
        limb[0] <<= 1;
    }
}

/* Before main(), so that rendering needs no lock and no check; it takes microseconds. */
__attribute__((constructor)) static void make_powers(void)
{
    uint32_t up[LIMBS] = {[LIMBS - 1] = UINT32_C(1) << 31};
    uint32_t down[LIMBS] = {[LIMBS - 1] = UINT32_C(1) << 31};

    for (int k = 0; k <= POWER_MAX; k++) {
        power[k - POWER_MIN] = rounded_up(up);
        times_five(up);
    }
    for (int k = -1; k >= POWER_MIN; k--) {
        divide_by_five(down);
        power[k - POWER_MIN] = rounded_up(down);
    }
}

/* The product's top word; its last bit tells whether anything lies below. */
static uint64_t scaled(uint128 ten, uint64_t factor)
{
    uint128 low = (uint128)(uint64_t)ten * factor;
    uint128 high = (uint128)(uint64_t)(ten >> 64) * factor + (uint64_t)(low >> 64);

    return (uint64_t)(high >> 64) | ((uint64_t)high > 1);
}

struct decimal {
    uint64_t digits;
    int exponent; /* of ten */
};

/* `low`, `middle` and `high` are four times the scaled interval: its ends, and the double. */
static struct decimal pick(uint64_t low, uint64_t middle, uint64_t high, int exponent)
{
    uint64_t ones = middle / 4;
    uint64_t tens = ones / 10;
    bool tens_below = low <= 40 * tens;
    bool tens_above = 40 * tens + 40 <= high;

    if (ones >= 10 && tens_below != tens_above)
        return (struct decimal){tens + tens_above, exponent + 1};

    bool below = low <= 4 * ones;
    bool above = 4 * ones + 4 <= high;

    if (below != above)
        return (struct decimal){ones + above, exponent};

    uint64_t half = 4 * ones + 2;
    bool up = middle > half || (middle == half && (ones & 1));
    return (struct decimal){ones + up, exponent};
}

/* The double is positive, finite, not zero.  The shifts are logarithms as fixed point. */
static struct decimal shortest(uint64_t bits)
{
    uint64_t fraction = bits & ((UINT64_C(1) << 52) - 1);
    int biased = (int)(bits >> 52);
    uint64_t significand = biased ? fraction | UINT64_C(1) << 52 : fraction;
    int exponent = (biased ? biased : 1) - 1075;
    bool closer_below = fraction == 0 && biased > 1;

    int k = (exponent * 1262611 - (closer_below ? 524031 : 0)) >> 22;
    int shift = exponent + (-k * 1741647 >> 19) + 1;
    uint128 ten = power[-k - POWER_MIN];
    uint64_t low = scaled(ten, (4 * significand - 2 + closer_below) << shift);
    uint64_t middle = scaled(ten, 4 * significand << shift);
    uint64_t high = scaled(ten, (4 * significand + 2) << shift);
    uint64_t odd = significand & 1; /* ties go to even: only there the ends belong */

    struct decimal decimal = pick(low + odd, middle, high - odd, k);
    while (decimal.digits % 10 == 0) {
        decimal.digits /= 10;
        decimal.exponent++;
    }
    return decimal;
}

static int count_digits(uint64_t value)
{
    static const uint64_t powers[] = {
        0,
        UINT64_C(10),
        UINT64_C(100),
        UINT64_C(1000),
        UINT64_C(10000),
        UINT64_C(100000),
        UINT64_C(1000000),
        UINT64_C(10000000),
        UINT64_C(100000000),
        UINT64_C(1000000000),
        UINT64_C(10000000000),
        UINT64_C(100000000000),
        UINT64_C(1000000000000),
        UINT64_C(10000000000000),
        UINT64_C(100000000000000),
        UINT64_C(1000000000000000),
        UINT64_C(10000000000000000),
        UINT64_C(100000000000000000),
        UINT64_C(1000000000000000000),
        UINT64_C(10000000000000000000),
    };
    /* 1233 / 4096 is the logarithm of 2 by ten: this many, or one more. */
    int digits = (64 - __builtin_clzll(value | 1)) * 1233 >> 12;
    return digits + (value >= powers[digits]);
}

/* Returns the number of digits. */
static int put_u64(char *to, uint64_t value)
{
    static const char pairs[] = "0001020304050607080910111213141516171819"
                                "2021222324252627282930313233343536373839"
                                "4041424344454647484950515253545556575859"
                                "6061626364656667686970717273747576777879"
                                "8081828384858687888990919293949596979899";
    int count = count_digits(value);
    char *at = to + count;

    while (value >= 100) {
        at -= 2;
        memcpy(at, pairs + 2 * (value % 100), 2);
        value /= 100;
    }
    if (value >= 10)
        memcpy(to, pairs + 2 * value, 2);
    else
        *to = (char)('0' + value);
    return count;
}

/* d.ddde+XX, with at least two digits of exponent. */
static char *put_scientific(char *to, int count, int exponent)
{
    if (count > 1) {
        memmove(to + 2, to + 1, (size_t)count - 1);
        to[1] = '.';
        to++;
    }
    to += count;
    *to++ = 'e';
    *to++ = exponent < 0 ? '-' : '+';
    if (exponent < 0)
        exponent = -exponent;
    if (exponent < 10)
        *to++ = '0';
    return to + put_u64(to, (uint64_t)exponent);
}

static char *put_decimal(char *to, struct decimal decimal, int plain_max)
{
    int count = put_u64(to, decimal.digits);
    int whole = count + decimal.exponent; /* digits before the point */

    if (whole - 1 < PLAIN_MIN || whole - 1 > plain_max)
        return put_scientific(to, count, whole - 1);
    if (whole <= 0) {
        memmove(to + 2 - whole, to, (size_t)count);
        memset(to, '0', (size_t)(2 - whole));
        to[1] = '.';
        return to + 2 - whole + count;
    }
    if (whole < count) {
        memmove(to + whole + 1, to + whole, (size_t)(count - whole));
        to[whole] = '.';
        return to + count + 1;
    }
    memset(to + count, '0', (size_t)(whole - count));
    return to + whole;
}

char *number_put_u64(char *to, uint64_t value)
{
    return to + put_u64(to, value);
}

char *number_put_i64(char *to, int64_t value)
{
    if (value >= 0)
        return to + put_u64(to, (uint64_t)value);
    *to = '-';
    return to + 1 + put_u64(to + 1, -(uint64_t)value);
}

static char *put_positive(char *to, double value, int plain_max)
{
    bool plain = value < (plain_max == PLAIN_MAX ? 0x1p53 : 1e6);
    if (plain && (double)(uint64_t)value == value)
        return to + put_u64(to, (uint64_t)value);

    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return put_decimal(to, shortest(bits), plain_max);
}

/* A sign, 17 digits, a point, the zeros that place it and an exponent are no more than NUMBER_MOST.
 */
static char *put_double(char *to, double value, int plain_max)
{
    if (isnan(value))
        return stpcpy(to, "NaN");
    if (isinf(value))
        return stpcpy(to, value > 0 ? "+Inf" : "-Inf");
    if (signbit(value))
        *to++ = '-';
    return put_positive(to, fabs(value), plain_max);
}

char *number_put_double(char *to, double value)
{
    return put_double(to, value, PLAIN_MAX);
}

void number_append_u64(struct buffer *out, uint64_t value)
{
    if (buffer_reserve(out, NUMBER_MOST))
        out->length = (size_t)(number_put_u64(out->data + out->length, value) - out->data);
}

void number_append_i64(struct buffer *out, int64_t value)
{
    if (buffer_reserve(out, NUMBER_MOST))
        out->length = (size_t)(number_put_i64(out->data + out->length, value) - out->data);
}

static void append(struct buffer *out, double value, int plain_max)
{
    if (buffer_reserve(out, NUMBER_MOST))
        out->length = (size_t)(put_double(out->data + out->length, value, plain_max) - out->data);
}

void number_append_double(struct buffer *out, double value)
{
    append(out, value, PLAIN_MAX);
}

void number_append_bound(struct buffer *out, double value)
{
    size_t start = out->length;

    append(out, value, PLAIN_BOUND_MAX);
    if (isfinite(value) && !out->failed && !memchr(out->data + start, '.', out->length - start) &&
        !memchr(out->data + start, 'e', out->length - start))
        buffer_append(out, ".0", 2);
}
