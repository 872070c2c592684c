/* Extents: symbols are unified over a call, expressions are checked, solved where they are linear, and evaluated. */
#include "check.h"
#include "core/core.h"

enum { N, M };

/* 0: n   1: m   2: n + 1   3: 2 * n   4: n * n   5: n / m   6: 3   7: n - m */
static const hp_step steps[] = {
    {HP_STEP_SYMBOL, N, 0},
    {HP_STEP_SYMBOL, M, 0},
    {HP_STEP_SYMBOL, N, 0}, {HP_STEP_CONST, -1, 1}, {HP_STEP_ADD, -1, 0},
    {HP_STEP_CONST, -1, 2}, {HP_STEP_SYMBOL, N, 0}, {HP_STEP_MUL, -1, 0},
    {HP_STEP_SYMBOL, N, 0}, {HP_STEP_SYMBOL, N, 0}, {HP_STEP_MUL, -1, 0},
    {HP_STEP_SYMBOL, N, 0}, {HP_STEP_SYMBOL, M, 0}, {HP_STEP_DIV, -1, 0},
    {HP_STEP_CONST, -1, 3},
    {HP_STEP_SYMBOL, N, 0}, {HP_STEP_SYMBOL, M, 0}, {HP_STEP_SUB, -1, 0},
};

static hp_axis axis(int32_t port, int32_t program) {
    static const int32_t first[] = {0, 1, 2, 5, 8, 11, 14, 15}, count[] = {1, 1, 3, 3, 3, 3, 1, 3};
    return (hp_axis){port, 0, first[program], count[program]};
}

static int64_t value[2];
static int32_t source[2];
static hp_binding binding = {steps, value, source, 2};
static hp_conflict conflict;

static void forget(void) { source[N] = source[M] = HP_SOURCE_NONE; }

static void same_symbol_must_agree(void) {
    forget();
    const hp_axis axes[] = {axis(0, 0), axis(1, 0)};
    const int64_t agree[] = {64, 64}, differ[] = {64, 63};
    CHECK(hp_bind_axes(&binding, axes, 2, agree, &conflict) == HP_CONFLICT_NONE && value[N] == 64);
    forget();
    CHECK(hp_bind_axes(&binding, axes, 2, differ, &conflict) == HP_CONFLICT_EXTENT);
    CHECK(conflict.symbol == N && conflict.port == 1 && conflict.other == 0);
    CHECK(conflict.wanted == 64 && conflict.found == 63);
}

static void a_scalar_fixes_its_symbol_first(void) {
    forget();
    CHECK(hp_bind_symbol(&binding, N, 10, 5, &conflict) == HP_CONFLICT_NONE);
    const hp_axis axes[] = {axis(0, 0)};
    const int64_t found[] = {9};
    CHECK(hp_bind_axes(&binding, axes, 1, found, &conflict) == HP_CONFLICT_EXTENT && conflict.other == 5);
}

static void linear_expressions_are_solved(void) {
    const struct {
        int32_t program;
        int64_t extent, n;
    } cases[] = {{2, 11, 10}, {3, 20, 10}};
    for (int i = 0; i < 2; i++) {
        forget();
        const hp_axis axes[] = {axis(0, cases[i].program)};
        CHECK(hp_bind_axes(&binding, axes, 1, &cases[i].extent, &conflict) == HP_CONFLICT_NONE);
        CHECK(value[N] == cases[i].n);
    }
}

static void what_has_no_integer_solution_is_not_fixed(void) {
    forget();
    const hp_axis odd[] = {axis(0, 3)}, square[] = {axis(0, 4)}, longer[] = {axis(0, 2)};
    const int64_t seven = 7, nine = 9, none = 0;
    CHECK(hp_bind_axes(&binding, odd, 1, &seven, &conflict) == HP_CONFLICT_UNKNOWN && conflict.symbol == N);
    CHECK(hp_bind_axes(&binding, square, 1, &nine, &conflict) == HP_CONFLICT_UNKNOWN);
    CHECK(hp_bind_axes(&binding, longer, 1, &none, &conflict) == HP_CONFLICT_UNKNOWN);
}

