/* rude.c: a library without a cell, which closes its worker's socket while it is being loaded. */
#include <unistd.h>

__attribute__((constructor)) static void close_socket(void) { close(3); }
