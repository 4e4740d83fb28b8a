// What the administrator wants, from a file that only root can have written.
#pragma once

#include <stdbool.h>
#include <sys/types.h>

enum fetch_way { FETCH_AUTO, FETCH_PIPE, FETCH_MEMORY };

enum { SETTING_SIZE = 4096 };

struct settings {
	char spool[SETTING_SIZE];       // directory with pending/ and assets/
	char socket[108];               // the daemon's datagram socket, sun_path's size
	char environment[SETTING_SIZE]; // names to keep, comma separated, * at the end
	unsigned quota;                 // percent of blocks and inodes to leave free
	bool has_owner;                 // else the owner of the spool's directories
	uid_t uid;
	gid_t gid;
	enum fetch_way fetch;
	bool drain; // read the pipe to its end although nobody needs it
};

// The settings of a machine without a file.
void settings_default(struct settings *ret);

// Read `key=value` lines over the defaults. `ret` is usable whatever is returned:
// -ENOENT without a file, -EPERM if somebody but root could have written it, -ELOOP
// if it is a symbolic link, -EINVAL if a line makes no sense (the others count).
int settings_read(const char *path, struct settings *ret);
