// The arguments and the environment of a process: where it keeps them.
#pragma once

#include <stdbool.h>

#include "process.h"

// Say whether /proc/PID/cmdline and /proc/PID/environ can be read without waiting for the
// server of a file that the process has mapped over them.
bool process_words_are_at_hand(const struct process *process);
