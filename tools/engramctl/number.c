/* SPDX-License-Identifier: MIT */
#include "number.h"

#include <float.h>
#include <stdio.h>
#include <stdlib.h>

void number_text(double value, char text[NUMBER_TEXT_SIZE])
{
    for (int digits = DBL_DIG; digits <= DBL_DECIMAL_DIG; digits++) {
        snprintf(text, NUMBER_TEXT_SIZE, "%.*g", digits, value);
        if (strtod(text, NULL) == value)
            return;
    }
}
