// std::sort with a comparison that is true both ways runs off the array's start.
//
// must: memory.read
// may: memory.unmapped noncanonical invalid-pointer heap.overflow call-contract
//     memory.write null* use-after-free
// never: double-free stack-overflow exception.uncaught
// function: rank
// build: -g -O0
#include <algorithm>
#include <vector>
#include "lab.h"

struct Player {
	const int *score;
	char name[24];
};

APART static void rank(std::vector<Player> &players)
{
	std::sort(players.begin(), players.end(), [](const Player &a, const Player &b) {
		return *a.score >= *b.score;
	});
}

int main()
{
	static const int score = 7;
	std::vector<Player> players(40, {&score, "player"});

	rank(players);
	return players[0].score[0];
}
