"""What sanitizers write, as they wrote it: gcc 12, clang 14 and clang 16 on Linux, with addresses instead of lines."""

from __future__ import annotations

import pytest

from hotplate.execute.workers.sanitizers.report import Call, Memory, own_output, parse_report, report_start

GCC_HEAP = """\
solving
=================================================================
hotplate: input 1 lies at 0x618000000080, 800 bytes
hotplate: output 0 lies at 0x618000000480, 800 bytes
==30525==ERROR: AddressSanitizer: heap-buffer-overflow on address 0x6180000003a0 at pc 0x7f091c9bb266
READ of size 8 at 0x6180000003a0 thread T0
    #0 0x7f091c9bb265  (/cache/be6a/over-5f367c19.so+0x2265)
    #1 0x7f091c9bb5b6  (/cache/be6a/over-5f367c19.so+0x25b6)
    #2 0x55ee3204c8af  (/cache/2c06/worker+0x3d8af)

0x6180000003a0 is located 0 bytes to the right of 800-byte region [0x618000000080,0x6180000003a0)
allocated by thread T0 here:
    #0 0x7f091dab7ffd  (/lib/x86_64-linux-gnu/libasan.so.8+0xb7ffd)
    #1 0x55ee320414d9  (/cache/2c06/worker+0x324d9)

SUMMARY: AddressSanitizer: heap-buffer-overflow (/cache/be6a/over-5f367c19.so+0x2265)
Shadow bytes around the buggy address:
  0x0c307fff8020: 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
==30525==ABORTING
"""

CLANG_16_HEAP = """\
=================================================================
hotplate: input 1 lies at 0x618000000080, 800 bytes
==1653==ERROR: AddressSanitizer: heap-buffer-overflow on address 0x6180000003a0 at pc 0x7fba4816f745
READ of size 8 at 0x6180000003a0 thread T0
    #0 0x7fba4816f744  (/cache/d3e2/over-4a66acb4.so+0x3744) (BuildId: 6ee31aa88f9d)
    #1 0x7fba4816f94b  (/cache/d3e2/over-4a66acb4.so+0x394b) (BuildId: 6ee31aa88f9d)

0x6180000003a0 is located 0 bytes after 800-byte region [0x618000000080,0x6180000003a0)
allocated by thread T0 here:
    #0 0x5557e64c2e87  (/cache/92c1/worker+0xc3e87) (BuildId: 28f0fabfc63c)

==1653==ABORTING
"""

GCC_FREED = """\
=================================================================
==30643==ERROR: AddressSanitizer: heap-use-after-free on address 0x607000000180 at pc 0x7f7d0bca627e
WRITE of size 8 at 0x607000000180 thread T0
    #0 0x7f7d0bca627d  (/cache/3a56/freed-b435fe62.so+0x227d)

0x607000000180 is located 16 bytes inside of 80-byte region [0x607000000170,0x6070000001c0)
freed by thread T0 here:
    #0 0x7f7d0b6b76a8  (/lib/x86_64-linux-gnu/libasan.so.8+0xb76a8)
    #1 0x7f7d0bca61ec  (/cache/3a56/freed-b435fe62.so+0x21ec)

previously allocated by thread T0 here:
    #0 0x7f7d0b6b89cf  (/lib/x86_64-linux-gnu/libasan.so.8+0xb89cf)
    #1 0x7f7d0bca61dc  (/cache/3a56/freed-b435fe62.so+0x21dc)

==30643==ABORTING
"""

