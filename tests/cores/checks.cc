// Fails a check of glog, or logs what is fatal, as the argument says.
#include <glog/logging.h>

static void check(int number)
{
	CHECK_EQ(number, 77) << "numbers differ";
}

int main(int count, char **arguments)
{
	google::InitGoogleLogging(arguments[0]);
	if (count > 2)
		LOG(FATAL) << "cannot go on with " << count;
	check(count);
	return 0;
}
