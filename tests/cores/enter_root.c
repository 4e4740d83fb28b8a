// Make the current directory, which is a mount point, the root of everything, and
// become a program in it: as a container's runtime does, with nothing left behind.
// Build: cc -static -o enter_root enter_root.c
// Run, in a mount namespace of one's own: enter_root PROGRAM [ARGUMENT ...]

#define _GNU_SOURCE

#include <stdio.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

static int fail(const char *what)
{
	perror(what);
	return 1;
}

int main(int argc, char **argv)
{
	if (argc < 2)
		return 2;
	if (syscall(SYS_pivot_root, ".", "."))
		return fail("pivot_root");
	if (umount2(".", MNT_DETACH))
		return fail("umount2");
	if (chdir("/"))
		return fail("chdir");
	execv(argv[1], argv + 1);
	return fail(argv[1]);
}