CLANG_14_LOCAL = """\
/notes/a.c:29:70: runtime error: index 5 out of bounds for type 'volatile int64_t[4]' (aka 'volatile long[4]')
    #0 0x7f0630508ac4  (/cache/7ec9/local-79d48a19.so+0x3ac4) (BuildId: 0265e0c6d453)

SUMMARY: UndefinedBehaviorSanitizer: undefined-behavior /notes/a.c:29:70 in
=================================================================
==2012==ERROR: AddressSanitizer: stack-buffer-overflow on address 0x7f062ed00748 at pc 0x7f0630508b68
READ of size 8 at 0x7f062ed00748 thread T0
    #0 0x7f0630508b67  (/cache/7ec9/local-79d48a19.so+0x3b67) (BuildId: 0265e0c6d453)

Address 0x7f062ed00748 is located in stack of thread T0 at offset 72 in frame
    #0 0x7f06305086cf  (/cache/7ec9/local-79d48a19.so+0x36cf) (BuildId: 0265e0c6d453)

  This frame has 3 object(s):
    [32, 64) 'a.i' <== Memory access at offset 72 overflows this variable
    [96, 104) 'hp_0' (line 10)
    [128, 136) 'hp_result' (line 12)
HINT: this may be a false positive if your program uses some custom stack unwind mechanism, swapcontext or vfork
==2012==ABORTING
"""

GCC_GLOBAL = """\
=================================================================
==31775==ERROR: AddressSanitizer: global-buffer-overflow on address 0x7f444ee5f268 at pc 0x7f444ee5c26a
READ of size 8 at 0x7f444ee5f268 thread T0
    #0 0x7f444ee5c269  (/cache/c300/global-78e33f14.so+0x2269)

0x7f444ee5f268 is located 8 bytes to the right of global variable 'table' defined in '/a.c:30:16' (0x7f) of size 32
0x7f444ee5f268 is located 24 bytes to the left of global variable '*.Lubsan_data16' defined in 'u.c' (0x7f) of size 32
==31775==ABORTING
"""

CLANG_16_NULL = """\
/notes/a.c:22:12: runtime error: applying non-zero offset 24 to null pointer
    #0 0x7fca32787af6  (/cache/3e85/null_pointer-15e77437.so+0x2af6) (BuildId: 762b511ecac1)

SUMMARY: UndefinedBehaviorSanitizer: undefined-behavior /notes/a.c:22:12 in
AddressSanitizer:DEADLYSIGNAL
=================================================================
==1729==ERROR: AddressSanitizer: SEGV on unknown address 0x000000000018 (pc 0x7fca32787903 T0)
==1729==The signal is caused by a READ memory access.
==1729==Hint: address points to the zero page.
    #0 0x7fca32787903  (/cache/3e85/null_pointer-15e77437.so+0x2903) (BuildId: 762b511ecac1)

AddressSanitizer can not provide additional info.
==1729==ABORTING
"""

GCC_TWICE = """\
=================================================================
==31987==ERROR: AddressSanitizer: attempting double-free on 0x607000000170 in thread T0:
    #0 0x7f000d8b76a8  (/lib/x86_64-linux-gnu/libasan.so.8+0xb76a8)
    #1 0x7f000d64b1f4  (/cache/c4a1/twice-b1404c7f.so+0x21f4)

0x607000000170 is located 0 bytes inside of 80-byte region [0x607000000170,0x6070000001c0)
freed by thread T0 here:
    #0 0x7f000d8b76a8  (/lib/x86_64-linux-gnu/libasan.so.8+0xb76a8)
==31987==ABORTING
"""

GCC_STACK = """\
AddressSanitizer:DEADLYSIGNAL
=================================================================
==31231==ERROR: AddressSanitizer: stack-overflow on address 0x7ffc8b3989e8 (pc 0x7f95d491c36d T0)
    #0 0x7f95d491c36d  (/cache/77b4/overflown-9f1e91f5.so+0x236d)
    #1 0x7f95d491c2e2  (/cache/77b4/overflown-9f1e91f5.so+0x22e2)
==31231==ABORTING
"""

ALL = [GCC_HEAP, CLANG_16_HEAP, GCC_FREED, CLANG_14_LOCAL, GCC_GLOBAL, CLANG_16_NULL, GCC_TWICE, GCC_STACK]


@pytest.mark.parametrize("text", [GCC_HEAP, CLANG_16_HEAP])
def test_an_access_behind_an_array_of_the_call_names_the_array(text: str) -> None:
    (found,) = parse_report(text)
    assert (found.tool, found.kind, found.access, found.size) == ("address", "heap-buffer-overflow", "read", 8)
    assert found.memory == Memory(0, "behind", 800, "input 1")
    assert found.address == 0x6180000003A0


