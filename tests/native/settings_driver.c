// Prints what settings.c reads from the file argv[1], and the policy of argv[2].
#include <inttypes.h>
#include <stdio.h>

#include "settings.h"

static void print_policy(const struct policy *policy)
{
	printf("keep=%s\n", rung_names[policy->rung]);
	printf("rate=%u/%u\n", policy->rate.burst, policy->rate.seconds);
	printf("kinds=%u/%u\n", policy->kinds.burst, policy->kinds.seconds);
	printf("budget=%" PRIu64 "\n", policy->budget);
	printf("logical=%" PRIu64 "\n", policy->logical);
	printf("physical=%" PRIu64 "\n", policy->physical);
	printf("modules=%d\n", (int)policy->modules);
	printf("environ=%s\n", policy->environment);
}

int main(int argc, char **argv)
{
	static struct settings settings;
	int error = argc == 3 ? settings_read(argv[1], &settings) : -1;

	if (error) {
		fprintf(stderr, "settings_read: %d\n", error);
		return 1;
	}
	printf("spool=%s\n", settings.spool);
	printf("socket=%s\n", settings.socket);
	printf("admission=%s\n", settings.admission);
	printf("owner=%d:%u:%u\n", settings.has_owner, settings.uid, settings.gid);
	printf("quota=%u\n", settings.quota);
	printf("fetch=%d\n", (int)settings.fetch);
	printf("drain=%d\n", settings.drain);
	printf("important=%" PRIu64 "\n", settings.important);
	printf("remember=%u\n", settings.remember);
	printf("rate.global=%u/%u\n", settings.rate.burst, settings.rate.seconds);
	printf("rules=%zu\n", settings.rule_count);
	print_policy(settings_policy(&settings, argv[2]));
	return 0;
}
