// Every kind of C++ variable in a few frames, and several ways to die below them.
#include <algorithm>
#include <array>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <pthread.h>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tuple>
#include <unistd.h>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#define KEEP __attribute__((noinline))

static volatile int *volatile nowhere = reinterpret_cast<volatile int *>(8);
static pthread_barrier_t meeting;

namespace shapes {

enum class Kind : std::uint8_t { Circle = 1, Square = 2 };
enum Plain { Small = 1, Large = 1000 };

struct Named {
    std::string name;
};

class Base {
public:
    explicit Base(int id) : id_(id) {}
    virtual ~Base() = default;
    virtual double area(const char *way) const { return way[0]; }
    int id_;
    static int count;

protected:
    mutable bool seen_ = false;
};

int Base::count = 3;

struct Left : virtual Named {
    int left = 1;
};

struct Right : virtual Named {
    int right = 2;
};

struct Both : Left, Right {
    int both = 3;
};

struct Flags {
    bool on : 1;
    unsigned mode : 3;
    int level : 4;
    Kind kind : 2;
};

union Number {
    int whole;
    float real;
    unsigned char bytes[4];
};

struct Outer {
    struct Inner {
        short low = -1, high = 1;
    } inner;
    Flags flags{true, 5, -3, Kind::Circle};
    Number number{0x3f800000};
};

template <typename T, int N>
class Square : public Base {
public:
    Square(int id, T side) : Base(id), side_(side) {}
    double area(const char *way) const override;
    T side_;
    T cells_[N] = {};
};

namespace {

struct Hidden {
    int secret;
    int reveal(const char *way) const;
};

inline __attribute__((always_inline)) int hit(int value, const int &more)
{
    int doubled = value * 2;
    *nowhere = doubled + more;
    return doubled;
}

template <typename T>
inline __attribute__((always_inline)) T aim(T value, std::string_view why)
{
    T sum = value + static_cast<T>(why.size());
    return hit(static_cast<int>(sum), static_cast<int>(value)) + sum;
}

KEEP int write_low(int secret, std::string_view way)
{
    long kept = secret + 1;
    return static_cast<int>(aim(kept, way)) + 1;
}

struct Guard {
    explicit Guard(int *where) : where_(where) { ++*where_; }
    ~Guard() { --*where_; }
    int *where_;
};

KEEP int fly(const std::string &why, int depth)
{
    int held = depth;
    Guard guard(&held);
    if (depth == 0) {
        throw std::runtime_error(why);
    }
    return fly(why, depth - 1) + held;
}

KEEP int escape(const char *way)
{
    int tries = 0;
    try {
        tries = fly("first", 2);
    } catch (const std::logic_error &error) {
        tries = error.what()[0];
    }
    return tries + way[0];
}

KEEP int land(const char *way)
{
    int caught = 0;
    try {
        caught = fly("caught", 2);
    } catch (const std::exception &error) {
        caught = error.what()[0];
        *nowhere = caught;
    }
    return caught + way[0];
}

KEEP int sort_badly()
{
    std::vector<std::pair<int, int>> pairs{{9, 1}, {7, 2}, {5, 3}, {3, 4}};
    int looked = 0;
    std::sort(pairs.begin(), pairs.end(), [&looked](const auto &a, const auto &b) {
        if (a.second == 4 || b.second == 4) {
            *nowhere = ++looked;
        }
        return a.first < b.first;
    });
    return pairs[0].first + looked;
}

KEEP int give_up(const std::vector<int> &numbers, int &&moved)
{
    std::size_t size = numbers.size();
    if (size > 0) {
        std::abort();
    }
    return static_cast<int>(size) + moved;
}

void on_signal(int number)
{
    int code = number;
    const char *name = "SIGUSR1";
    *nowhere = code + name[0];
}

KEEP int interrupt(int more)
{
    struct sigaction action {};
    action.sa_handler = on_signal;
    sigaction(SIGUSR1, &action, nullptr);
    raise(SIGUSR1);
    return more + 1;
}

void *wait_idly(void *argument)
{
    auto *strings = static_cast<std::vector<std::string> *>(argument);
    unsigned seconds = static_cast<unsigned>(strings->size()) + 100;
    pthread_barrier_wait(&meeting);
    for (;;) {
        sleep(seconds);
    }
    return strings;
}

void *work(void *argument)
{
    auto *strings = static_cast<std::vector<std::string> *>(argument);
    std::function<int(int)> twice = [strings](int n) {
        return write_low(n * 2, strings->front());
    };
    pthread_barrier_wait(&meeting);
    usleep(10000);
    int result = twice(21);
    return result == 0 ? nullptr : argument;
}

KEEP int spread(std::vector<std::string> &strings)
{
    pthread_t idle[2], worker;
    void *result = nullptr;
    pthread_barrier_init(&meeting, nullptr, 3);
    for (auto &one : idle) {
        pthread_create(&one, nullptr, wait_idly, &strings);
    }
    pthread_create(&worker, nullptr, work, &strings);
    pthread_join(worker, &result);
    return result == &strings;
}

KEEP int Hidden::reveal(const char *way) const
{
    std::vector<std::string> strings{"one", "a text that is too long to be stored inside", way};
    std::vector<int> numbers{1, 2, 3};
    const std::string kind = way;
    if (kind == "abort") {
        return give_up(numbers, numbers[0] + 4) + 1;
    }
    if (kind == "callback") {
        return sort_badly() + 1;
    }
    if (kind == "handler") {
        return interrupt(secret) + 1;
    }
    if (kind == "thread") {
        return spread(strings) + 1;
    }
    if (kind == "exception") {
        return escape(way) + 1;
    }
    if (kind == "catch") {
        return land(way) + 1;
    }
    return write_low(secret, way) + static_cast<int>(strings.size());
}

}  // namespace

template <typename T, int N>
KEEP double Square<T, N>::area(const char *way) const
{
    Hidden hidden{id_};
    auto twice = [&](int factor) { return hidden.reveal(way) * factor + N; };
    return twice(2) * static_cast<double>(side_);
}

KEEP double visit(const Base &base, std::vector<int> &&moved, int Base::*member,
                  double (Base::*method)(const char *) const, const char *way)
{
    Both both;
    both.name = "both";
    Kind kind = Kind::Square;
    Plain plain = Large;
    std::nullptr_t null = nullptr;
    const std::string &label = both.name;
    Left *left = &both;
    Outer outer;
    long double extended = 3.125L;
    double result = (base.*method)(way) + base.*member + moved[0];
    return result + label.size() + left->left + (null == nullptr) + static_cast<int>(kind) +
           plain + outer.inner.low + static_cast<double>(extended);
}

KEEP double contain(const Base &base, const char *way)
{
    std::map<std::string, int> counts{{"one", 1}, {"two", 2}};
    std::unordered_map<int, std::string> names{{1, "one"}, {2, "two"}};
    std::set<long> unique{3, 1, 2};
    std::list<short> chain{1, 2};
    std::array<double, 2> fixed{1.5, 2.5};
    std::tuple<int, char, std::string> mixed{1, 'c', "third"};
    std::optional<int> some = 5, none;
    std::variant<int, std::string> either = std::string("text");
    std::unique_ptr<int> owned(new int(42));
    auto shared = std::make_shared<Outer>();
    std::weak_ptr<Outer> weak = shared;
    std::vector<bool> bits{true, false, true};
    std::vector<int> numbers{1, 2, 3};
    wchar_t wide[4] = L"abc";
    char16_t utf16[4] = u"xyz";
    std::size_t total = counts.size() + names.size() + unique.size() + chain.size();
    double result = visit(base, std::move(numbers), &Base::id_, &Base::area, way);
    return result + total + fixed[0] + std::get<0>(mixed) + *some + none.has_value() +
           either.index() + *owned + shared->inner.low + weak.use_count() + bits[0] + wide[0] +
           utf16[0];
}

}  // namespace shapes

// Recursion that stays one: each level looks at its own array after the call.
extern "C" int strike(const char *way, int depth)
{
    int level[2] = {depth, depth * 10};
    int *mine = level;
    if (depth == 0) {
        shapes::Square<long, 3> square(*mine + 1, 4);
        square.cells_[1] = 9;
        return static_cast<int>(shapes::contain(square, way)) + *mine;
    }
    int below = strike(way, depth - 1);
    return below + mine[1];
}
