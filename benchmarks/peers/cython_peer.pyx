# cython: boundscheck=False, wraparound=False
import numpy as np


def dot(const double[::1] x, const double[::1] y):
    cdef Py_ssize_t i, n = x.shape[0]
    cdef double total = 0.0
    if y.shape[0] != n:
        raise ValueError("x and y differ in length")
    with nogil:
        for i in range(n):
            total += x[i] * y[i]
    return total


def weighted(const double[::1] x, const double[::1] y, double a):
    cdef Py_ssize_t i, n = x.shape[0]
    cdef double total = 0.0
    if y.shape[0] != n:
        raise ValueError("x and y differ in length")
    with nogil:
        for i in range(n):
            total += x[i] * y[i]
    return a * total


def add(const double[::1] x, const double[::1] y):
    cdef Py_ssize_t i, n = x.shape[0]
    if y.shape[0] != n:
        raise ValueError("x and y differ in length")
    result = np.empty(n)
    cdef double[::1] out = result
    with nogil:
        for i in range(n):
            out[i] = x[i] + y[i]
    return result
