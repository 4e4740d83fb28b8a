// The library of contained.c.
// Build: cc -g -O0 -shared -fPIC -o libcontained.so contained_library.c

void sink(int *target)
{
	*target = 4;
}
