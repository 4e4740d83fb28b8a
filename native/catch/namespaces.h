// In which namespaces a process lives. The links are read, and none is entered, but for
// the one that holds nothing but the host's name.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Describe every namespace of the process whose directory in /proc this is, as its links
// do: `mnt:[4026531841]` and a line break for each. Returns bytes written into `ret`.
size_t namespaces_list(int directory, char *ret, size_t size);

// Open the directory in /proc of a process that lives in the machine's own namespaces.
// Returns a descriptor or -errno.
int namespaces_open_machine(void);

// Say whether the process has another namespace than the machine's first process.
// `kind` is a name in /proc/PID/ns. Without an answer it has not.
bool namespaces_is_foreign(int directory, const char *kind);

// Get the host's name as the process sees it. Returns its length or -errno.
int64_t namespaces_hostname(int directory, char *ret, size_t size);
