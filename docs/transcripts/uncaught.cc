// An index that is one too large, found by at() and caught by nobody.
#include <map>
#include <string>
#include <vector>

using Table = std::map<std::string, std::vector<int>>;

static int pick(const Table &table, const std::string &name, std::size_t index)
{
    return table.at(name).at(index);
}

int main()
{
    Table table{{"one", {1}}, {"three", {1, 2, 3}}};
    int sum = 0;
    for (const auto &[name, numbers] : table)
        sum += pick(table, name, numbers.size());
    return sum;
}
