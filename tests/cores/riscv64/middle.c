// Built without any call frame information.
int outer(int number);

__attribute__((noinline)) int middle(int number)
{
    volatile int filler[3000];
    filler[number] = number;
    return outer(number) + filler[number];
}
