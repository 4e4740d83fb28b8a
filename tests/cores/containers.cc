// The standard library's containers with known contents, then a write to address 8.
// Build: c++ -std=c++20 -g -O0 -pthread -o containers containers.cc
#include <any>
#include <array>
#include <atomic>
#include <bitset>
#include <chrono>
#include <complex>
#include <deque>
#include <filesystem>
#include <forward_list>
#include <functional>
#include <initializer_list>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <queue>
#include <set>
#include <stack>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <variant>
#include <vector>
#if __cplusplus > 201703L && __has_include(<span>)
#include <span>
#endif

using namespace std::chrono_literals;

struct Point {
    int x, y;
};

struct Padded {
    char tag;
    double weight;
};

struct Owner {
    std::string name;
    std::vector<int> numbers;
};

static int twice(int number) { return 2 * number; }

__attribute__((noinline)) static void crash(void)
{
    *(volatile int *)8 = 1;
}

__attribute__((noinline)) static void texts(void)
{
    std::string empty;
    std::string brief = "brief";
    std::string lengthy = "longer than what fits into the object itself";
    std::string zeros("a\0b", 3);
    std::wstring wide = L"wide \u00e4";
    std::u16string two = u"two \u20ac";
    std::u32string four = U"four \U0001f600";
    std::string_view view = std::string_view(lengthy).substr(0, 11);
    std::filesystem::path path = "/tmp/some/file.txt";
    const std::string &reference = brief;
    std::string *pointer = &lengthy;
    crash();
    (void)(empty.size() + zeros.size() + wide.size() + two.size() + four.size() +
           view.size() + reference.size() + pointer->size());
}

__attribute__((noinline)) static void sequences(void)
{
    std::vector<int> none;
    std::vector<int> numbers = {1, 2, 3};
    numbers.reserve(8);
    std::vector<bool> bits;
    for (int i = 0; i < 70; i++)
        bits.push_back(i % 3 == 0);
    std::vector<std::string> words = {"one", "two", "a word too long to be short"};
    std::vector<std::vector<int>> nested = {{1}, {}, {2, 3}};
    std::vector<Point> points = {{1, 2}, {3, 4}};
    std::vector<int> thousand(1000, 7);
    std::deque<int> queue;
    for (int i = 0; i < 300; i++)
        queue.push_back(i);
    for (int i = 0; i < 200; i++)
        queue.pop_front();
    std::deque<Padded> padded = {{'a', 1.5}, {'b', 2.5}};
    std::list<std::string> chain = {"x", "y"};
    std::list<int> no_chain;
    std::forward_list<int> forward = {5, 6, 7};
    std::array<int, 3> fixed = {4, 5, 6};
    std::stack<int> pile({1, 2});
    std::queue<int> line({3, 4});
    std::priority_queue<int> ranked;
    ranked.push(1);
    ranked.push(9);
    std::initializer_list<int> listed = {10, 11};
    std::bitset<70> flags(5);
    std::vector<int>::iterator second = numbers.begin() + 1;
#if __cplusplus > 201703L && __has_include(<span>)
    std::span<int> window(numbers.data() + 1, 2);
    std::span<int, 3> whole(numbers.data(), 3);
#endif
    std::vector<long double> wide = {1.5L, 2.5L};
    crash();
    (void)(none.size() + bits.size() + words.size() + nested.size() + points.size() +
           thousand.size() + chain.size() + no_chain.size() + fixed.size() +
           pile.size() + line.size() + ranked.size() + listed.size() +
           flags.count() + *second + forward.front() + padded.size() + wide.size());
#if __cplusplus > 201703L && __has_include(<span>)
    (void)(window.size() + whole.size());
#endif
}

__attribute__((noinline)) static void associations(void)
{
    std::map<int, std::string> names = {{1, "one"}, {2, "two"}, {3, "three"}};
    std::map<std::string, std::vector<int>> lists = {{"odd", {1, 3}}, {"even", {2}}};
    std::map<char, char> small = {{'a', 'A'}};
    std::map<int, int> nothing;
    std::multimap<int, double> many = {{1, 0.5}, {1, 1.5}};
    std::set<int> numbers = {30, 10, 20};
    std::multiset<std::string> repeated = {"b", "a", "b"};
    std::unordered_map<std::string, int> ages = {{"ann", 41}, {"bob", 42}};
    std::unordered_map<int, int> squares = {{2, 4}};
    std::unordered_multimap<int, int> several = {{1, 2}, {1, 3}};
    std::unordered_set<int> few = {17};
    std::unordered_multiset<int> same = {8, 8};
    std::map<int, std::string>::iterator found = names.find(2);
    std::map<int, std::string>::iterator end = names.find(9);
    std::map<std::pair<int, int>, int> pairs = {{{1, 2}, 3}};
    std::set<int> big;
    for (int i = 0; i < 250; i++)
        big.insert(i);
    std::set<long double> wide = {2.5L};
    std::unordered_map<int, std::string>::iterator place;
    std::unordered_map<int, std::string> places = {{5, "five"}};
    place = places.find(5);
    crash();
    (void)(lists.size() + small.size() + nothing.size() + many.size() +
           numbers.size() + repeated.size() + ages.size() + squares.size() +
           several.size() + few.size() + same.size() + found->first + pairs.size() + (end == names.end()) +
           big.size() + wide.size() + place->first);
}

