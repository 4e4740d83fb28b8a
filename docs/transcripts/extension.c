// A Python extension that forgets what getattr may return.
#define PY_SSIZE_T_CLEAN
#include <Python.h>

static PyObject *area(PyObject *self, PyObject *shape)
{
    (void)self;
    PyObject *width = PyObject_GetAttrString(shape, "width");
    PyObject *height = PyObject_GetAttrString(shape, "height");
    return PyNumber_Multiply(width, (PyObject *)Py_TYPE(height)->tp_base);
}

static PyMethodDef methods[] = {
    {"area", area, METH_O, "Width times height."},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef module = {
    PyModuleDef_HEAD_INIT, "extension", NULL, -1, methods, NULL, NULL, NULL, NULL,
};

PyMODINIT_FUNC PyInit_extension(void)
{
    return PyModule_Create(&module);
}
