// The notes of a core as FreeBSD's own headers lay them out, each in a section of its
// own, with values that test_freebsd_notes.py knows. Nothing of it is ever run.
#include <sys/param.h>
#include <sys/event.h>
#include <sys/kerneldump.h>
#include <sys/procfs.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/user.h>
#include <netinet/in.h>
#include <machine/reg.h>
#include <signal.h>
#include <stdint.h>

#define NOTE(kind) __attribute__((used, section("freebsd_" #kind)))
#define PACKED __attribute__((packed, aligned(4)))

#if defined(__x86_64__)
#define REGISTERS {.r_rip = 0x201234, .r_rsp = 0x7ffff000, .r_rbp = 0x7ffff100}
#elif defined(__aarch64__)
#define REGISTERS {.elr = 0x201234, .sp = 0x7ffff000, .x[29] = 0x7ffff100}
#elif defined(__i386__)
#define REGISTERS {.r_eip = 0x201234, .r_esp = 0x7ffff000, .r_ebp = 0x7ffff100}
#elif defined(__arm__)
#define REGISTERS {.r_pc = 0x201234, .r_sp = 0x7ffff000, .r[11] = 0x7ffff100}
#else
#define REGISTERS {.sepc = 0x201234, .sp = 0x7ffff000, .s[0] = 0x7ffff100}
#endif

NOTE(3) static const prpsinfo_t program = {
	.pr_version = PRPSINFO_VERSION,
	.pr_psinfosz = sizeof(prpsinfo_t),
	.pr_fname = "worker",
	.pr_psargs = "worker -n 4",
	.pr_pid = 4242,
};

NOTE(1) static const prstatus_t status = {
	.pr_version = PRSTATUS_VERSION,
	.pr_statussz = sizeof(prstatus_t),
	.pr_gregsetsz = sizeof(gregset_t),
	.pr_fpregsetsz = sizeof(fpregset_t),
	.pr_osreldate = 1500068,
	.pr_cursig = SIGSEGV,
	.pr_pid = 100123,
	.pr_reg = REGISTERS,
};

NOTE(7) static const thrmisc_t thread = {.pr_tname = "reader"};

NOTE(17) static const struct PACKED {
	int size;
	struct ptrace_lwpinfo info;
} signalled = {
	.size = sizeof(struct ptrace_lwpinfo),
	.info = {
		.pl_lwpid = 100123,
		.pl_event = PL_EVENT_SIGNAL,
		.pl_flags = PL_FLAG_SI,
		.pl_siginfo = {
			.si_signo = SIGSEGV,
			.si_code = SEGV_ACCERR,
			.si_pid = 77,
			.si_uid = 78,
			.si_addr = (void *)0x1234560,
			._reason._fault._trapno = 12,
		},
		.pl_tdname = "reader",
	},
};

NOTE(8) static const struct PACKED {
	int size;
	struct kinfo_proc process;
} process = {
	.size = sizeof(struct kinfo_proc),
	.process = {
		.ki_structsize = sizeof(struct kinfo_proc),
		.ki_pid = 4242,
		.ki_ppid = 4200,
		.ki_pgid = 4201,
		.ki_sid = 4202,
		.ki_jid = 5,
		.ki_tid = 100123,
		.ki_numthreads = 1,
		.ki_uid = 1001,
		.ki_ruid = 1002,
		.ki_svuid = 1003,
		.ki_rgid = 1004,
		.ki_svgid = 1005,
		.ki_ngroups = 2,
		.ki_groups = {1006, 1007},
		.ki_size = 0x100000,
		.ki_rssize = 301,
		.ki_tsize = 302,
		.ki_dsize = 303,
		.ki_ssize = 304,
		.ki_start = {.tv_sec = 1700000000, .tv_usec = 250000},
		.ki_stat = 3, // SSLEEP, which is the kernel's
		.ki_nice = -3,
		.ki_oncpu = NOCPU,
		.ki_lastcpu = 2,
		.ki_pri = {.pri_class = 3, .pri_level = 152},
		.ki_flag = 0x100,
		.ki_cr_flags = KI_CRF_CAPABILITY_MODE,
		.ki_comm = "worker",
		.ki_tdname = "reader",
		.ki_wmesg = "kqread",
		.ki_login = "alice",
		.ki_loginclass = "staff",
		.ki_emul = "FreeBSD ELF",
		.ki_sigcatch.__bits = {1u << (SIGTERM - 1)},
		.ki_sigignore.__bits = {1u << (SIGPIPE - 1)},
		.ki_sigmask.__bits = {1u << (SIGUSR1 - 1)},
		.ki_siglist.__bits = {1u << (SIGHUP - 1)},
		.ki_rusage = {
			.ru_utime = {.tv_sec = 3, .tv_usec = 500000},
			.ru_stime = {.tv_sec = 1, .tv_usec = 125000},
			.ru_maxrss = 401,
			.ru_majflt = 402,
			.ru_nvcsw = 403,
			.ru_nivcsw = 404,
		},
	},
};