def test_calls_are_a_file_and_an_offset_without_the_build_id() -> None:
    (found,) = parse_report(CLANG_16_HEAP)
    assert found.calls == (Call("/cache/d3e2/over-4a66acb4.so", 0x3744), Call("/cache/d3e2/over-4a66acb4.so", 0x394B))
    assert found.allocated == (Call("/cache/92c1/worker", 0xC3E87),)


def test_a_use_after_free_tells_where_the_memory_came_from_and_went() -> None:
    (found,) = parse_report(GCC_FREED)
    assert (found.kind, found.access) == ("heap-use-after-free", "write")
    assert found.memory == Memory(16, "within", 80)
    assert [call.offset for call in found.freed] == [0xB76A8, 0x21EC]
    assert [call.offset for call in found.allocated] == [0xB89CF, 0x21DC]


def test_findings_of_both_sanitizers_come_in_their_order() -> None:
    undefined, address = parse_report(CLANG_14_LOCAL)
    assert (undefined.tool, undefined.path, undefined.line, undefined.column) == ("undefined", "/notes/a.c", 29, 70)
    assert undefined.kind.startswith("index 5 out of bounds for type")
    assert undefined.calls[0].offset == 0x3AC4
    assert (address.kind, address.memory) == ("stack-buffer-overflow", Memory(8, "behind", 32, "a"))
    assert len(address.calls) == 1  # that of the frame is none


def test_a_global_variable_is_named_and_what_the_compiler_put_beside_it_is_not() -> None:
    (found,) = parse_report(GCC_GLOBAL)
    assert found.memory == Memory(8, "behind", 32, "table")


def test_a_signal_has_its_address_and_what_was_tried() -> None:
    _, found = parse_report(CLANG_16_NULL)
    assert (found.kind, found.address, found.access, found.is_signal) == ("SEGV", 0x18, "read", True)


@pytest.mark.parametrize(("text", "kind"), [(GCC_TWICE, "double-free"), (GCC_STACK, "stack-overflow")])
def test_kinds_without_an_access(text: str, kind: str) -> None:
    (found,) = parse_report(text)
    assert (found.kind, found.access, found.size) == (kind, "", 0)


def test_an_input_that_was_written_to_is_a_finding_of_the_workers() -> None:
    (found,) = parse_report("hotplate: input 2 lies at 0x60, 8 bytes\nhotplate: written 2 lies at 0x60, 8 bytes\n")
    assert (found.kind, found.memory) == ("written-input", Memory(0, "within", 8, "input 2"))


@pytest.mark.parametrize(
    ("where", "memory"),
    [
        ("4 bytes to the left of 144-byte", Memory(68, "before", 80, "state 0")),
        ("70 bytes inside of 144-byte", Memory(6, "within", 80, "state 0")),
        ("10 bytes inside of 144-byte", Memory(54, "before", 80, "state 0")),
        ("16 bytes after 144-byte", Memory(16, "behind", 80, "state 0")),
    ],
)
def test_what_stands_before_a_state_is_no_part_of_it(where: str, memory: Memory) -> None:
    text = "hotplate: state 0 lies at 0x1040, 80 bytes\n==1==ERROR: AddressSanitizer: some-overflow on address 0x1\n"
    (found,) = parse_report(f"{text}0x1 is located {where} region [0x1000,0x1090)\n")
    assert found.memory == memory


def test_text_without_a_report_has_no_findings() -> None:
    assert parse_report("") == parse_report("nothing: to see\n") == ()
    assert own_output("nothing: to see\n") == "nothing: to see\n"
    assert report_start(b"nothing: to see\n") is None


@pytest.mark.parametrize("text", ALL)
def test_what_the_cell_wrote_before_is_kept_apart(text: str) -> None:
    assert own_output(text) == ("solving\n" if text.startswith("solving") else "")


@pytest.mark.parametrize("text", ALL)
def test_a_report_that_was_cut_anywhere_is_no_error(text: str) -> None:
    lines = text.split("\n")
    for end in range(len(lines)):
        parse_report("\n".join(lines[:end]))
        parse_report("\n".join(lines[end:]))
