// Ends by an exception, or by std::terminate, in the way that the argument names.
#include <cstdlib>
#include <exception>
#include <new>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

namespace shop {
struct OutOfStock : std::runtime_error {
	explicit OutOfStock(int item) : std::runtime_error("no more of item " + std::to_string(item)) {}
};
struct Own : std::exception {
	std::string text;
	explicit Own(const char *words) : text(words) {}
	const char *what() const noexcept override { return text.c_str(); }
};
struct Plain { int code; };
struct Abstract {
	Abstract() { call(); }
	virtual ~Abstract() = default;
	void call() { pure(); }
	virtual void pure() = 0;
};
struct Concrete : Abstract { void pure() override {} };
}

static volatile int zero;

__attribute__((noinline)) static void quiet() noexcept
{
	if (!zero)
		throw std::logic_error("thrown in noexcept");
}

static void handled(bool ends)
{
	try {
		throw std::runtime_error("caught before");
	} catch (const std::exception &) {
		if (ends)
			std::abort();
	}
}

static void through_pointer()
{
	std::exception_ptr pointer;
	try {
		throw std::runtime_error("through a pointer");
	} catch (...) {
		pointer = std::current_exception();
	}
	std::rethrow_exception(pointer);
}

int main(int count, char **arguments)
{
	const std::string way = count > 1 ? arguments[1] : "";
	if (way == "derived")
		throw shop::OutOfStock(7);
	if (way == "own")
		throw shop::Own("a text of its own that is long enough for the heap");
	if (way == "short")
		throw shop::Own("short");
	if (way == "plain")
		throw shop::Plain{3};
	if (way == "int")
		throw 42 + zero;
	if (way == "characters")
		throw "plain characters";
	if (way == "system")
		throw std::system_error(std::make_error_code(std::errc::no_such_file_or_directory), "opening it");
	if (way == "memory")
		throw std::bad_alloc();
	if (way == "noexcept")
		quiet();
	if (way == "pure")
		shop::Concrete concrete;
	if (way == "thread")
		std::thread([] { std::this_thread::sleep_for(std::chrono::hours(1)); });
	if (way == "terminate")
		std::terminate();
	if (way == "nothing")
		throw;
	if (way == "pointer")
		through_pointer();
	if (way == "handled") {
		handled(false);
		std::abort();
	}
	if (way == "handling")
		handled(true);
	return 0;
}
