// A destructor throws while another exception is on its way.
//
// must: exception.uncaught|terminate|noexcept
// may: abort exception* terminate noexcept exception.handled
// never: memory.* null* heap.* assert pure-virtual
// function: transfer
// kind: aborted
#include <stdexcept>
#include "lab.h"

struct Transaction {
	bool committed = false;
	~Transaction() noexcept(false)
	{
		if (!committed)
			throw std::runtime_error("cannot roll back");
	}
};

APART static int transfer(int amount)
{
	Transaction transaction;

	if (amount > 100)
		throw std::overflow_error("too much");
	transaction.committed = true;
	return amount;
}

int main()
{
	try {
		return transfer(10) + transfer(1000);
	} catch (const std::exception &error) {
		return 1;
	}
}
