// The kernel's log: the one that works when syslog, journald or init just crashed.
#pragma once

// Write one line, cut at 200 bytes. Nothing that a process chose may be part of it.
// The kernel limits the rate (kernel.printk_devkmsg).
__attribute__((format(printf, 1, 2))) void kernel_log(const char *format, ...);
