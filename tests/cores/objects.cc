// C++ objects behind pointers to their bases, members of every kind, bit-fields, wide
// numbers; then a write to address 8.
// Build: c++ -std=gnu++20 -DHALF=_Float16 -g -O0 (and -O2) -o objects objects.cc
#include <cstdio>
#include <string>
#include <iostream>
#include <complex>
struct Animal { virtual ~Animal() {} virtual int legs() const { return 0; } int weight = 7; };
struct Named { virtual ~Named() {} std::string name = "rex"; virtual void speak() {} };
struct Dog : Animal, Named { int legs() const override { return 4; } void speak() override {} int tail = 30; };
namespace { struct Puppy : Dog { double age = 0.5; enum class Mood { Calm, Wild } mood = Mood::Wild; }; }
struct VBase { int v = 11; virtual ~VBase() {} };
struct A1 : virtual VBase { int a = 1; };
struct B1 : virtual VBase { int b = 2; };
struct Diamond : A1, B1 { int d = 3; };
template <class T, unsigned N> struct Box : Animal { T items[N] = {}; };
template <class T> struct Holder : Animal { T held{}; };
struct Plain { int x = 1; };
struct Node { Animal *a; Node *next; };
union Weird { int i; float f; };
struct Bits { unsigned a:3; int b:5; bool c:1; unsigned long long d:40; enum E { X, Y=3 } e:3; signed char s:2; };
struct Anon { int k; union { int i; float f; struct { short lo, hi; }; }; };
typedef int (*Callback)(int);
int twice(int x) { return 2 * x; }
struct Methods { int data = 1; virtual int vf(int) { return 1; } int nf(int) { return 2; } virtual ~Methods(){} };
struct Derived2 : Methods { int extra = 2; };
__attribute__((noinline)) int crash(Animal *pa, Named *pn, Named &rn, VBase *pv, B1 *pb, const Animal &ra, Node *list, Animal *boxed, Animal *held, Animal &&rr)
{
    Callback cb = twice;
    int (Methods::*pmv)(int) = &Methods::vf;
    int (Methods::*pmn)(int) = &Methods::nf;
    int Methods::*pmd = &Methods::data;
    int Methods::*pnull = nullptr;
    int (Methods::*pfnull)(int) = nullptr;
    int (Derived2::*pmdv)(int) = &Derived2::vf;
    Bits bits{5, -7, true, 123456789012ull, Bits::Y, -1};
    Anon anon{1, {2}};
    std::complex<double> z(1.5, -2);
    _Complex float cf = 1.0f + 2.0jf;
    __int128 big = -((__int128)1 << 100); unsigned __int128 ubig = ~(unsigned __int128)0;
    __float128 q = 1.25; long double ld = 3.25L; HALF h = 1.5;
    char8_t *none = nullptr; char16_t c16 = u'\u00e9'; char32_t c32 = U'\U0001F600'; char8_t c8 = u8'x';
    wchar_t w = L'z';
    bool weird; *(unsigned char *)&weird = 7;
    std::nullptr_t np = nullptr;
    std::ostream *os = &std::cout;
    Plain plain, *pplain = &plain;
    Methods *pm = new Derived2;
    int n = *((unsigned char*)&n) % 3 + 3; 
    int vla[n]; for (int i = 0; i < n; i++) vla[i] = i * i;
    int m2[2][3] = {{1,2,3},{4,5,6}};
    const char *text = "hi"; const char raw[4] = {'a','b','c','d'};
    volatile int *p = (int *)8;
    *p = 1;
    return vla[0] + cb(1) + (pm->*pmv)(1) + m2[0][0] + bits.a + anon.k + (int)z.real() + (int)big + (int)ubig + (int)q + (int)ld + (int)h + c16 + c32 + c8 + w + weird + plain.x + raw[0] + *text + (none==np) + (os==0) + pplain->x + (pmd==pnull) + (pmn==pfnull) + (pmdv != nullptr) + (int)__real__ cf;
}
int main()
{
    Puppy puppy; Diamond diamond; Box<unsigned long, 3> box; Holder<std::string> holder; holder.held = "held";
    Node second{&puppy, nullptr}, first{&box, &second}; second.next = &first;
    return crash(&puppy, &puppy, puppy, &diamond, &diamond, puppy, &first, &box, &holder, static_cast<Animal &&>(puppy));
}
