/* SPDX-License-Identifier: MIT */
/* Eight bytes are a double; its text must read back as the same double. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/number.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buffer out = {0};
    double value;

    if (size < sizeof value)
        return 0;
    memcpy(&value, data, sizeof value);
    number_append_double(&out, value);
    buffer_append_char(&out, '\0');
    if (out.failed)
        return 0;

    double read = strtod(out.data, NULL);
    if (isnan(value) ? !isnan(read) : memcmp(&read, &value, sizeof value) != 0)
        abort();
    buffer_free(&out);
    return 0;
}
