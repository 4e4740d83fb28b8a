/* What a kernel's file has that its dump is read by: names and structures as FreeBSD's,
   none of its code. Layouts differ from every release's on purpose. */

#ifndef VERSION
#define VERSION "FreeBSD 13.2-RELEASE LAB"
#endif

const char version[] = VERSION "\n";

typedef unsigned long register_t;

struct pcb {
	long pcb_spare;
	register_t pcb_r15, pcb_r14, pcb_r13, pcb_r12;
	register_t pcb_rbp, pcb_rsp, pcb_rbx, pcb_rip;
};

struct trapframe {
	register_t tf_rdi, tf_rsi, tf_rdx, tf_rcx, tf_r8, tf_r9, tf_rax, tf_rbx;
	register_t tf_rbp, tf_r10, tf_r11, tf_r12, tf_r13, tf_r14, tf_r15;
	unsigned int tf_trapno;
	register_t tf_addr, tf_err, tf_rip, tf_cs, tf_rflags, tf_rsp, tf_ss;
};

struct thread {
	int td_flags;
	struct {
		struct thread *tqe_next;
		struct thread **tqe_prev;
	} td_plist;
	int td_tid;
	char td_name[20];
	int td_oncpu;
	struct pcb *td_pcb;
};

struct proc {
	struct {
		struct proc *le_next;
		struct proc **le_prev;
	} p_list;
	struct {
		struct thread *tqh_first;
		struct thread **tqh_last;
	} p_threads;
	int p_pid;
	char p_comm[20];
};

struct linker_file {
	int refs;
	struct {
		struct linker_file *tqe_next;
		struct linker_file **tqe_prev;
	} link;
	char *filename, *pathname;
	unsigned char *address;
	unsigned long size;
};

struct pcb dumppcb, sleeping_pcb;
#ifdef SINCE_14
struct pcb stopped[4], *stoppcbs = stopped;
#else
struct pcb stoppcbs[4];
#endif
int dumptid = 100064;

struct thread idle = {.td_tid = 100003, .td_name = "idle: cpu1", .td_oncpu = 1};
struct thread panicked = {.td_tid = 100064, .td_name = "rx", .td_oncpu = 0};
struct thread sleeping = {.td_plist = {&panicked, 0}, .td_tid = 100063,
    .td_name = "lab", .td_oncpu = -1, .td_pcb = &sleeping_pcb};
struct proc kernel_proc = {.p_threads = {&idle, 0}, .p_pid = 11, .p_comm = "idle"};
struct proc lab_proc = {.p_list = {&kernel_proc, 0}, .p_threads = {&sleeping, 0},
    .p_pid = 20, .p_comm = "lab"};
struct {
	struct proc *lh_first;
} allproc = {&lab_proc};

struct linker_file lab_ko = {.filename = "lab.ko", .pathname = "/boot/kernel/lab.ko",
    .address = (unsigned char *)0xffffffff82160000, .size = 0x4000};
struct linker_file kernel_ko = {.link = {&lab_ko, 0}, .filename = "kernel",
    .address = (unsigned char *)0xffffffff80200000, .size = 0x1000};
struct {
	struct linker_file *tqh_first;
	struct linker_file **tqh_last;
} linker_files = {&kernel_ko, 0};

char stacks[3][8192] __attribute__((aligned(4096)));

void doadump(void);
void panic(const char *text);
void trap_fatal(struct trapframe *frame);
void lab_rx(int length);
void usb_process(int bus);
void fork_exit(void);
void mi_switch(int why);

void
doadump(void)
{
	for (;;)
		;
}

void
panic(const char *text)
{
	(void)text;
	doadump();
}

void
trap_fatal(struct trapframe *frame)
{
	(void)frame;
	panic("page fault");
}

/* As in exception.S: nothing says where its caller is. */
__asm__(".globl calltrap\n.type calltrap,@function\ncalltrap:\n"
	"\tmov %rsp,%rdi\n\tcall trap_fatal\n\tjmp calltrap\n"
	".size calltrap,.-calltrap\n"
	".globl fork_trampoline\n.type fork_trampoline,@function\nfork_trampoline:\n"
	"\tcall fork_exit\n\tjmp fork_trampoline\n"
	".size fork_trampoline,.-fork_trampoline\n");

void
lab_rx(int length)
{
	*(volatile int *)(long)length = 1;
}

void
usb_process(int bus)
{
	lab_rx(bus);
}

void
fork_exit(void)
{
	usb_process(16);
}

void
mi_switch(int why)
{
	(void)why;
	for (;;)
		;
}
