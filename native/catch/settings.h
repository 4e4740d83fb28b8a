// What the administrator wants, from a file that only root can have written.
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "policy.h"

enum fetch_way { FETCH_AUTO, FETCH_PIPE, FETCH_MEMORY };

enum { SETTINGS_FILE_LIMIT = 64 * 1024, SETTINGS_RULE_LIMIT = 64 };

// A policy for programs whose executable matches.
struct rule {
	const char *pattern; // fnmatch(3) over the whole path; '*' matches '/' too
	struct policy policy;
};

struct settings {
	const char *spool;     // directory with pending/ and assets/
	const char *socket;    // the daemon's datagram socket
	const char *admission; // the table of kinds and buckets; "" for no rate limits
	unsigned quota;        // percent of blocks and inodes to leave free
	bool has_owner;        // else the owner of the spool's directories
	uid_t uid;
	gid_t gid;
	enum fetch_way fetch;
	bool drain;         // read the pipe to its end although nobody needs it
	uint64_t important; // resident bytes above which stacks and the like come first
	uint32_t remember;  // seconds that a kind of crash is not new
	struct rate rate;   // crashes of all executables
	struct policy policy;
	struct rule rules[SETTINGS_RULE_LIMIT];
	size_t rule_count;
	char text[SETTINGS_FILE_LIMIT]; // what the strings point into
};

// The settings of a machine without a file.
void settings_default(struct settings *ret);

// Read `key=value` lines over the defaults. `ret` is usable whatever is returned:
// -ENOENT without a file, -EPERM if somebody but root could have written it, -ELOOP
// if it is a symbolic link, -EINVAL if a line makes no sense (the others count).
int settings_read(const char *path, struct settings *ret);

// The policy of the first rule that matches an executable, else the defaults.
const struct policy *settings_policy(const struct settings *settings,
				     const char *executable);
