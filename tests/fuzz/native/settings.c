// The handler's settings.
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "input_file.h"
#include "settings.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct settings settings;
	char path[] = "/tmp/coresnap-fuzz-XXXXXX";
	int file = mkstemp(path);

	if (file < 0 || write(file, data, size) != (ssize_t)size)
		abort();
	close(file);
	settings_read(path, &settings);
	unlink(path);
	if (settings.rule_count > SETTINGS_RULE_LIMIT || settings.quota > 100)
		abort();
	if (!settings.spool || !settings.socket || !settings.admission ||
	    !settings_policy(&settings, "/usr/bin/program"))
		abort();
	for (size_t i = 0; i < settings.rule_count; i++)
		if (strlen(settings.rules[i].pattern) > size)
			abort();
	return 0;
}
