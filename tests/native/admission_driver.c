// native/catch/admission.c for tests: crashes and clocks come from standard input.
//
//     driver TABLE OWN KINDS ALL REMEMBER RUNG
//
// Rates are BURST/SECONDS, RUNG is a number of enum rung. Each line of standard input
// asks with `ACTION FAULT EXECUTABLE UID BOOT BOOTTIME REALTIME`; ACTION is `decide`, or
// `withdraw` or `renew` what was decided last. Each line of standard output answers with
// `ERROR ADMITTED COUNTED NEW MISSED TELL_DAEMON TELL_LOG UNTOLD`.

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../native/catch/admission.h"

static int parse_rate(const char *text, struct rate *ret)
{
	return sscanf(text, "%u/%u", &ret->burst, &ret->seconds) == 2 ? 0 : -1;
}

static int act(const char *action, const struct admission_request *request,
	       struct admission *admission)
{
	if (!strcmp(action, "withdraw"))
		return admission_withdraw(request, admission);
	if (!strcmp(action, "renew"))
		return admission_renew(request, admission);
	return admission_decide(request, admission);
}

static void answer(int error, const struct admission *admission)
{
	printf("%d %d %d %d %" PRIu64 " %d %d %" PRIu64 "\n", error, admission->admitted,
	       admission->counted, admission->is_new, admission->missed,
	       admission->tell_daemon, admission->tell_log, admission->untold);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	static struct settings settings;
	static struct admission admission;
	struct policy *policy = &settings.policy;
	char action[16];
	unsigned boot;

	signal(SIGXFSZ, SIG_IGN); // as main.c does
	if (argc != 7 || parse_rate(argv[2], &policy->rate) ||
	    parse_rate(argv[3], &policy->kinds) || parse_rate(argv[4], &settings.rate))
		return 2;
	settings.admission = argv[1];
	settings.remember = (uint32_t)strtoul(argv[5], NULL, 10);
	policy->rung = (enum rung)atoi(argv[6]);
	struct admission_request request = {
		.signal = 11,
		.executable = "/usr/bin/program",
		.settings = &settings,
		.policy = policy,
	};
	while (scanf("%15s %" SCNu64 " %" SCNu64 " %" SCNd64 " %u %" SCNd64 " %" SCNd64, action,
		     &request.kind.fault, &request.kind.executable, &request.uid, &boot,
		     &request.clock.boottime, &request.clock.realtime) == 7) {
		memcpy(request.clock.boot_id, &boot, sizeof(boot));
		answer(act(action, &request, &admission), &admission);
	}
	return 0;
}
