// Where crashes are kept: files without a name until they are complete.
#pragma once

#include <sys/types.h>

#include "settings.h"

enum { SPOOL_ID_SIZE = 32 }; // hex digits of 128 random bits

struct spool {
	int pending; // directory of cores
	int assets;  // directory of tar files
	uid_t uid;   // owner of what is put there
	gid_t gid;
};

// Open the directories. -EPERM if anybody but root and the owner may write in them,
// -ELOOP or -ENOTDIR if they are not what they should be.
int spool_open(const struct settings *settings, struct spool *ret);
void spool_close(struct spool *spool);

// Make a random id, SPOOL_ID_SIZE lower-case hex digits and a NUL.
int spool_make_id(char *ret);

// Create a nameless file that vanishes with its last descriptor. Returns it or -errno.
int spool_create(int directory);

// Hand the file to the owner and force it to disk.
int spool_seal(const struct spool *spool, int fd);

// Give the file its name and force that to disk: nothing before this counts, and
// nothing after it is lost. A name that is given is success.
int spool_commit(int directory, int fd, const char *id);
