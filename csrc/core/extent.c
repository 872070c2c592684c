/* extent.c: binds the dimensions of one call. An extent is a postfix program over the call's symbols. */
#include "core/core.h"

enum { HP_STACK = 32, HP_OVERFLOW = 1, HP_NOT_FIXED = 2 };

/* Each returns nonzero on overflow. Not the builtins of gcc and clang, which Visual C++ lacks. */
static int add(int64_t left, int64_t right, int64_t *result) {
    if (right < 0 ? left < INT64_MIN - right : left > INT64_MAX - right) return 1;
    *result = left + right;
    return 0;
}

static int subtract(int64_t left, int64_t right, int64_t *result) {
    if (right < 0 ? left > INT64_MAX + right : left < INT64_MIN + right) return 1;
    *result = left - right;
    return 0;
}

static int multiply(int64_t left, int64_t right, int64_t *result) {
    if (left > 0 && (right > 0 ? left > INT64_MAX / right : right < INT64_MIN / left)) return 1;
    if (left < 0 && (right > 0 ? left < INT64_MIN / right : right < INT64_MAX / left)) return 1;
    *result = left * right;
    return 0;
}

static int divide(int64_t left, int64_t right, int64_t *result) {
    if (right == 0 || (left == INT64_MIN && right == -1)) return 1;
    *result = left / right;
    return 0;
}

static int apply(int32_t op, int64_t left, int64_t right, int64_t *result) {
    switch (op) {
    case HP_STEP_ADD:
        return add(left, right, result);
    case HP_STEP_SUB:
        return subtract(left, right, result);
    case HP_STEP_MUL:
        return multiply(left, right, result);
    default:
        return divide(left, right, result);
    }
}

/* Evaluates a program. A symbol that is not fixed stands for `guess`; without one it ends the evaluation, as *missing. */
static int evaluate(const hp_binding *binding, const hp_axis *axis, const int64_t *guess, int64_t *result,
                    int32_t *missing) {
    int64_t stack[HP_STACK];
    int depth = 0;
    for (const hp_step *step = binding->steps + axis->first, *end = step + axis->count; step < end; step++) {
        if (step->op <= HP_STEP_SYMBOL) {
            if (depth == HP_STACK) return HP_OVERFLOW;
            stack[depth++] = step->value;
            if (step->op == HP_STEP_CONST) continue;
            if (binding->source[step->symbol] == HP_SOURCE_NONE) {
                *missing = step->symbol;
                if (guess == NULL) return HP_NOT_FIXED;
                stack[depth - 1] = *guess;
            } else {
                stack[depth - 1] = binding->value[step->symbol];
            }
        } else {
            depth--;
            if (apply(step->op, stack[depth - 1], stack[depth], &stack[depth - 1])) return HP_OVERFLOW;
        }
    }
    *result = stack[0];
    return 0;
}

static int32_t conflict_at(hp_conflict *conflict, int32_t kind, const hp_axis *axis, int32_t symbol, int32_t other,
                           int64_t wanted, int64_t found) {
    *conflict = (hp_conflict){kind, axis->port, axis->axis, symbol, other, wanted, found};
    return kind;
}

int32_t hp_bind_symbol(hp_binding *binding, int32_t symbol, int64_t value, int32_t port, hp_conflict *conflict) {
    if (binding->source[symbol] == HP_SOURCE_NONE) {
        binding->source[symbol] = port;
        binding->value[symbol] = value;
        return HP_CONFLICT_NONE;
    }
    if (binding->value[symbol] == value) return HP_CONFLICT_NONE;
    const hp_axis axis = {port, -1, 0, 0};
    return conflict_at(conflict, HP_CONFLICT_EXTENT, &axis, symbol, binding->source[symbol], binding->value[symbol], value);
}

static int is_plain_symbol(const hp_binding *binding, const hp_axis *axis) {
    return axis->count == 1 && binding->steps[axis->first].op == HP_STEP_SYMBOL;
}

