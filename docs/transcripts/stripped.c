// A program without symbols and without debug information.
#include <stdlib.h>

struct session {
    char *name;
    int length;
};

__attribute__((noinline)) static int measure(struct session *session)
{
    int length = 0;
    while (session->name[length] != '\0')
        length++;
    session->length = length;
    return length;
}

__attribute__((noinline)) static int begin(struct session *session)
{
    return measure(session) + 1;
}

int main(int argc, char **argv)
{
    struct session *session = calloc(1, sizeof *session);
    if (argc > 1)
        session->name = argv[1];
    return begin(session);
}
