// An object of a library's class behind a pointer to its base, then a write to address 8.
// Build: c++ -g -o library_classes library_classes.cc library.so
#include "library_classes.h"

__attribute__((noinline)) int crash(Shape *shape, Shape &same)
{
    *(volatile int *)8 = shape->id;
    return shape->corners() + same.corners();
}

int main()
{
    Shape *shape = make_shape();
    return crash(shape, *shape);
}
