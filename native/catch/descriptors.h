// The helper's own descriptors and privileges, before anything else happens.
#pragma once

// Copy one of the first descriptors to where it is not in the way. Returns it or -errno.
int descriptors_keep(int fd);

// Make descriptors 0 to 2 harmless and return the pipe, or -errno.
//
// The kernel starts the helper with the pipe as 0, the pidfd of %F as 3, and with 1
// and 2 closed (fs/coredump.c, umh_coredump_setup): the next open() would become 1,
// and whatever is printed would go into it. `pidfd`, -1 for none, stays as it is.
int descriptors_secure(int pidfd);

// Never dump core of ourselves: the kernel would start the helper again.
void descriptors_forbid_core(void);