/* How many different symbols of the program are not fixed yet: 0, 1, or 2 for more. */
static int count_unknown(const hp_binding *binding, const hp_axis *axis) {
    int32_t first = -1;
    for (int32_t i = axis->first; i < axis->first + axis->count; i++) {
        const hp_step *step = &binding->steps[i];
        if (step->op != HP_STEP_SYMBOL || binding->source[step->symbol] != HP_SOURCE_NONE || step->symbol == first) continue;
        if (first >= 0) return 2;
        first = step->symbol;
    }
    return first >= 0;
}

/* Solves `program(unknown) == extent` where the program is linear in its one unknown: three values tell. A dimension is
 * never negative. */
static int solve(const hp_binding *binding, const hp_axis *axis, int64_t extent, int32_t *symbol, int64_t *solution) {
    int64_t at[3];
    for (int64_t guess = 0; guess < 3; guess++)
        if (evaluate(binding, axis, &guess, &at[guess], symbol)) return 0;
    const int64_t slope = at[1] - at[0];
    if (slope == 0 || at[2] - at[1] != slope || (extent - at[0]) % slope != 0) return 0;
    *solution = (extent - at[0]) / slope;
    if (*solution < 0) return 0;
    int64_t check = 0;
    return evaluate(binding, axis, solution, &check, symbol) == 0 && check == extent;
}

static int32_t check_axis(hp_binding *binding, const hp_axis *axis, int64_t found, hp_conflict *conflict) {
    int64_t wanted = 0;
    int32_t missing = -1;
    const int problem = evaluate(binding, axis, NULL, &wanted, &missing);
    if (problem == HP_NOT_FIXED) return conflict_at(conflict, HP_CONFLICT_UNKNOWN, axis, missing, -1, 0, found);
    if (problem) return conflict_at(conflict, HP_CONFLICT_VALUE, axis, -1, -1, 0, 0);
    if (wanted != found) return conflict_at(conflict, HP_CONFLICT_EXTENT, axis, -1, -1, wanted, found);
    return HP_CONFLICT_NONE;
}

int32_t hp_bind_axes(hp_binding *binding, const hp_axis *axes, int32_t naxes, const int64_t *extent, hp_conflict *conflict) {
    int32_t nplain = 0;
    for (int32_t i = 0; i < naxes; i++) {
        if (!is_plain_symbol(binding, &axes[i])) continue;
        nplain++;
        const int32_t symbol = binding->steps[axes[i].first].symbol;
        if (hp_bind_symbol(binding, symbol, extent[i], axes[i].port, conflict)) {
            conflict->axis = axes[i].axis;
            return conflict->kind;
        }
    }
    if (nplain == naxes) return HP_CONFLICT_NONE; /* binding has compared them all */
    /* A solved symbol may make another axis solvable, so passes go on while they make progress. */
    for (int progress = 1; progress;) {
        progress = 0;
        for (int32_t i = 0; i < naxes; i++) {
            int32_t symbol = -1;
            int64_t value = 0;
            if (count_unknown(binding, &axes[i]) != 1 || !solve(binding, &axes[i], extent[i], &symbol, &value)) continue;
            binding->source[symbol] = axes[i].port;
            binding->value[symbol] = value;
            progress = 1;
        }
    }
    for (int32_t i = 0; i < naxes; i++)
        if (check_axis(binding, &axes[i], extent[i], conflict)) return conflict->kind;
    return HP_CONFLICT_NONE;
}

int32_t hp_extent(const hp_binding *binding, const hp_axis *axis, int64_t *extent, hp_conflict *conflict) {
    int32_t missing = -1;
    const int problem = evaluate(binding, axis, NULL, extent, &missing);
    if (problem == HP_NOT_FIXED) return conflict_at(conflict, HP_CONFLICT_UNKNOWN, axis, missing, -1, 0, 0);
    if (problem || *extent < 0) return conflict_at(conflict, HP_CONFLICT_VALUE, axis, -1, -1, 0, problem ? 0 : *extent);
    return HP_CONFLICT_NONE;
}
