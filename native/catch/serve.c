#include "serve.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "connection.h"
#include "kernel_log.h"
#include "process.h"

enum {
	CHILD_LIMIT = 16,   // as many as core_pipe_limit allows of the other door
	QUEUE_LIMIT = 256,  // accepted; more stay in the listener's queue
	RETRY = 100,        // milliseconds after which a fork(2) is tried again
	LINGER = 1000,      // milliseconds for crashes that saw the old core_pattern
	CHILD_CONNECTION = 3,
};

#define CORE_PATTERN "/proc/sys/kernel/core_pattern"
#define OOM_SCORE "/proc/self/oom_score_adj"

struct waiting {
	int connection;
	int64_t accepted; // CLOCK_MONOTONIC
};

struct server {
	const struct arguments *arguments;
	int listener;
	int warden; // -1 once it is gone
	int signals;
	sigset_t mask; // of before
	unsigned children;
	struct waiting queue[QUEUE_LIMIT];
	size_t first, count;
	int64_t end; // CLOCK_MONOTONIC from which nothing more is accepted, 0 while serving
};

static int write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	int error = write(fd, text, strlen(text)) < 0 ? -errno : 0;
	close(fd);
	return error;
}

// Back to the pipe, unless somebody else has changed what we know.
static void go_back(const struct arguments *arguments)
{
	char pattern[256] = "";

	process_read(AT_FDCWD, CORE_PATTERN, pattern, sizeof(pattern) - 1, NULL);
	pattern[strcspn(pattern, "\n")] = '\0';
	if (strcmp(pattern, arguments->door) != 0)
		return;
	int error = write_text(CORE_PATTERN, arguments->way_back);
	if (error)
		kernel_log("core_pattern stays %s: %s", pattern, strerror(-error));
}

static void stop(struct server *server)
{
	if (server->end)
		return;
	go_back(server->arguments);
	server->end = clock_now(CLOCK_MONOTONIC) + LINGER * (NANOSECONDS / 1000);
}

static void reap(struct server *server)
{
	int status;

	while (waitpid(-1, &status, WNOHANG) > 0) {
		server->children--;
		if (WIFSIGNALED(status))
			kernel_log("a crash was lost: its helper got signal %d",
				   WTERMSIG(status));
	}
}

static void read_signal(struct server *server)
{
	struct signalfd_siginfo info;

	if (read(server->signals, &info, sizeof(info)) != sizeof(info))
		return;
	if (info.ssi_signo == SIGCHLD)
		reap(server);
	else
		stop(server);
}

static void enqueue(struct server *server)
{
	while (server->count < QUEUE_LIMIT) {
		int connection = accept4(server->listener, NULL, NULL, SOCK_CLOEXEC);
		if (connection < 0)
			return;
		size_t at = (server->first + server->count++) % QUEUE_LIMIT;
		server->queue[at] = (struct waiting){connection, clock_now(CLOCK_MONOTONIC)};
	}
}

// A process stays as long as anybody has its connection: keep no other.
static void be_child(const struct server *server, const struct waiting *waiting)
{
	write_text(OOM_SCORE, "0");
	if (dup2(waiting->connection, CHILD_CONNECTION) < 0 ||
	    close_range(CHILD_CONNECTION + 1, ~0U, 0))
		_exit(1);
	sigprocmask(SIG_SETMASK, &server->mask, NULL);
	connection_handle(CHILD_CONNECTION, server->arguments->settings,
			  !strncmp(server->arguments->door, "@@", 2), waiting->accepted);
	_exit(0);
}

// Returns false if it has to be tried again: a storm may have taken all processes.
static bool start_child(struct server *server)
{
	const struct waiting *waiting = &server->queue[server->first];
	pid_t child = fork();

	if (child < 0)
		return false;
	if (child == 0)
		be_child(server, waiting);
	close(waiting->connection);
	server->children++;
	server->first = (server->first + 1) % QUEUE_LIMIT;
	server->count--;
	return true;
}

static bool start_children(struct server *server)
{
	while (server->count && server->children < CHILD_LIMIT)
		if (!start_child(server))
			return false;
	return true;
}

static void turn(struct server *server, int timeout)
{
	struct pollfd files[] = {
		{.fd = server->signals, .events = POLLIN},
		{.fd = server->warden, .events = POLLIN},
		{.fd = server->count < QUEUE_LIMIT ? server->listener : -1, .events = POLLIN},
	};

	if (poll(files, sizeof(files) / sizeof(*files), timeout) <= 0)
		return;
	if (files[0].revents)
		read_signal(server);
	if (files[1].revents) {
		server->warden = -1;
		stop(server);
	}
	if (files[2].revents)
		enqueue(server);
}

static int prepare(struct server *server)
{
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGCHLD);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigprocmask(SIG_BLOCK, &signals, &server->mask);
	signal(SIGHUP, SIG_IGN);
	server->signals = signalfd(-1, &signals, SFD_CLOEXEC);
	int flags = fcntl(server->listener, F_GETFL);
	if (server->signals < 0 || flags < 0 ||
	    fcntl(server->listener, F_SETFL, flags | O_NONBLOCK) ||
	    write(server->warden, "", 1) != 1)
		return -errno;
	// Without us crashes are lost until the warden notices.
	write_text(OOM_SCORE, "-900");
	return 0;
}

int serve(const struct arguments *arguments, int listener, int warden)
{
	static struct server server; // large, and zero
	int timeout = -1;

	server.arguments = arguments;
	server.listener = listener;
	server.warden = warden;
	int error = prepare(&server);
	if (error)
		return error;
	while (!server.end || server.count || server.children ||
	       clock_now(CLOCK_MONOTONIC) < server.end) {
		turn(&server, timeout);
		timeout = !start_children(&server) ? RETRY : server.end ? LINGER : -1;
	}
	return 0;
}
