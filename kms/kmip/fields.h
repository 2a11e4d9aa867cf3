// Fields: each structure of the protocol described once, written and read from the same lines.
//
//   template <class Fields>
//   void describe(Fields& fields, Of<Fields, GetRequest>& x) {
//     fields.optional(Tag::kUniqueIdentifier, x.id);
//     fields.optional(Tag::kKeyFormatType, x.format);
//   }
//
// FieldWriter writes what exists in the message's version. FieldReader fills in; its first
// complaint stays, the rest is passed over, so a description needs no error handling.
//   strict   (a server's)  fields in the standard's order, none unknown but vendors' extensions
//   lenient  (a client's)  any order, unknown items are passed over
// Internal to kms/kmip.
#pragma once

#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "kms/kmip/attributes.h"
#include "kms/kmip/failure.h"
#include "kms/kmip/ttlv.h"
#include "kms/kmip/version.h"

namespace keytrail::kmip {

// `const T` when writing, `T` when reading.
template <class Fields, class T>
using Of = typename Fields::template Of<T>;

class FieldWriter {
 public:
  static constexpr bool kReads = false;
  template <class T>
  using Of = const T;

  FieldWriter(ttlv::Writer& writer, Tag structure, ProtocolVersion version)
      : writer_(writer), structure_(structure), version_(version) {}
  [[nodiscard]] ProtocolVersion version() const { return version_; }

  template <class T>
  void required(Tag tag, const T& field) {
    if (exists(structure_, tag, version_)) write(tag, field);
  }
  template <class T>
  void optional(Tag tag, const std::optional<T>& field) {
    if (field) required(tag, *field);
  }
  template <class T>
  void defaulted(Tag tag, const T& field, const T& absent) {
    if (field != absent) required(tag, field);
  }
  template <class T>
  void list(Tag tag, const std::vector<T>& fields) {
    for (const T& field : fields) {
      if constexpr (std::is_same_v<T, Attribute>) {
        if (!attribute_exists(field.name, version_)) continue;
      }
      required(tag, field);
    }
  }
  void ignored(Tag) {}

  template <class Body>
  void required_nested(Tag tag, Body body) {
    writer_.begin(tag);
    FieldWriter inner(writer_, tag, version_);
    body(inner);
    writer_.end();
  }
  template <class Body>
  void optional_nested(Tag tag, bool wanted, Body body) {
    if (wanted) required_nested(tag, std::move(body));
  }

  // A secret that the protocol has as a text string; left out if empty.
  void password(const SecretBytes& field) {
    if (!field.empty()) writer_.text(Tag::kPassword, as_text(field.read(SecretAccess())));
  }

  template <class T, class Variant>
  const T& alternative(const Variant& variant) {
    KEYTRAIL_CHECK(std::holds_alternative<T>(variant));
    return *std::get_if<T>(&variant);
  }
  void check(const std::optional<Failure>& failure) { KEYTRAIL_CHECK(!failure); }

 private:
  void write(Tag tag, std::int32_t value) { writer_.integer(tag, value); }
  void write(Tag tag, bool value) { writer_.boolean(tag, value); }
  void write(Tag tag, const std::string& value) { writer_.text(tag, value); }
  void write(Tag tag, const Bytes& value) { writer_.bytes(tag, value); }
  void write(Tag tag, const SecretBytes& value) { writer_.bytes(tag, value.read(SecretAccess())); }
  void write(Tag tag, ttlv::DateTime value) { writer_.date_time(tag, value.seconds); }
  void write(Tag tag, ttlv::Enumeration value) { writer_.enumeration(tag, value.number); }
  void write(Tag tag, const ttlv::Value& value) { ttlv::write(writer_, tag, value); }
  template <class T>
  void write(Tag tag, const T& value) {
    if constexpr (std::is_enum_v<T>) {
      writer_.enumeration(tag, static_cast<std::uint32_t>(value));
    } else {
      required_nested(tag, [&value](FieldWriter& inner) { describe(inner, value); });
    }
  }

