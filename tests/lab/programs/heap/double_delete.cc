// Two caches believe that they own the same texture: the second one's destructor runs
// over freed memory, and frees what it finds there.
//
// must: use-after-free|double-free memory.read
// may: double-free use-after-free invalid-free memory.unmapped invalid-pointer
//     call-contract
// never: null heap.overflow pure-virtual exception.uncaught
// unfound: block what the destructor freed was another pointer than the block
// function: forget
// only: glibc
#include <map>
#include <string>
#include "lab.h"

struct Texture {
	std::string name;
	unsigned char pixels[200] = {};
};

struct Cache {
	std::map<int, Texture *> textures;
	APART void forget(int key)
	{
		delete textures[key];
		textures.erase(key);
	}
};

int main()
{
	Cache near, far;

	for (int i = 0; i < 10; i++)
		near.textures[i] = new Texture{"t" + std::to_string(i)};
	far.textures[70] = near.textures[7];
	tell_block("free", near.textures[7], sizeof(Texture));
	near.forget(7);
	far.forget(70);
	return 0;
}
