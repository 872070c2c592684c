/* behaves.h: what the cell of the tests of workers can do. */
#ifndef HOTPLATE_TESTS_BEHAVES_H
#define HOTPLATE_TESTS_BEHAVES_H

enum {
    ANSWER,
    STOP_WHEN_ASKED, /* then answer */
    LOOP,
    DIE,
    EXIT,
    CLOSE_SOCKET, /* and these answer, if they can */
    CLOSE_SOCKET_AND_PAUSE,
    CLOSE_ALL_AND_PAUSE,
    REPLACE_SOCKET,
    RETURN_TWICE,
    LEAVE_CHILD,
    END_THREAD,
    SPOIL_PAGE,
    TALK,
    FAIL
};

#endif
