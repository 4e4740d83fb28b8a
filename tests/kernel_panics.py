"""What kernels say as they die, in the words of FreeBSD's sources and of real reports.

Functions, sizes and addresses are made up, or those of kernels built for tests.
"""

from __future__ import annotations

PROTECTION_FAULT = """\
Fatal trap 9: general protection fault while in kernel mode
cpuid = 1; apic id = 01
instruction pointer\t= 0x20:0xffffffff80fb84c0
stack pointer\t        = 0x28:0xfffffe0061418bc0
frame pointer\t        = 0x28:0xfffffe0061418be0
code segment\t\t= base 0x0, limit 0xfffff, type 0x1b
\t\t\t= DPL 0, pres 1, long 1, def32 0, gran 1
processor eflags\t= interrupt enabled, resume, IOPL = 0
current process\t\t= 20 (sysctl)
trap number\t\t= 9
panic: general protection fault
cpuid = 1
time = 1795382728
KDB: stack backtrace:
vpanic() at 0xffffffff80524a51 = vpanic+0x151/frame 0xfffffe0061418a30
panic() at 0xffffffff80524893 = panic+0x43/frame 0xfffffe0061418a90
trap_fatal() at 0xffffffff80812345 = trap_fatal+0x387/frame 0xfffffe0061418af0
calltrap() at 0xffffffff80790000 = calltrap+0x8/frame 0xfffffe0061418af0
--- trap 0x9, rip = 0xffffffff80fb84c0, rsp = 0xfffffe0061418bc0, \
rbp = 0xfffffe0061418be0 ---
lab_sysctl() at 0xffffffff80fb84c0 = lab_sysctl+0x40/frame 0xfffffe0061418be0
sysctl_root_handler_locked() at 0xffffffff80530000 = \
sysctl_root_handler_locked+0x9c/frame 0xfffffe0061418c30
sys___sysctl() at 0xffffffff80530500 = sys___sysctl+0x5c/frame 0xfffffe0061418d00
amd64_syscall() at 0xffffffff80815000 = amd64_syscall+0x1c/frame 0xfffffe0061418f30
fast_syscall_common() at 0xffffffff80790900 = \
fast_syscall_common+0xf8/frame 0xfffffe0061418f30
--- syscall (202, FreeBSD ELF64, sys___sysctl), rip = 0x38a4, rsp = 0x8, rbp = 0x9 ---
Uptime: 20s
Dumping 74 out of 2000 MB:..25%..50%
"""

PAGE_FAULT = """\
[383490]
[383490] Fatal trap 12: page fault while in kernel mode
[383490] cpuid = 1; apic id = 02
[383490] fault virtual address\t= 0x10
[383490] fault code\t\t= supervisor read data, page not present
[383490] instruction pointer\t= 0x20:0xffffffff80d04f1b
[383490] stack pointer\t        = 0x28:0xfffffe0105a74dc0
[383490] frame pointer\t        = 0x28:0xfffffe0105a74dc0
[383490] current process\t\t= 15 (usbus2: lab)
[383490] rdi: fffff802b1ed8000 rsi: 0000000000000001 rdx: fffffe0107fc0428
[383490] rax: 0000000000000000 rbx: 0000000000000001 rbp: fffffe0105a74dc0
[383490] trap number\t\t= 12
[383490] panic: page fault
[383490] cpuid = 1
[383490] time = 1783376410
[383490] KDB: stack backtrace:
[383490] db_trace_self_wrapper() at db_trace_self_wrapper+0x2b/frame 0xfffffe0105a74a80
[383490] vpanic() at vpanic+0x161/frame 0xfffffe0105a74bb0
[383490] panic() at panic+0x43/frame 0xfffffe0105a74c10
[383490] trap_fatal() at trap_fatal+0x40b/frame 0xfffffe0105a74c70
[383490] trap_pfault() at trap_pfault+0xa0/frame 0xfffffe0105a74cf0
[383490] calltrap() at calltrap+0x8/frame 0xfffffe0105a74cf0
[383490] --- trap 0xc, rip = 0xffffffff80d04f1b, rsp = 0xfffffe0105a74dc0, \
rbp = 0xfffffe0105a74dc0 ---
[383490] memmove_erms() at memmove_erms+0xe5/frame 0xfffffe0105a74dc0
[383490] lab_rx() at lab_rx+0x142/frame 0xfffffe0105a74e20
[383490] usb_process() at usb_process+0x11d/frame 0xfffffe0105a74ef0
[383490] fork_exit() at fork_exit+0x82/frame 0xfffffe0105a74f30
[383490] fork_trampoline() at fork_trampoline+0xe/frame 0xfffffe0105a74f30
[383490] --- trap 0, rip = 0, rsp = 0, rbp = 0 ---
"""

