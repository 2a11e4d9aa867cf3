// Tiles: the Merkle tree in files of 256 hashes, in C2SP's tlog-tiles layout.
//
//   tile/<level>/<index>[.p/<width>]     level 0: leaves; level n: roots of full tiles of level n-1
//   tile/entries/<index>[.p/<width>]     the facts themselves: u16 big-endian length, stamp, body
// An index is written in groups of three digits, all but the last with an x: x001/x234/067. Any
// proof can be made from tiles alone. Values; pure; any thread.
#pragma once

#include <functional>
#include <string>

#include "bus/proof/merkle.h"

namespace keytrail::proof {

inline constexpr unsigned kTileHeight = 8;
inline constexpr std::uint64_t kTileWidth = 256;
inline constexpr unsigned kTileLevelsMax = 8;

struct TileName {
  unsigned level = 0;  // of the hashes; not used for entries
  bool is_entries = false;
  std::uint64_t index = 0;
  std::uint64_t width = kTileWidth;  // below kTileWidth: a partial tile
  bool operator==(const TileName&) const = default;
};
// "tile/0/x001/067.p/112".
[[nodiscard]] std::string path_of(const TileName& tile);
// kInvalid: it is not the one way to write a tile's path.
[[nodiscard]] Result<TileName> tile_from(std::string_view path);

// How many hashes the tile has in a tree of `size` leaves; 0: it is not there.
[[nodiscard]] std::uint64_t width_in(std::uint64_t size, unsigned level, std::uint64_t index);

// Gives the hashes of a tile, 32 bytes each.
using ReadTile = std::function<Result<Bytes>(const TileName& tile)>;
// The hashes of full subtrees of the tree of `size` leaves, from its tiles.
[[nodiscard]] SubtreeHashes over_tiles(std::uint64_t size, ReadTile read);

// The root over the hashes of a full subtree. REQUIRES: a power of two of them, 32 bytes each.
[[nodiscard]] Hash root_of_hashes(ByteView hashes);

}  // namespace keytrail::proof
