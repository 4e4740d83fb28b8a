// The library of library_classes.cc. Build: c++ -g -fPIC -shared.
#include "library_classes.h"

struct Hidden {
    int secret = 42;
    const char *why = "because";
};

Shape::Shape() : hidden(new Hidden) {}
Shape::~Shape() {}
int Shape::corners() { return 0; }

namespace ns {

template <int N>
struct Polygon : Shape {
    double side = 2.5;
    int marks[N] = {7};
    int corners() override { return N; }
};

}  // namespace ns

Shape *make_shape() { return new ns::Polygon<4>; }
