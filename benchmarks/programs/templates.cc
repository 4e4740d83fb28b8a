// Build: c++ -g -O0 -std=c++17 templates.cc -o templates
// Template-heavy C++: containers in containers, regex, std::function, variant, visitors;
// an uncaught exception ends it. About 40,000 DIEs in one compile unit with -g.
#include <algorithm>
#include <chrono>
#include <deque>
#include <functional>
#include <future>
#include <iostream>
#include <list>
#include <map>
#include <memory>
#include <numeric>
#include <optional>
#include <random>
#include <regex>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <variant>
#include <vector>

using Value = std::variant<int, double, std::string, std::vector<std::string>>;
using Table = std::map<std::string, std::unordered_map<std::string, Value>>;

template <typename... Parts>
std::tuple<Parts...> parse(const std::string &text)
{
    std::smatch match;
    std::regex pattern("([a-z]+)=(\\d+);?");
    std::regex_search(text, match, pattern);
    return std::tuple<Parts...>{};
}

template <int Depth>
struct Visitor {
    template <typename Callable>
    static auto visit(Table &table, const Callable &callable, std::size_t level)
    {
        std::vector<std::pair<std::string, int>> path;
        path.emplace_back("level", Depth);
        return Visitor<Depth - 1>::visit(table, callable, level + path.size());
    }
};

template <>
struct Visitor<0> {
    template <typename Callable>
    static auto visit(Table &table, const Callable &callable, std::size_t level)
    {
        return callable(table, level);
    }
};

static std::size_t inspect(Table &table, std::size_t level)
{
    auto found = table.find("missing");
    std::optional<std::string> name;
    if (found == table.end())
        throw std::runtime_error("no such table at level " + std::to_string(level));
    return found->second.size();
}

int main()
{
    Table table;
    table["first"]["one"] = 1;
    table["first"]["text"] = std::string("hello");
    table["second"]["list"] = std::vector<std::string>{"a", "b"};
    auto parsed = parse<int, double, std::string>("answer=42;");
    std::function<std::size_t(Table &, std::size_t)> callable = inspect;
    auto shared = std::make_shared<std::set<std::string>>();
    shared->insert("key");
    std::deque<std::unique_ptr<int>> queue;
    queue.push_back(std::make_unique<int>(std::get<0>(parsed)));
    return static_cast<int>(Visitor<12>::visit(table, callable, shared->size()));
}
