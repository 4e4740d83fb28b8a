// Build: c++ -g -O0 -std=c++17 boost.cc -o boost
// Template-heavy C++ as large products write it: a Spirit grammar, a multi_index table, a
// variant with a visitor, a regular expression; an uncaught exception ends it. More than
// 100,000 DIEs in one compile unit. Needs Debian's libboost-dev.
#include <boost/multi_index/hashed_index.hpp>
#include <boost/multi_index/member.hpp>
#include <boost/multi_index/ordered_index.hpp>
#include <boost/multi_index_container.hpp>
#include <boost/spirit/include/phoenix.hpp>
#include <boost/spirit/include/qi.hpp>
#include <boost/variant.hpp>
#include <functional>
#include <map>
#include <memory>
#include <regex>
#include <stdexcept>
#include <string>
#include <vector>

namespace qi = boost::spirit::qi;
namespace mi = boost::multi_index;

struct Entry {
    std::string name;
    int weight;
};

struct by_name {};
struct by_weight {};
using Table = mi::multi_index_container<
    Entry, mi::indexed_by<
               mi::hashed_unique<mi::tag<by_name>,
                                    mi::member<Entry, std::string, &Entry::name>>,
               mi::ordered_non_unique<mi::tag<by_weight>,
                                         mi::member<Entry, int, &Entry::weight>>>>;
using Value = boost::variant<int, double, std::string, std::vector<int>>;

template <typename Iterator>
struct Calculator : qi::grammar<Iterator, int(), qi::space_type> {
    Calculator() : Calculator::base_type(sum)
    {
        sum = product[qi::_val = qi::_1] >> *('+' >> product[qi::_val += qi::_1]);
        product = factor[qi::_val = qi::_1] >> *('*' >> factor[qi::_val *= qi::_1]);
        factor = qi::int_ | '(' >> sum >> ')';
    }
    qi::rule<Iterator, int(), qi::space_type> sum, product, factor;
};

struct Describe : boost::static_visitor<std::string> {
    std::string operator()(int number) const { return std::to_string(number); }
    std::string operator()(double number) const { return std::to_string(number); }
    std::string operator()(const std::string &text) const { return text; }
    std::string operator()(const std::vector<int> &list) const
    {
        throw std::runtime_error("no description of " + std::to_string(list.size()));
    }
};

static int calculate(const std::string &text)
{
    Calculator<std::string::const_iterator> calculator;
    int result = 0;
    auto first = text.begin();
    qi::phrase_parse(first, text.end(), calculator, qi::space, result);
    return result;
}

static std::string describe_all(const Table &table, const std::vector<Value> &values)
{
    std::string all;
    const auto &weights = table.get<by_weight>();
    for (const Value &value : values)
        all += boost::apply_visitor(Describe(), value);
    return all + std::to_string(weights.size());
}

int main()
{
    Table table;
    table.insert({"one", calculate("1 + 2 * (3 + 4)")});
    table.insert({"two", 2});
    std::regex pattern("([a-z]+)=(\\d+)");
    std::vector<Value> values{1, 2.5, std::string("text"), std::vector<int>{1, 2, 3}};
    std::function<std::string(const Table &, const std::vector<Value> &)> callable =
        describe_all;
    return static_cast<int>(callable(table, values).size()) + std::regex_match("a=1", pattern);
}
