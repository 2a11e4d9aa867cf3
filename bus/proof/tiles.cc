#include "bus/proof/tiles.h"

#include <algorithm>
#include <bit>

#include "bus/secret/text.h"

namespace keytrail::proof {

namespace {

constexpr std::uint64_t kGroup = 1000;
constexpr std::string_view kTop = "tile/";
constexpr std::string_view kEntries = "entries";
constexpr std::string_view kPartial = ".p/";

std::string three_digits(std::uint64_t number) {
  const std::string digits = std::to_string(number);
  return std::string(3 - digits.size(), '0') + digits;
}

std::string index_path(std::uint64_t index) {
  std::string path = three_digits(index % kGroup);
  for (index /= kGroup; index > 0; index /= kGroup) {
    path = "x" + three_digits(index % kGroup) + "/" + path;
  }
  return path;
}

std::string_view take_piece(std::string_view& path) {
  const std::size_t slash = std::min(path.find('/'), path.size());
  const std::string_view piece = path.substr(0, slash);
  path.remove_prefix(std::min(slash + 1, path.size()));
  return piece;
}

// Digits in groups, without a look at whether they are written the one way.
bool take_index(std::string_view path, std::uint64_t& index) {
  constexpr std::size_t kGroupsMax = 6;  // 10^18 tiles
  index = 0;
  for (std::size_t groups = 0; !path.empty(); ++groups) {
    std::string_view piece = take_piece(path);
    if (piece.starts_with('x')) piece.remove_prefix(1);
    const auto digits = parse_decimal<std::uint64_t>(piece);
    if (groups == kGroupsMax || !digits || *digits >= kGroup) return false;
    index = index * kGroup + *digits;
  }
  return true;
}

}  // namespace

std::string path_of(const TileName& tile) {
  const std::string level = tile.is_entries ? std::string(kEntries) : std::to_string(tile.level);
  std::string path = std::string(kTop) + level + "/" + index_path(tile.index);
  if (tile.width < kTileWidth) path += std::string(kPartial) + std::to_string(tile.width);
  return path;
}

Result<TileName> tile_from(std::string_view path) {
  const Error none{ErrorCode::kInvalid, "this is not the path of a tile: tile/<level>/<index>"};
  const std::string_view whole = path;
  if (!path.starts_with(kTop)) return none;
  path.remove_prefix(kTop.size());
  TileName tile;
  const std::string_view level = take_piece(path);
  tile.is_entries = level == kEntries;
  if (!tile.is_entries) {
    const auto number = parse_decimal<unsigned>(level);
    if (!number || *number >= kTileLevelsMax) return none;
    tile.level = *number;
  }
  if (const std::size_t partial = path.find(kPartial); partial != std::string_view::npos) {
    tile.width = parse_decimal<std::uint64_t>(path.substr(partial + kPartial.size())).value_or(0);
    if (tile.width == 0 || tile.width >= kTileWidth) return none;
    path = path.substr(0, partial);
  }
  if (!take_index(path, tile.index)) return none;
  // One name for each tile, so that nothing is cached or hidden under a second one.
  if (path_of(tile) != whole) return none;
  return tile;
}

std::uint64_t width_in(std::uint64_t size, unsigned level, std::uint64_t index) {
  const std::uint64_t hashes = size >> (kTileHeight * level);
  if (index > hashes / kTileWidth) return 0;
  return std::min(kTileWidth, hashes - index * kTileWidth);
}

SubtreeHashes over_tiles(std::uint64_t size, ReadTile read) {
  return [size, read = std::move(read)](unsigned level, std::uint64_t index) -> Result<Hash> {
    const unsigned tile_level = level / kTileHeight;
    const std::uint64_t count = std::uint64_t{1} << (level % kTileHeight);
    const std::uint64_t first = index * count;
    const TileName tile{.level = tile_level,
                        .is_entries = false,
                        .index = first / kTileWidth,
                        .width = width_in(size, tile_level, first / kTileWidth)};
    const Bytes hashes = TRY(read(tile));
    const std::uint64_t offset = first % kTileWidth;
    if (hashes.size() != tile.width * sizeof(Hash) || offset + count > tile.width) {
      return Error{ErrorCode::kCorrupt, path_of(tile) + " does not hold what its name says"};
    }
    return root_of_hashes(ByteView(hashes).subspan(offset * sizeof(Hash), count * sizeof(Hash)));
  };
}

Hash root_of_hashes(ByteView hashes) {
  KEYTRAIL_CHECK(hashes.size() % sizeof(Hash) == 0 &&
                 std::has_single_bit(hashes.size() / sizeof(Hash)));
  std::vector<Hash> level(hashes.size() / sizeof(Hash));
  for (std::size_t i = 0; i < level.size(); ++i) {
    std::copy_n(hashes.data() + i * sizeof(Hash), sizeof(Hash), level[i].begin());
  }
  for (; level.size() > 1; level.resize(level.size() / 2)) {
    for (std::size_t i = 0; i < level.size() / 2; ++i) {
      level[i] = node_of(level[2 * i], level[2 * i + 1]);
    }
  }
  return level.front();
}

}  // namespace keytrail::proof
