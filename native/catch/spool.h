// Where crashes are kept: files without a name until they are complete.
#pragma once

#include <stdbool.h>
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

enum { SPOOL_NAME_SIZE = 64 };

// A file that vanishes unless it gets a name.
struct spool_file {
	int fd;
	int directory;
	char temporary[SPOOL_NAME_SIZE]; // its name as long as it must have one, else ""
	bool named;                      // by its id
};

// Create a file that nobody else has. Returns 0 or -errno.
int spool_create(int directory, struct spool_file *ret);

// Close the file; without a name it is gone.
void spool_discard(struct spool_file *file);

// Take the file for us alone (flock(2)) for as long as it is open, and hand it to the
// owner. Returns 0 or -errno.
int spool_claim(const struct spool *spool, const struct spool_file *file);

// Hand the file to the owner and force it to disk.
int spool_seal(const struct spool *spool, const struct spool_file *file);

// Give the file its name, if it has none. It is on the disk after spool_commit().
int spool_name(struct spool_file *file, const char *id);

// Give the file its name and force that to disk: nothing before this counts, and
// nothing after it is lost. A name that is given is success.
int spool_commit(struct spool_file *file, const char *id);