NOTE(9) static const struct PACKED {
	int size;
	struct kinfo_file files[3];
} files = {
	.size = sizeof(struct kinfo_file),
	.files = {
		{
			.kf_structsize = sizeof(struct kinfo_file),
			.kf_type = KF_TYPE_VNODE,
			.kf_fd = 7,
			.kf_ref_count = 2,
			.kf_flags = KF_FLAG_READ | KF_FLAG_WRITE,
			.kf_offset = 4096,
			.kf_un.kf_file = {
				.kf_file_type = KF_VTYPE_VREG,
				.kf_file_size = 8192,
			},
			.kf_path = "/var/db/worker",
		},
		{
			.kf_structsize = sizeof(struct kinfo_file),
			.kf_type = KF_TYPE_PROCDESC,
			.kf_fd = 8,
			.kf_ref_count = 1,
			.kf_un.kf_proc.kf_pid = 4300,
		},
		{
			.kf_structsize = sizeof(struct kinfo_file),
			.kf_type = KF_TYPE_SOCKET,
			.kf_fd = 9,
			.kf_ref_count = 1,
			.kf_un.kf_sock = {
				.kf_sock_sendq = 11,
				.kf_sock_recvq = 12,
				.kf_sock_domain0 = AF_INET,
				.kf_sock_type0 = SOCK_STREAM,
				.kf_sock_protocol0 = IPPROTO_TCP,
				// port 80 of 127.0.0.1, port 8080 of 10.0.0.9
				.kf_sa_local = {
					.ss_len = sizeof(struct sockaddr_in),
					.ss_family = AF_INET,
					.__ss_pad1 = {0, 80, 127, 0, 0, 1},
				},
				.kf_sa_peer = {
					.ss_len = sizeof(struct sockaddr_in),
					.ss_family = AF_INET,
					.__ss_pad1 = {0x1f, (char)0x90, 10, 0, 0, 9},
				},
			},
		},
	},
};

NOTE(10) static const struct PACKED {
	int size;
	struct kinfo_vmentry entries[1];
} mappings = {
	.size = sizeof(struct kinfo_vmentry),
	.entries = {{
		.kve_structsize = sizeof(struct kinfo_vmentry),
		.kve_type = KVME_TYPE_VNODE,
		.kve_start = 0x200000,
		.kve_end = 0x204000,
		.kve_offset = 0x1000,
		.kve_flags = KVME_FLAG_COW | KVME_FLAG_NEEDS_COPY,
		.kve_resident = 3,
		.kve_private_resident = 1,
		.kve_protection = KVME_PROT_READ | KVME_PROT_EXEC,
		.kve_ref_count = 5,
		.kve_shadow_count = 6,
		.kve_vn_type = KF_VTYPE_VREG,
		.kve_vn_size = 12345,
		.kve_path = "/usr/local/bin/worker",
	}},
};

NOTE(13) static const struct PACKED {
	int size;
	struct rlimit limits[RLIM_NLIMITS];
} limits = {
	.size = sizeof(struct rlimit) * RLIM_NLIMITS,
	.limits = {
		[RLIMIT_CORE] = {1 << 20, RLIM_INFINITY},
		[RLIMIT_NOFILE] = {256, 1024},
	},
};

#ifdef KNOTE_STATUS_ACTIVE // from 15 on
NOTE(18) static const struct PACKED {
	int size;
	struct kinfo_knote notes[1];
} watched = {
	.size = sizeof(struct kinfo_knote),
	.notes = {{
		.knt_kq_fd = 10,
		.knt_event = {.ident = 7, .filter = EVFILT_READ},
		.knt_status = KNOTE_STATUS_ACTIVE,
	}},
};
#endif

#define BIG32(number) __builtin_bswap32(number)
#define BIG64(number) __builtin_bswap64(number)

// Without parity, which the test adds.
NOTE(header) static const struct kerneldumpheader header = {
	.magic = KERNELDUMPMAGIC,
	.architecture = MACHINE,
	.version = BIG32(KERNELDUMPVERSION),
	.architectureversion = BIG32(2),
	.dumplength = BIG64(65536),
	.dumptime = BIG64(1700000001),
	.blocksize = BIG32(512),
	.hostname = "host.example.org",
	.versionstring = "FreeBSD 15.0-RELEASE\n",
	.panicstring = "page fault",
	.compression = 2,
	.dumpextent = BIG64(131072),
};
