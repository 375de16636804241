/* SPDX-License-Identifier: MIT */
#include "daemon/totals/forget_order.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { FREE, PLACED, ANSWERED };

struct forget_order {
    int answered;
    atomic_int state;
    char *process;             /* of whoever places, but while it is PLACED */
    enum forget_answer answer; /* valid when it is ANSWERED */
};

struct forget_order *forget_order_new(void)
{
    struct forget_order *order = calloc(1, sizeof *order);
    if (!order)
        return NULL;
    order->answered = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (order->answered >= 0)
        return order;
    free(order);
    return NULL;
}

void forget_order_free(struct forget_order *order)
{
    close(order->answered);
    free(order->process);
    free(order);
}

bool forget_order_place(struct forget_order *order, const char *process)
{
    if (atomic_load(&order->state) != FREE)
        return false;
    free(order->process);
    order->process = strdup(process);
    if (order->process)
        atomic_store(&order->state, PLACED);
    return order->process != NULL;
}

int forget_order_fd(const struct forget_order *order)
{
    return order->answered;
}

bool forget_order_answered(struct forget_order *order, enum forget_answer *answer)
{
    eventfd_t count;
    if (atomic_load(&order->state) != ANSWERED)
        return false;
    eventfd_read(order->answered, &count);
    *answer = order->answer;
    atomic_store(&order->state, FREE);
    return true;
}

const char *forget_order_name(const struct forget_order *order)
{
    return order && atomic_load(&order->state) == PLACED ? order->process : NULL;
}

void forget_order_answer(struct forget_order *order, enum forget_answer answer)
{
    order->answer = answer;
    atomic_store(&order->state, ANSWERED);
    eventfd_write(order->answered, 1);
}