__attribute__((noinline)) static void wrappers(void)
{
    std::pair<int, std::string> pair = {7, "seven"};
    std::tuple<int, std::string, double> tuple = {1, "two", 3.5};
    std::tuple<> unit;
    std::optional<int> maybe = 5;
    std::optional<std::string> some_text = "text";
    std::optional<int> absent;
    std::variant<int, std::string> either = "or";
    std::variant<int, std::string> number = 3;
    std::any anything = 42;
    std::any any_text = std::string("a text in an any");
    std::any no_thing;
    std::unique_ptr<Point> unique(new Point{5, 6});
    std::unique_ptr<Point> unique_none;
    std::unique_ptr<int[]> unique_array(new int[3]{1, 2, 3});
    std::shared_ptr<Point> shared = std::make_shared<Point>(Point{7, 8});
    std::shared_ptr<Point> also = shared;
    std::weak_ptr<Point> weak = shared;
    std::shared_ptr<int> shared_none;
    std::function<int(int)> function = twice;
    std::function<int(int)> no_function;
    int base = 3;
    std::function<int(int)> lambda = [base](int n) { return n + base; };
    std::reference_wrapper<int> wrapped = base;
    std::complex<double> z(1.5, -2.0);
    std::atomic<int> counter(12);
    std::atomic<bool> ready(true);
    std::error_code error = std::make_error_code(std::errc::permission_denied);
    std::error_code no_error;
    std::runtime_error runtime("what went wrong");
    std::exception_ptr caught;
    try {
        throw std::out_of_range("thrown and caught");
    } catch (...) {
        caught = std::current_exception();
    }
    Owner owner = {"owner", {1, 2}};
    Owner *to_owner = &owner;
    crash();
    (void)(maybe.has_value() + absent.has_value() + either.index() + number.index() +
           anything.has_value() + any_text.has_value() + no_thing.has_value() +
           counter + ready + wrapped + !caught + lambda(1) + to_owner->numbers[0] +
           (weak.use_count() > 0) + (function ? 1 : 0) + (no_function ? 1 : 0));
}

__attribute__((noinline)) static void times(void)
{
    std::chrono::seconds seconds = 90s;
    std::chrono::milliseconds milliseconds = 1500ms;
    std::chrono::nanoseconds nanoseconds = 42ns;
    std::chrono::hours hours = 30h;
    std::chrono::duration<double> fraction(0.25);
    std::chrono::duration<int, std::ratio<1, 30>> frames(61);
    std::chrono::system_clock::time_point moment(
        std::chrono::duration_cast<std::chrono::system_clock::duration>(
            1700000000s + 250ms));
    std::chrono::steady_clock::time_point since_boot(
        std::chrono::duration_cast<std::chrono::steady_clock::duration>(12345ms));
    crash();
    (void)(seconds.count() + milliseconds.count() + nanoseconds.count() +
           hours.count() + (int)fraction.count() + frames.count() +
           moment.time_since_epoch().count() + since_boot.time_since_epoch().count());
}

__attribute__((noinline)) static void synchronisation(void)
{
    std::mutex held;
    held.lock();
    std::mutex free;
    std::recursive_mutex recursive;
    recursive.lock();
    recursive.lock();
    std::thread none;
    std::thread::id nobody;
    std::unique_lock<std::mutex> lock(free, std::defer_lock);
    crash();
    (void)(none.joinable() + (nobody == std::thread::id()) + lock.owns_lock());
}

// A container whose bytes are not what they should be.
template <typename T> union Damaged {
    T whole;
    long words[sizeof(T) / sizeof(long)];
    Damaged() : words{} {}
    ~Damaged() {}
};

__attribute__((noinline)) static void damage(void)
{
    int three[3] = {1, 2, 3};
    Damaged<std::vector<int>> backwards;
    backwards.words[0] = (long)(three + 3);
    backwards.words[1] = backwards.words[2] = (long)three;
    std::vector<int> *to_backwards = &backwards.whole;
    // Three elements readable at the end of a page, and a billion promised.
    Damaged<std::vector<int>> unmapped;
    unmapped.words[0] = 0x10000;
    unmapped.words[1] = unmapped.words[2] = 0x10000 + 4000000000;
    std::vector<int> *to_unmapped = &unmapped.whole;
    std::list<int> looped = {1, 2, 3};
    struct Node {
        Node *next, *previous;
        int value;
    };
    Node *first = (Node *)&*looped.begin();
    first = (Node *)((char *)first - 2 * sizeof(void *));
    first->next->next = first->next;
    std::forward_list<int> forward = {1, 2};
    struct Link {
        Link *next;
    };
    Link *link = (Link *)((char *)&*forward.begin() - sizeof(void *));
    link->next->next = link;
    std::map<int, int> tree = {{1, 2}, {3, 4}, {5, 6}};
    ((long *)((char *)&*tree.begin()))[-1] = 0x30;
    Damaged<std::string> text;
    text.words[0] = 0x10000;
    text.words[1] = 1 << 30;
    std::string *to_text = &text.whole;
    crash();
    (void)(to_backwards->size() + to_unmapped->size() + tree.size() + to_text->size());
}

int main(int argc, char **argv)
{
    const std::string part = argc > 1 ? argv[1] : "texts";
    if (part == "texts")
        texts();
    if (part == "sequences")
        sequences();
    if (part == "associations")
        associations();
    if (part == "wrappers")
        wrappers();
    if (part == "times")
        times();
    if (part == "synchronisation")
        synchronisation();
    if (part == "damage")
        damage();
    return 0;
}
