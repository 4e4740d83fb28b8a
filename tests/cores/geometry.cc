// Types of a project that has printers of its own, then a write to address 8.
// Build: c++ -g -O0 -o geometry geometry.cc
namespace geometry {

struct Point {
    int x, y;
};

template <typename T> struct Stack {
    T *first;
    unsigned int used, room;
};

struct Named : Point {
    const char *name;
};

} // namespace geometry

int main(void)
{
    geometry::Point corner = {3, 4};
    int numbers[] = {7, 8, 9};
    geometry::Stack<int> filled = {numbers, 2, 3};
    geometry::Stack<int> broken = {numbers, 5, 3};
    geometry::Named place = {{5, 6}, "somewhere"};
    geometry::Point *to_corner = &corner;
    *(volatile int *)8 = 1;
    return filled.used + broken.used + place.x + to_corner->y;
}
