#include "checks.h"

#include <elf.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__x86_64__)
enum { MACHINE = EM_X86_64, COMPATIBLE_MACHINE = EM_386 };
#elif defined(__aarch64__)
enum { MACHINE = EM_AARCH64, COMPATIBLE_MACHINE = EM_ARM };
#elif defined(__riscv)
enum { MACHINE = EM_RISCV, COMPATIBLE_MACHINE = EM_RISCV };
#elif defined(__powerpc64__)
enum { MACHINE = EM_PPC64, COMPATIBLE_MACHINE = EM_PPC };
#elif defined(__s390x__)
enum { MACHINE = EM_S390, COMPATIBLE_MACHINE = EM_S390 };
#elif defined(__i386__)
enum { MACHINE = EM_386, COMPATIBLE_MACHINE = EM_386 };
#else
enum { MACHINE = EM_NONE, COMPATIBLE_MACHINE = EM_NONE };
#endif

// Offsets in the notes of the first thread (include/linux/elfcore.h and
// include/uapi/linux/elfcore.h: struct elf_prstatus, elf_prpsinfo).
struct layout {
	size_t signal;  // pr_cursig, a short, in NT_PRSTATUS
	size_t pid;     // pr_pid in NT_PRPSINFO
	size_t command; // pr_fname there, COMMAND_SIZE bytes
};

enum { COMMAND_SIZE = 16 };

static const struct layout layout64 = {12, 24, 40};
static const struct layout layout32 = {12, 12, 28}; // 16-bit uids, as on i386

static int64_t last_number(const char *line)
{
	const char *last = line, *end = strchr(line, '\n');

	for (const char *at = line; end && at < end; at++)
		if (*at == '\t')
			last = at + 1;
	return strtoll(last, NULL, 10);
}

void checks_init(struct checks *checks, const struct process *process)
{
	char status[4096];

	memset(checks, 0, sizeof(*checks));
	checks->inner_pid = NO_NUMBER;
	if (process->directory < 0 || process->foreign)
		return;
	int64_t size = process_read(process->directory, "status", status,
				    sizeof(status) - 1, NULL);
	status[size > 0 ? size : 0] = '\0';
	const char *line = strstr(status, "\nNSpid:\t");
	checks->inner_pid = line ? last_number(line + 1) : NO_NUMBER;
	size = process_read(process->directory, "comm", checks->command,
			    sizeof(checks->command) - 1, NULL);
	checks->command[size > 0 ? size - 1 : 0] = '\0';
	if (process_link(process->task, "exe", checks->executable,
			 sizeof(checks->executable)) < 0)
		checks->executable[0] = '\0';
}

static void judge(struct check *check, bool passed)
{
	check->result = passed ? CHECK_PASSED : CHECK_FAILED;
}

static void compare_numbers(struct check *check, int64_t expected, int64_t found)
{
	snprintf(check->expected, CHECK_TEXT, "%" PRId64, expected);
	snprintf(check->found, CHECK_TEXT, "%" PRId64, found);
	judge(check, expected == found);
}

static void compare_texts(struct check *check, const char *expected, const char *found)
{
	snprintf(check->expected, CHECK_TEXT, "%s", expected);
	snprintf(check->found, CHECK_TEXT, "%s", found);
}

static void check_format(struct check *check, const struct core_head *head)
{
	compare_texts(check, "ELF core", head->is_core ? "ELF core" : "something else");
	judge(check, head->is_core);
}

static void check_machine(struct check *check, const struct core_head *head)
{
	if (!head->is_core || MACHINE == EM_NONE)
		return;
	compare_numbers(check, MACHINE, head->machine);
	judge(check, head->machine == MACHINE || head->machine == COMPATIBLE_MACHINE);
}

// Layout of the notes, NULL where this file does not know it.
static const struct layout *find_layout(const struct core_head *head)
{
	if (!head->is_core)
		return NULL;
	if (!head->is_elf32)
		return &layout64;
	return head->machine == EM_386 ? &layout32 : NULL;
}