  ttlv::Writer& writer_;
  Tag structure_;
  ProtocolVersion version_;
};

enum class Reading { kStrict, kLenient };

class FieldReader {
 public:
  static constexpr bool kReads = true;
  template <class T>
  using Of = T;

  FieldReader(const ttlv::ItemView& structure, ProtocolVersion version, Reading reading)
      : structure_(structure), rest_(structure), version_(version), reading_(reading) {}
  [[nodiscard]] bool is_strict() const { return reading_ == Reading::kStrict; }
  [[nodiscard]] ProtocolVersion version() const { return version_; }

  template <class T>
  void required(Tag tag, T& field) {
    if (const auto item = required_item(tag)) read(*item, field);
  }
  template <class T>
  void optional(Tag tag, std::optional<T>& field) {
    if (const auto item = optional_item(tag)) read(*item, field.emplace());
  }
  template <class T>
  void defaulted(Tag tag, T& field, const T& absent) {
    field = absent;
    if (const auto item = optional_item(tag)) read(*item, field);
  }
  template <class T>
  void list(Tag tag, std::vector<T>& fields) {
    each(tag, [&](const ttlv::ItemView& item) { read(item, fields.emplace_back()); });
  }
  void ignored(Tag tag) {
    each(tag, [](const ttlv::ItemView&) {});
  }

  template <class Body>
  void required_nested(Tag tag, Body body) {
    if (const auto item = required_item(tag)) nested(*item, std::move(body));
  }
  template <class Body>
  void optional_nested(Tag tag, bool, Body body) {
    if (const auto item = optional_item(tag)) nested(*item, std::move(body));
  }
  // The item as it is.
  std::optional<ttlv::ItemView> required_item(Tag tag);
  std::optional<ttlv::ItemView> optional_item(Tag tag);

  template <class T, class Variant>
  T& alternative(Variant& variant) {
    return variant.template emplace<T>();
  }
  void password(SecretBytes& field);
  // Complains if the structure has the item, wherever.
  void refuse(Tag tag, ResultReason reason, std::string_view what);
  // Takes over a complaint that the bytes' form alone does not give.
  void check(std::optional<Failure> failure) {
    if (!failure_ && failure) failure_ = std::move(failure);
  }

  // The first complaint, of what is left over at last.
  [[nodiscard]] std::optional<Failure> finish();

 private:
  void read(const ttlv::ItemView& item, std::int32_t& field);
  void read(const ttlv::ItemView& item, bool& field);
  void read(const ttlv::ItemView& item, std::string& field);
  void read(const ttlv::ItemView& item, Bytes& field);
  void read(const ttlv::ItemView& item, SecretBytes& field);
  void read(const ttlv::ItemView& item, ttlv::DateTime& field);
  void read(const ttlv::ItemView& item, ttlv::Enumeration& field);
  void read(const ttlv::ItemView& item, ttlv::Value& field) { field = ttlv::value_of(item); }
  template <class T>
  void read(const ttlv::ItemView& item, T& field) {
    if constexpr (std::is_enum_v<T>) {
      ttlv::Enumeration number;
      read(item, number);
      field = static_cast<T>(number.number);
    } else {
      nested(item, [&field](FieldReader& inner) { describe(inner, field); });
    }
  }

  template <class Body>
  void nested(const ttlv::ItemView& item, Body body) {
    if (!has_type(item, ttlv::ItemType::kStructure)) return;
    FieldReader inner(item, version_, reading_);
    body(inner);
    check(inner.finish());
  }

  template <class Each>
  void each(Tag tag, Each visit) {
    if (reading_ == Reading::kStrict) {
      while (const auto item = optional_item(tag)) visit(*item);
      return;
    }
    for (ttlv::Children all(structure_); !all.empty(); all.pop_front()) {
      if (all.front().tag() == tag) visit(all.front());
    }
  }

  bool has_type(const ttlv::ItemView& item, ttlv::ItemType type);
  void skip_extensions();
  void complain(std::string message);

  ttlv::ItemView structure_;
  ttlv::Children rest_;  // Strict: what is not read yet.
  ProtocolVersion version_;
  Reading reading_;
  std::optional<Failure> failure_;
};

}  // namespace keytrail::kmip
