// A pointer to a function is overwritten with text: a call of a non-canonical address.
//
// must: wild-jump|memory.exec
// may: noncanonical security invalid-pointer memory.exec heap.overflow wild-jump
// never: null use-after-free memory.write double-free
// function: run_command
#include "lab.h"

struct command {
	char name[16];
	void (*run)(struct command *);
};

static void say(struct command *command) { puts(command->name); }

APART static void run_command(struct command *command)
{
	command->run(command);
}

int main(void)
{
	struct command *command = malloc(sizeof(*command));

	command->run = say;
	strcpy(command->name, "greet");
	run_command(command);
	memcpy(hidden(command), "/usr/bin/something-long", 24);
	run_command(command);
	return 0;
}
