// Globals, and thread-local storage of the executable and of a library that is loaded at
// run time; one of four threads writes to address 8. The third worker never uses the
// library. Build: cc -g -pthread -o thread_local thread_local.c; run with the library.
#include <dlfcn.h>
#include <pthread.h>
#include <unistd.h>
#include <stdlib.h>
__thread int exe_tls = 5;
static __thread struct { long a; char name[8]; } per_thread = {1, "none"};
int counter = 42;
static const char *label = "hello";
int table[5] = {1,2,3};
struct point { int x, y; } origin = {3, 4}, *where = &origin;
pthread_barrier_t barrier;
int (*touch)(int);
static void *work(void *argument)
{
	static __thread int inner = 3;
	int n = (int)(long)argument;
	exe_tls = 1000 + n; per_thread.a = n; inner += n;
	if (n != 3) touch(n);
	pthread_barrier_wait(&barrier);
	if (n == 1) { sleep(1); *(volatile int *)8 = inner; }
	for (;;) pause();
}
int main(int argc, char **argv)
{
	void *h = dlopen(argv[1], RTLD_NOW);
	touch = (int (*)(int))dlsym(h, "lib_touch");
	pthread_barrier_init(&barrier, 0, 4);
	pthread_t t[3];
	for (long i = 1; i <= 3; i++) pthread_create(&t[i-1], 0, work, (void *)i);
	pthread_barrier_wait(&barrier);
	for (;;) pause();
}
