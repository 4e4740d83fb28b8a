// How much of a core is kept: chosen before it is fetched, and again when it fails.
#pragma once

struct capture;
struct space;

// Choose the rung to begin with, from the policy and the room that is left. The front
// of the core is known.
void ladder_choose(struct capture *capture, int fd);

// Get the most that can be had after the core could not be fetched to its end, or was
// not meant to be. What comes out is `rung` and `reason`, and an `error` if not even
// the headers could be made to say what there is.
void ladder_descend(struct capture *capture, struct space *space);
