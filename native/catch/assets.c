#include "assets.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "environment.h"
#include "namespaces.h"
#include "process_words.h"

enum {
	KIB = 1024,
	MIB = 1024 * KIB,
	SCRATCH_SIZE = 4 * MIB,
	TOTAL_LIMIT = 16 * MIB,
	TASK_LIMIT = 256,
	DESCRIPTOR_LIMIT = 4096,
	LINK_SIZE = 4096,
	HOSTNAME_SIZE = 65 + 1, // __NEW_UTS_LEN is 64
	MEMBER_NAME = TAR_NAME_SIZE,
};

// smaps walks every page table entry: about 3 ms for each GiB that is resident, in
// which the process cannot be restarted.
static const uint64_t SMAPS_RESIDENT_LIMIT = 4ULL * 1024 * MIB;

struct file {
	const char *name;
	size_t limit;
	bool of_task; // needs an address space, which only a living thread has
};

static const struct file process_files[] = {
	{"status", 64 * KIB, false}, {"stat", 4 * KIB, false},
	{"limits", 16 * KIB, false}, {"cgroup", 64 * KIB, false},
	{"io", 4 * KIB, false},      {"sched", 64 * KIB, false},
	{"wchan", 4 * KIB, false},   {"comm", 4 * KIB, false},
	{"uid_map", 16 * KIB, false}, {"gid_map", 16 * KIB, false},
	{"auxv", 4 * KIB, true},     {"maps", 4 * MIB, true},
	{"mountinfo", 1 * MIB, true},
};

static const struct file task_files[] = {
	{"comm", 4 * KIB, false},  {"stat", 4 * KIB, false},  {"io", 4 * KIB, false},
	{"sched", 8 * KIB, false}, {"wchan", 4 * KIB, false}, {"stack", 8 * KIB, false},
	{"syscall", 4 * KIB, false},
};

static const struct file system_files[] = {
	{"meminfo", 64 * KIB, false},         {"loadavg", 4 * KIB, false},
	{"pressure/cpu", 4 * KIB, false},     {"pressure/io", 4 * KIB, false},
	{"pressure/memory", 4 * KIB, false},  {"version", 4 * KIB, false},
	{"uptime", 4 * KIB, false},           {"vmstat", 64 * KIB, false},
};

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

