// A C extension that calls Python back, and one that crashes.

#include <Python.h>

static PyObject *crash(PyObject *module, PyObject *argument)
{
	volatile int *nothing = NULL;

	(void)module;
	(void)argument;
	*nothing = 1;
	return NULL;
}

static PyObject *call(PyObject *module, PyObject *function)
{
	(void)module;
	return PyObject_CallFunction(function, "i", 42);
}

static PyMethodDef methods[] = {
	{"crash", crash, METH_O, NULL},
	{"call", call, METH_O, NULL},
	{NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {
	.m_base = PyModuleDef_HEAD_INIT, .m_name = "crasher", .m_methods = methods
};

PyMODINIT_FUNC PyInit_crasher(void)
{
	return PyModule_Create(&definition);
}
