// hp_state from several threads: calls take turns or are refused, and a copy is never half of a call.
#include "check.h"
#include "core/core.h"

#include <array>
#include <atomic>
#include <cstring>
#include <stdexcept>
#include <thread>
#include <vector>

namespace {

constexpr std::int32_t word = 0;

struct host {
    hp_host *raw = hp_host_new(&word);
    explicit host(hp_state_block *block) { hp_host_set_state(raw, block); }
    ~host() { hp_host_free(raw); }
    host(const host &) = delete;
    host &operator=(const host &) = delete;
};

// All numbers of a state are the same after every call.
using numbers = std::array<std::int64_t, 4096>;

// Returns whether the call got the state.
bool count_up(hp_host *raw) {
    hp_host_begin(raw);
    auto *state = static_cast<numbers *>(hp_state(&raw->ctx, sizeof(numbers), 1));
    if (state)
        for (auto &number : *state) ++number;
    hp_host_end(raw, hp_host_verdict(raw, HP_OK));
    return state != nullptr;
}

std::int64_t only_number(const hp_state_block *block) {
    const auto *state = static_cast<const numbers *>(block->data);
    for (const auto number : *state) CHECK(number == state->front());
    return state->front();
}

void calls_that_meet_are_refused_and_none_is_lost() {
    hp_state_block *block = hp_state_new();
    std::atomic<std::int64_t> done = 0;
    std::vector<std::thread> threads;
    for (int i = 0; i < 3; ++i)
        threads.emplace_back([&] {
            const host mine(block);
            for (int call = 0; call < 1000; ++call) done += count_up(mine.raw);
        });
    for (auto &thread : threads) thread.join();
    CHECK(only_number(block) == done);
    hp_state_free(block);
}

void a_copy_is_what_some_call_left_and_refuses_no_call() {
    hp_state_block *block = hp_state_new(), *copy = hp_state_new();
    std::atomic<bool> done = false;
    const host mine(block);
    CHECK(count_up(mine.raw));
    std::thread copier([&] {
        for (int copies = 0; copies < 1000;)
            if (hp_state_copy(copy, block) == HP_STATE_COPIED && ++copies) CHECK(only_number(copy) >= 1);
        done = true;
    });
    std::int64_t calls = 1;
    for (; !done; ++calls) CHECK(count_up(mine.raw));
    copier.join();
    CHECK(only_number(block) == calls);
    hp_state_free(block);
    hp_state_free(copy);
}

void a_call_waits_for_a_copy_to_end() {
    hp_state_block *block = hp_state_new();
    std::atomic_ref<std::int32_t> in_use(block->in_use);
    in_use = HP_STATE_COPYING;
    std::atomic<bool> began = false;
    std::thread caller([&] {
        const host mine(block);
        began = true;
        CHECK(count_up(mine.raw));
    });
    while (!began) std::this_thread::yield();
    for (int i = 0; i < 100; ++i) std::this_thread::yield();
    in_use = HP_STATE_FREE;
    caller.join();
    CHECK(only_number(block) == 1);
    hp_state_free(block);
}

void an_exception_of_a_migration_is_the_cells_own() {
    hp_state_block *block = hp_state_new();
    const host mine(block);
    CHECK(count_up(mine.raw));
    hp_host_begin(mine.raw);
    bool caught = false;
    try {
        hp_state_migrate(&mine.raw->ctx, 8, 2, [](void *, std::size_t, const void *, std::size_t, std::uint32_t) -> int {
            throw std::runtime_error("of no use");
        });
    } catch (const std::runtime_error &error) {
        caught = std::strcmp(error.what(), "of no use") == 0;
    }
    CHECK(caught);
    hp_host_end(mine.raw, HP_FAILED);
    CHECK(only_number(block) == 1);
    hp_state_free(block);
}

} // namespace

int main() {
    calls_that_meet_are_refused_and_none_is_lost();
    a_copy_is_what_some_call_left_and_refuses_no_call();
    a_call_waits_for_a_copy_to_end();
    an_exception_of_a_migration_is_the_cells_own();
}
