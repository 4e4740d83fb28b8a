// A reference to an element of a vector, kept over a push_back that moved them all.
//
// must: memory.read use-after-free
// must jemalloc: memory.read null
// must junk: memory.read use-after-free
// may jemalloc: use-after-free null.read
// may: memory.unmapped invalid-pointer noncanonical
// never: null memory.write double-free heap.overflow exception.uncaught
// function: main
#include <memory>
#include <vector>
#include "lab.h"

struct Account {
	std::shared_ptr<long> balance = std::make_shared<long>(100);
	long number = 0;
};

int main()
{
	std::vector<Account> accounts(4);
	Account &first = accounts[0];

	tell_block("free", accounts.data(), 4 * sizeof(Account));
	for (int i = 0; i < 5; i++)
		accounts.push_back({});
	return (int)*static_cast<Account *>(hidden(&first))->balance;
}
