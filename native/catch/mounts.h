// What is known of filesystems from a process's mountinfo, without asking any of them.
#pragma once

#include <stdbool.h>
#include <stdint.h>

// Say whether the filesystem with this device is mounted in `mountinfo`, the text of
// /proc/PID/mountinfo, and is one that a local disk or memory serves. Others (FUSE,
// NFS, 9p, proc, …) may keep a reader waiting for ever, or do things when read.
bool mounts_is_local(const char *mountinfo, uint32_t device_major, uint32_t device_minor);

// Say whether the device is one that the kernel keeps for itself, of shared memory
// (shared anonymous memory, memfd_create(2), shmget(2)): it is mounted nowhere.
bool mounts_is_shared_memory(uint32_t device_major, uint32_t device_minor);
