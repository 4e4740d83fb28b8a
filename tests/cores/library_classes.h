// What library_classes.cc calls: the classes behind it are known to the library alone.
struct Hidden;

struct Shape {
    Shape();
    virtual ~Shape();
    virtual int corners();
    int id = 1;
    Hidden *hidden;
};

Shape *make_shape();
