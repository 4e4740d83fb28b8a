// A constructor calls, through a helper, a method that only the derived class has.
//
// must: pure-virtual
// may: abort terminate
// never: memory.* null* heap.* assert exception.uncaught use-after-free
// function: Plugin
// kind: aborted
#include <string>
#include "lab.h"

class Plugin {
public:
	Plugin() { register_self(); }
	virtual ~Plugin() = default;
	virtual std::string name() const = 0;

private:
	APART void register_self() { puts(name().c_str()); }
};

class Codec : public Plugin {
public:
	std::string name() const override { return "codec"; }
};

int main()
{
	Codec codec;

	return 0;
}
