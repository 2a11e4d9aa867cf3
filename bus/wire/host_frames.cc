#include "bus/wire/host_channel.h"

namespace keytrail::wire {

namespace {

// Reads pieces until the bytes are used up; the first bad one makes everything bad.
class PieceReader {
 public:
  explicit PieceReader(ByteView bytes) : rest_(bytes) {}

  [[nodiscard]] bool at_end() const { return rest_.empty() || bad_; }
  [[nodiscard]] bool bad() const { return bad_; }

  ByteView piece() {
    if (rest_.size() < 2) return fail();
    const std::size_t length =
        static_cast<std::size_t>(rest_[0]) | static_cast<std::size_t>(rest_[1]) << 8;
    if (length > kHostPieceBytesMax || rest_.size() - 2 < length) return fail();
    const ByteView bytes = rest_.subspan(2, length);
    rest_ = rest_.subspan(2 + length);
    return bytes;
  }
  std::string text() { return std::string(as_text(piece())); }

 private:
  ByteView fail() {
    bad_ = true;
    return {};
  }
  ByteView rest_;
  bool bad_ = false;
};

void append_piece(Bytes& out, ByteView bytes) {
  KEYTRAIL_CHECK(bytes.size() <= kHostPieceBytesMax);
  out.push_back(static_cast<std::uint8_t>(bytes.size() & 0xff));
  out.push_back(static_cast<std::uint8_t>(bytes.size() >> 8));
  out.insert(out.end(), bytes.begin(), bytes.end());
}

const Error kMalformed{ErrorCode::kInvalid, "malformed message on the host channel"};

}  // namespace

Bytes encode_keys(const std::vector<KeyId>& keys) {
  Bytes out;
  for (const KeyId& key : keys) {
    append_piece(out, as_bytes(key.provider));
    append_piece(out, as_bytes(key.id));
  }
  return out;
}

Result<std::vector<KeyId>> decode_keys(ByteView bytes) {
  std::vector<KeyId> keys;
  PieceReader reader(bytes);
  while (!reader.at_end()) {
    if (keys.size() >= kWantedKeysMax) return kMalformed;
    KeyId key;
    key.provider = reader.text();
    key.id = reader.text();
    keys.push_back(std::move(key));
  }
  if (reader.bad()) return kMalformed;
  return keys;
}

Bytes encode_sealed_keys(const std::vector<SealedKey>& keys) {
  Bytes out;
  for (const SealedKey& key : keys) {
    append_piece(out, as_bytes(key.key.provider));
    append_piece(out, as_bytes(key.key.id));
    append_piece(out, key.encapsulation);
    append_piece(out, key.ciphertext);
    append_piece(out, as_bytes(std::string_view(key.detail).substr(0, kHostPieceBytesMax)));
  }
  return out;
}

Result<std::vector<SealedKey>> decode_sealed_keys(ByteView bytes) {
  std::vector<SealedKey> keys;
  PieceReader reader(bytes);
  while (!reader.at_end()) {
    if (keys.size() >= kWantedKeysMax) return kMalformed;
    SealedKey key;
    key.key.provider = reader.text();
    key.key.id = reader.text();
    key.encapsulation = to_bytes(reader.piece());
    key.ciphertext = to_bytes(reader.piece());
    key.detail = reader.text();
    keys.push_back(std::move(key));
  }
  if (reader.bad()) return kMalformed;
  return keys;
}

}  // namespace keytrail::wire
