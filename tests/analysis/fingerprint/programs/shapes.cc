// Bugs in C++: `shapes BUG SEED`, as ledger.c.

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace {

volatile long seed;
volatile long sink;
void *volatile nowhere;

struct ParseError : std::runtime_error {
	using std::runtime_error::runtime_error;
};

struct Shape {
	virtual ~Shape() = default;
	virtual long area() const = 0;
	long id = 0;
};

struct Square : Shape {
	explicit Square(long side) : side(side) {}
	long area() const override { return side * side; }
	long side;
};

#ifdef EXTRA
template <typename T> T ballast(T value)
{
	std::vector<T> values;
	for (T i = 0; i < value; i++)
		values.push_back(i * value);
	return values.empty() ? value : values.back();
}

__attribute__((constructor)) void more_ballast()
{
	sink += ballast<int>(seed) + ballast<short>(3);
}
#endif

void parse(const std::string &text)
{
	if (text.size() > 100)
		throw std::length_error("too long: " + std::to_string(seed));
	throw ParseError("line " + std::to_string(seed) + " of " + text);
}

void wrong_line()
{
	parse("input" + std::to_string(seed));
	sink++;
}

void long_line()
{
	parse(std::string(200 + seed, 'x'));
	sink++;
}

long value_at(const std::vector<long> &values, size_t at)
{
	return values.at(at);
}

void behind_the_end()
{
	std::vector<long> values(3);
	sink += value_at(values, 10 + seed);
}

long total_area(const std::vector<std::unique_ptr<Shape>> &shapes)
{
	long total = 0;
	for (const auto &shape : shapes)
		total += shape->area();
	return total;
}

void missing_shape()
{
	std::vector<std::unique_ptr<Shape>> shapes;
	for (long i = 0; i < 1 + seed % 5; i++)
		shapes.push_back(std::make_unique<Square>(i));
	shapes.emplace_back(static_cast<Shape *>(nowhere));
	sink += total_area(shapes);
}

void for_each_shape(const std::vector<Shape *> &shapes,
		    const std::function<void(Shape *)> &visit)
{
	for (Shape *shape : shapes)
		visit(shape);
	sink++;
}

void visit_nothing()
{
	for_each_shape({static_cast<Shape *>(nowhere)}, [](Shape *shape) { sink += shape->id; });
	sink++;
}

struct ById {
	bool operator()(const Shape *one, const Shape *other) const
	{
		return one->id < other->id;
	}
};

void sort_shapes()
{
	std::vector<Shape *> shapes(20 + seed % 20, static_cast<Shape *>(nowhere));
	std::sort(shapes.begin(), shapes.end(), ById());
	sink += shapes.size();
}

template <typename T> void store(T *place, T value)
{
	*place = value;
	sink++;
}

void store_nowhere()
{
	if (seed % 2)
		store(static_cast<int *>(nowhere), 1);
	else
		store(static_cast<long *>(nowhere), 2L);
	sink++;
}

long look_up(const std::map<std::string, long> &known, const std::string &name)
{
	return known.at(name);
}

void unknown_name()
{
	std::map<std::string, long> known{{"one", 1}};
	sink += look_up(known, "two" + std::to_string(seed));
}

void give_back(Shape *shape)
{
	delete shape;
	sink++;
}

void delete_twice()
{
	Shape *volatile shape = new Square(seed);
	give_back(shape);
	*reinterpret_cast<void *volatile *>(shape) = nullptr;
	give_back(shape);
	sink++;
}

void must_not_throw() noexcept
{
	if (seed >= 0)
		throw ParseError("never");
	sink++;
}

void throws_anyway()
{
	must_not_throw();
	sink++;
}

void work(const long *input)
{
	sink += *input;
}

void in_a_thread()
{
	std::thread thread([] { work(static_cast<long *>(nowhere)); });
	thread.join();
	sink++;
}

std::string describe(const Shape &shape)
{
	return "shape " + std::to_string(shape.area());
}

void describe_nothing()
{
	sink += describe(*static_cast<Shape *>(nowhere)).size();
}

void free_text(std::string *text)
{
	delete text;
	sink++;
}

void not_from_new()
{
	static char place[128];
	free_text(reinterpret_cast<std::string *>(place + 16 + 16 * (seed % 2)));
	sink++;
}

const std::map<std::string, void (*)()> bugs{
	{"wrong-line", wrong_line},
	{"long-line", long_line},
	{"behind-the-end", behind_the_end},
	{"missing-shape", missing_shape},
	{"visit-nothing", visit_nothing},
	{"sort-shapes", sort_shapes},
	{"store-nowhere", store_nowhere},
	{"unknown-name", unknown_name},
	{"delete-twice", delete_twice},
	{"noexcept", throws_anyway},
	{"thread", in_a_thread},
	{"describe-nothing", describe_nothing},
	{"not-from-new", not_from_new},
};

} // namespace

int main(int argc, char **argv)
{
	seed = argc > 2 ? std::atol(argv[2]) : 0;
	if (argc == 1) {
		for (const auto &bug : bugs)
			std::puts(bug.first.c_str());
		return 0;
	}
	bugs.at(argv[1])();
	return static_cast<int>(sink) & 1;
}