PAGE_FAULT_BY_STACK = """\
Fatal trap 12: page fault while in kernel mode
cpuid = 6; apic id = 06
fault virtual address\t= 0x18
fault code\t\t= supervisor read data, page not present
instruction pointer\t= 0x20:0xffffffff80c58f80
current process\t\t= 0 (re0 taskq)
trap number\t\t= 12
panic: page fault
cpuid = 6
time = 1730349707
KDB: stack backtrace:
#0 0xffffffff80b7fefd at kdb_backtrace+0x5d
#1 0xffffffff80b32bd1 at vpanic+0x131
#2 0xffffffff80b32a93 at panic+0x43
#3 0xffffffff8100091b at trap_fatal+0x40b
#4 0xffffffff81000966 at trap_pfault+0x46
#5 0xffffffff80fd6d48 at calltrap+0x8
#6 0xffffffff821683d4 at lab_rx+0x344
#7 0xffffffff82168000 at usb_process+0x9d
#8 0xffffffff80b00000 at fork_exit+0x7f
#9 0xffffffff80fd8000 at fork_trampoline+0xe
Uptime: 3d2h
"""

REDZONE = """\
REDZONE: Buffer overflow detected. 8 bytes corrupted after 0xfffff800031ada64 \
(100 bytes allocated).
Allocation backtrace:
#0 0xffffffff8073c210 at redzone_setup+0xc0
#1 0xffffffff80500000 at malloc+0xf0
#2 0xffffffff80fb8400 at lab_allocate+0x20
#3 0xffffffff80530000 at sysctl_root_handler_locked+0x9c
Free backtrace:
#0 0xffffffff8073c540 at redzone_check+0x2e0
#1 0xffffffff80500200 at free+0x40
#2 0xffffffff80fb8480 at lab_release+0x30
panic: Stopping here.
cpuid = 0
time = 1795382728
KDB: stack backtrace:
vpanic() at vpanic+0x151/frame 0xfffffe0061418a30
panic() at panic+0x43/frame 0xfffffe0061418a90
redzone_check() at redzone_check+0x3a0/frame 0xfffffe0061418af0
free() at free+0x40/frame 0xfffffe0061418b20
lab_release() at lab_release+0x30/frame 0xfffffe0061418b40
sysctl_root_handler_locked() at sysctl_root_handler_locked+0x9c/frame 0xfffffe0061418b80
"""

MODIFIED = """\
Memory modified after free 0xfffff80003a5c800(2040) val=deadc0dd @ 0xfffff80003a5c8f0
panic: Most recently used by lab

cpuid = 0
KDB: stack backtrace:
panic() at panic+0x43/frame 0xfffffe0061418a90
mtrash_ctor() at mtrash_ctor+0x87/frame 0xfffffe0061418af0
uma_zalloc_arg() at uma_zalloc_arg+0x200/frame 0xfffffe0061418b20
malloc() at malloc+0x80/frame 0xfffffe0061418b40
lab_open() at lab_open+0x3e/frame 0xfffffe0061418b80
"""

MODIFIED_SINCE_14 = (
    "panic: Memory modified after free 0xfffff80003a5c800 (256, malloc-256) + 16 = "
    "deadc0de00000000\n"
)

DATA_ABORT = """\
  x0: 0x0000000000000000
  x1: 0xffffa00001234000
  sp: 0xffff0000a1b2c3d0
  lr: 0xffff000000812344 (lab_rx + 0x44)
 elr: 0xffff000000812340 (lab_rx + 0x40)
 far: 0x0000000000000008
 esr: 0x0000000096000044
panic: vm_fault failed: 0xffff000000812340 error 1
cpuid = 2
KDB: stack backtrace:
db_trace_self() at db_trace_self
panic() at panic+0x44
data_abort() at data_abort+0x2a0
handle_el1h_sync() at handle_el1h_sync+0x14
--- exception, esr 0x96000044
lab_rx() at lab_rx+0x40
fork_exit() at fork_exit+0x74
fork_trampoline() at fork_trampoline+0x18
"""
