// Pointers of several types to one live object, which holds a pointer to nowhere.
//
//     alias_types agree      a class by its base, its first member and another name
//     alias_types disagree   an object that two structures claim

#include <cstdio>
#include <cstdlib>
#include <cstring>

struct Head {
	long serial;
};

struct Base {
	Head head;
	virtual ~Base() {}
};

struct Derived : Base {
	long *where = nullptr;
};

struct Account {
	long number;
	long *where;
	double balance;
};

struct Session {
	char *user;
	long *where;
	char *token;
};

typedef Account account_type;

Base *kept_base;
void *kept_void;
char *kept_bytes;

__attribute__((noinline)) static void agree()
{
	Derived *derived = new Derived;
	Base *base = derived;

	kept_base = derived;
	kept_void = derived;
	kept_bytes = reinterpret_cast<char *>(derived);
	std::memset(&derived->where, 0x41, 6);
	*derived->where = 7;
	std::printf("%p %p\n", static_cast<void *>(base), kept_void);
}

__attribute__((noinline)) static void disagree()
{
	Account *account = static_cast<Account *>(std::calloc(1, sizeof(Account)));
	Session *session = reinterpret_cast<Session *>(account);
	account_type *other_name = account;

	account->number = 5;
	std::memset(&account->where, 0x41, 6);
	*session->where = 7;
	std::printf("%f %p\n", other_name->balance, static_cast<void *>(session->token));
}

int main(int argc, char **argv)
{
	if (argc > 1 && argv[1][0] == 'd')
		disagree();
	agree();
	return 0;
}
