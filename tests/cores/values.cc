// Every kind of C++ value, then a write to address 8.
// Build: c++ -std=c++17 -g -O0 (and -O2) -o values_cc values.cc
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace shapes {

enum class Kind : std::uint8_t { Circle = 1, Square = 2 };

struct Named {
    std::string name;
};

class Base {
public:
    explicit Base(int id) : id_(id) {}
    virtual ~Base() = default;
    virtual double area() const { return 0; }
    int id_;
    static int count;
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

template <typename T, int N>
class Square : public Base {
public:
    Square(int id, T side) : Base(id), side_(side) {}
    double area() const override;
    T side_;
    T cells_[N] = {};
};

namespace {

struct Hidden {
    int secret;
    int reveal(int *where) const;
};

__attribute__((noinline)) int Hidden::reveal(int *where) const
{
    volatile int local = secret + 1;
    *where = local;
    return local;
}

}  // namespace

template <typename T, int N>
__attribute__((noinline)) double Square<T, N>::area() const
{
    Hidden hidden{id_};
    auto twice = [&](int factor) { return hidden.reveal((int *)8) * factor + N; };
    return twice(2) * static_cast<double>(side_);
}

__attribute__((noinline)) double visit(const Base &base, std::vector<int> &&moved,
                                       int Base::*member, double (Base::*method)() const)
{
    Both both;
    both.name = "both";
    Kind kind = Kind::Square;
    std::nullptr_t null = nullptr;
    const std::string &label = both.name;
    Left *left = &both;
    std::map<std::string, int> counts{{"one", 1}, {"two", 2}};
    std::unique_ptr<int> owned(new int(42));
    wchar_t wide[4] = L"abc";
    char16_t utf16[4] = u"xyz";
    double result = (base.*method)() + base.*member + moved[0] + *owned;
    return result + counts.size() + label.size() + left->left + wide[0] + utf16[0] +
           (null == nullptr) + static_cast<int>(kind);
}

}  // namespace shapes

int main(int argc, char **)
{
    shapes::Square<long, 3> square(argc, 4);
    square.cells_[1] = 9;
    std::vector<int> numbers{1, 2, 3};
    return static_cast<int>(shapes::visit(square, std::move(numbers), &shapes::Base::id_,
                                          &shapes::Base::area));
}