// Bytes of a note at an offset, NULL if it does not have them.
static const uint8_t *note_field(const struct core_head *head, uint32_t type, size_t offset,
				 size_t size)
{
	size_t note_size;
	const uint8_t *note = core_head_note(head, "CORE", type, &note_size);

	return note && note_size >= offset + size ? note + offset : NULL;
}

static void check_pid(struct check *check, const struct core_head *head, int64_t inner_pid)
{
	const struct layout *layout = find_layout(head);
	int32_t pid;
	const uint8_t *field =
		layout ? note_field(head, NT_PRPSINFO, layout->pid, sizeof(pid)) : NULL;

	if (!field || inner_pid == NO_NUMBER)
		return;
	memcpy(&pid, field, sizeof(pid));
	compare_numbers(check, inner_pid, pid);
}

static void check_signal(struct check *check, const struct core_head *head, int64_t number)
{
	const struct layout *layout = find_layout(head);
	int16_t signal;
	const uint8_t *field =
		layout ? note_field(head, NT_PRSTATUS, layout->signal, sizeof(signal)) : NULL;

	if (!field || number == NO_NUMBER)
		return;
	memcpy(&signal, field, sizeof(signal));
	compare_numbers(check, number, signal);
}

static void check_command(struct check *check, const struct core_head *head,
			  const char *command)
{
	const struct layout *layout = find_layout(head);
	char name[COMMAND_SIZE + 1] = "";
	const uint8_t *field =
		layout ? note_field(head, NT_PRPSINFO, layout->command, COMMAND_SIZE) : NULL;

	if (!field || !*command)
		return;
	memcpy(name, field, COMMAND_SIZE);
	compare_texts(check, command, name);
	judge(check, !strcmp(command, name));
}

// %E is the path with '!' for '/', seen from the root of the process; /proc/PID/exe is
// seen from ours, so in a chroot it has more in front.
static void check_executable(struct check *check, const char *argument, const char *link)
{
	size_t size = strlen(argument), length = strlen(link);

	if (!size || !length)
		return;
	compare_texts(check, argument, link);
	bool passed = length >= size;
	for (size_t i = 0; passed && i < size; i++) {
		char other = link[length - size + i];
		passed = argument[i] == (other == '/' ? '!' : other);
	}
	judge(check, passed);
}

static void check_extents(struct check *check, const struct capture *capture)
{
	uint64_t expected = capture_expected_size(capture);

	if (!capture->head.is_core || capture->rung >= RUNG_RECORD)
		return;
	snprintf(check->expected, CHECK_TEXT, "%" PRIu64, expected);
	snprintf(check->found, CHECK_TEXT, "%" PRIu64, capture->writer.offset);
	judge(check, capture->writer.offset >= expected);
}

bool checks_same_process(const struct checks *checks, const struct core_head *head)
{
	struct check pid = {0}, command = {0};

	check_pid(&pid, head, checks->inner_pid);
	check_command(&command, head, checks->command);
	return pid.result == CHECK_PASSED && command.result == CHECK_PASSED;
}

void checks_run(struct checks *checks, const struct arguments *arguments,
		const struct capture *capture, bool same)
{
	static const char *const names[CHECK_COUNT] = {
		"format",  "machine",    "pid",     "signal",
		"command", "executable", "extents", "process",
	};
	const struct core_head *head = &capture->head;
	struct check *check = checks->list;

	for (size_t i = 0; i < CHECK_COUNT; i++)
		checks->list[i].name = names[i];
	// Of a core that nobody asked for nothing is known.
	if (capture->rung < RUNG_RECORD)
		check_format(check, head);
	check++;
	check_machine(check++, head);
	check_pid(check++, head, checks->inner_pid);
	check_signal(check++, head, arguments->signal);
	check_command(check++, head, checks->command);
	check_executable(check++, arguments->executable, checks->executable);
	check_extents(check++, capture);
	compare_texts(check, "same process", same ? "same process" : "gone or another");
	judge(check, same);
}