static void a_solved_symbol_makes_the_next_solvable(void) {
    forget();
    /* n - m needs m, which 2 * n gives only through n. */
    const hp_axis axes[] = {axis(0, 7), axis(1, 3)};
    const int64_t found[] = {4, 20};
    CHECK(hp_bind_axes(&binding, axes, 2, found, &conflict) == HP_CONFLICT_NONE && value[N] == 10 && value[M] == 6);
}

static void numbers_are_checked(void) {
    forget();
    const hp_axis axes[] = {axis(0, 6)};
    const int64_t three = 3, four = 4;
    CHECK(hp_bind_axes(&binding, axes, 1, &three, &conflict) == HP_CONFLICT_NONE);
    CHECK(hp_bind_axes(&binding, axes, 1, &four, &conflict) == HP_CONFLICT_EXTENT && conflict.wanted == 3);
}

static void results_are_evaluated_and_must_be_possible(void) {
    forget();
    int64_t extent = 0;
    const hp_axis difference = axis(2, 7), quotient = axis(2, 5), square = axis(2, 4);
    CHECK(hp_extent(&binding, &difference, &extent, &conflict) == HP_CONFLICT_UNKNOWN);
    hp_bind_symbol(&binding, N, 3, 0, &conflict);
    hp_bind_symbol(&binding, M, 5, 0, &conflict);
    CHECK(hp_extent(&binding, &difference, &extent, &conflict) == HP_CONFLICT_VALUE && conflict.found == -2);
    CHECK(hp_extent(&binding, &quotient, &extent, &conflict) == HP_CONFLICT_NONE && extent == 0);
    value[M] = 0;
    CHECK(hp_extent(&binding, &quotient, &extent, &conflict) == HP_CONFLICT_VALUE);
    value[N] = INT64_MAX;
    CHECK(hp_extent(&binding, &square, &extent, &conflict) == HP_CONFLICT_VALUE);
}

static int overflows(int32_t op, int64_t left, int64_t right) {
    const hp_step program[] = {{HP_STEP_CONST, -1, left}, {HP_STEP_CONST, -1, right}, {op, -1, 0}};
    const hp_axis whole = {0, 0, 0, 3};
    const hp_binding constants = {program, value, source, 0};
    int64_t extent = 0;
    conflict.found = 0;
    return hp_extent(&constants, &whole, &extent, &conflict) == HP_CONFLICT_VALUE && conflict.found == 0;
}

static void what_leaves_64_bits_is_noticed_for_every_sign(void) {
    const int64_t most = INT64_MAX, least = INT64_MIN;
    CHECK(overflows(HP_STEP_ADD, most, 1) && overflows(HP_STEP_ADD, least, -1));
    CHECK(overflows(HP_STEP_SUB, least, 1) && overflows(HP_STEP_SUB, 0, least) && overflows(HP_STEP_SUB, most, -1));
    CHECK(overflows(HP_STEP_MUL, most, 2) && overflows(HP_STEP_MUL, most, -2) && overflows(HP_STEP_MUL, -2, most));
    CHECK(overflows(HP_STEP_MUL, least, -1) && overflows(HP_STEP_MUL, -1, least) && overflows(HP_STEP_MUL, least, 2));
    CHECK(!overflows(HP_STEP_ADD, most, least) && !overflows(HP_STEP_SUB, most, most));
    CHECK(!overflows(HP_STEP_MUL, 0, least) && !overflows(HP_STEP_MUL, most, 1));
    CHECK(!overflows(HP_STEP_MUL, -1, -most) && !overflows(HP_STEP_MUL, 1, least));
}

int main(void) {
    same_symbol_must_agree();
    a_scalar_fixes_its_symbol_first();
    linear_expressions_are_solved();
    what_has_no_integer_solution_is_not_fixed();
    a_solved_symbol_makes_the_next_solvable();
    numbers_are_checked();
    results_are_evaluated_and_must_be_possible();
    what_leaves_64_bits_is_noticed_for_every_sign();
    return 0;
}
