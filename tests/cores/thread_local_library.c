// The library of thread_local.c. Build: cc -g -fPIC -shared.
__thread int library_tls = 7;
__thread int library_bss;
int library_global = 77;
static int library_static = 78;
int lib_touch(int n) { library_tls = 100 + n; library_bss = n; library_static++; return library_tls + library_bss; }