int assets_init(struct assets *assets, int fd, int64_t time)
{
	*assets = (struct assets){0};
	tar_init(&assets->tar, fd, time);
	assets->scratch = mmap(NULL, SCRATCH_SIZE, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (assets->scratch == MAP_FAILED) {
		assets->scratch = NULL;
		return -ENOMEM;
	}
	return 0;
}

void assets_deinit(struct assets *assets)
{
	if (assets->scratch)
		munmap(assets->scratch, SCRATCH_SIZE);
	assets->scratch = NULL;
}

void assets_add(struct assets *assets, const char *name, const void *data, size_t size)
{
	if (tar_add(&assets->tar, name, data, size))
		assets->left_out++;
	else
		assets->members++;
}

void assets_reserve(struct assets *assets, size_t size)
{
	// Where this is not possible, the last member has to take its chances.
	if (fallocate(assets->tar.fd, FALLOC_FL_KEEP_SIZE, (off_t)assets->tar.offset,
		      (off_t)(size + 4 * TAR_BLOCK_SIZE)))
		return;
}

static bool has_room(const struct assets *assets)
{
	return assets->tar.offset < TOTAL_LIMIT;
}

// Add a file of /proc. One that is absent or unreadable here is simply not there.
static void add_file(struct assets *assets, int directory, const char *path,
		     const char *member, size_t limit)
{
	bool cut;

	if (!has_room(assets)) {
		assets->left_out++;
		return;
	}
	int64_t size = process_read(directory, path, assets->scratch, limit, &cut);
	if (size < 0)
		return;
	assets->cut += cut;
	assets_add(assets, member, assets->scratch, (size_t)size);
}

static void add_files(struct assets *assets, const struct process *process,
		      const struct file *files, size_t count)
{
	char member[MEMBER_NAME];

	for (size_t i = 0; i < count; i++) {
		int directory = files[i].of_task ? process->task : process->directory;
		snprintf(member, sizeof(member), "process/%s", files[i].name);
		add_file(assets, directory, files[i].name, member, files[i].limit);
	}
}

static void add_smaps(struct assets *assets, const struct process *process)
{
	char text[128];
	int64_t size = process_read(process->task, "statm", text, sizeof(text) - 1, NULL);

	if (size < 0)
		return;
	text[size] = '\0';
	const char *resident = strchr(text, ' ');
	uint64_t pages = resident ? strtoull(resident, NULL, 10) : 0;
	if (pages * (uint64_t)sysconf(_SC_PAGESIZE) > SMAPS_RESIDENT_LIMIT)
		assets->left_out++;
	else
		add_file(assets, process->task, "smaps", "process/smaps", SCRATCH_SIZE);
}

static void add_environment(struct assets *assets, const struct process *process,
			    const char *allowed)
{
	bool cut;
	int64_t size = process_read(process->task, "environ", assets->scratch, SCRATCH_SIZE,
				    &cut);

	if (size < 0)
		return;
	assets->cut += cut;
	size_t kept = environment_filter(allowed, (char *)assets->scratch, (size_t)size);
	assets_add(assets, "process/environ", assets->scratch, kept);
}

// What the process keeps in its own memory.
static void add_words(struct assets *assets, const struct process *process,
		      const char *allowed)
{
	if (!process_words_are_at_hand(process)) {
		assets->left_out++;
		return;
	}
	add_file(assets, process->task, "cmdline", "process/cmdline", 128 * KIB);
	add_environment(assets, process, allowed);
}

static void add_link(struct assets *assets, const struct process *process, const char *name,
		     const char *member)
{
	char target[LINK_SIZE];
	int64_t size = process_link(process->task, name, target, sizeof(target));

	if (size >= 0)
		assets_add(assets, member, target, (size_t)size);
}

// `NUMBER TARGET` and a NUL for each descriptor: a target may hold line breaks.
static size_t describe_descriptor(int directory, const char *name, char *ret, size_t size)
{
	char target[LINK_SIZE];

	if (!isdigit((unsigned char)*name) ||
	    process_link(directory, name, target, sizeof(target)) < 0)
		return 0;
	int length = snprintf(ret, size, "%s %s", name, target);
	return length > 0 && (size_t)length < size ? (size_t)length + 1 : 0;
}

static void add_descriptors(struct assets *assets, const struct process *process)
{
	char *list = (char *)assets->scratch;
	size_t used = 0;
	int fd = openat(process->task, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *directory = fd < 0 ? NULL : fdopendir(fd);

	if (!directory)
		return;
	unsigned count = 0;
	for (struct dirent *entry; (entry = readdir(directory)); count++) {
		if (count >= DESCRIPTOR_LIMIT)
			assets->left_out++;
		else
			used += describe_descriptor(fd, entry->d_name, list + used,
						    SCRATCH_SIZE - used);
	}
	closedir(directory);
	assets_add(assets, "process/fd", list, used);
}

static void add_task(struct assets *assets, const struct process *process, int64_t tid)
{
	char path[64], member[MEMBER_NAME];

	for (size_t i = 0; i < COUNT(task_files); i++) {
		snprintf(path, sizeof(path), "task/%" PRId64 "/%s", tid, task_files[i].name);
		snprintf(member, sizeof(member), "process/%s", path);
		add_file(assets, process->directory, path, member, task_files[i].limit);
	}
}

// The crashing thread comes first, so that it is there however many there are.
static void add_tasks(struct assets *assets, const struct process *process, int64_t crashed)
{
	int fd = openat(process->directory, "task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *directory = fd < 0 ? NULL : fdopendir(fd);
	unsigned count = 1;

	if (!directory)
		return;
	if (crashed > 0)
		add_task(assets, process, crashed);
	for (struct dirent *entry; (entry = readdir(directory));) {
		int64_t tid = strtoll(entry->d_name, NULL, 10);
		if (tid <= 0 || tid == crashed)
			continue;
		if (count++ < TASK_LIMIT)
			add_task(assets, process, tid);
		else
			assets->left_out++;
	}
	closedir(directory);
}

static void add_namespaces(struct assets *assets, int directory, const char *member)
{
	size_t size = namespaces_list(directory, (char *)assets->scratch, SCRATCH_SIZE);

	if (size)
		assets_add(assets, member, assets->scratch, size);
}

static void add_hostname(struct assets *assets, const struct process *process)
{
	char name[HOSTNAME_SIZE];

	if (!namespaces_is_foreign(process->task, "uts"))
		return;
	int64_t size = namespaces_hostname(process->task, name, sizeof(name));
	if (size > 0)
		assets_add(assets, "process/hostname", name, (size_t)size);
}

void assets_add_process(struct assets *assets, const struct process *process, int64_t tid,
			const struct policy *policy)
{
	if (process->directory < 0 || process->foreign)
		return;
	add_files(assets, process, process_files, COUNT(process_files));
	add_words(assets, process, policy->environment);
	add_link(assets, process, "exe", "process/exe");
	add_link(assets, process, "cwd", "process/cwd");
	add_link(assets, process, "root", "process/root");
	add_namespaces(assets, process->task, "process/ns");
	add_hostname(assets, process);
	add_descriptors(assets, process);
	add_smaps(assets, process);
	add_tasks(assets, process, tid);
}

static void add_uname(struct assets *assets)
{
	struct utsname names;
	char text[sizeof(names) + 8];

	if (uname(&names))
		return;
	int size = snprintf(text, sizeof(text), "%s\n%s\n%s\n%s\n%s\n", names.sysname,
			    names.nodename, names.release, names.version, names.machine);
	assets_add(assets, "system/uname", text, (size_t)size);
}

void assets_add_system(struct assets *assets)
{
	char path[64], member[MEMBER_NAME];

	for (size_t i = 0; i < COUNT(system_files); i++) {
		snprintf(path, sizeof(path), "/proc/%s", system_files[i].name);
		snprintf(member, sizeof(member), "system/%s", system_files[i].name);
		add_file(assets, AT_FDCWD, path, member, system_files[i].limit);
	}
	add_uname(assets);
	int machine = namespaces_open_machine();
	if (machine >= 0) {
		add_namespaces(assets, machine, "system/ns");
		close(machine);
	}
}
