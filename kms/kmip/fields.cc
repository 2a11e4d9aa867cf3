#include "kms/kmip/fields.h"

namespace keytrail::kmip {

std::optional<ttlv::ItemView> FieldReader::optional_item(Tag tag) {
  if (failure_) return std::nullopt;
  if (reading_ == Reading::kLenient) {
    for (ttlv::Children all(structure_); !all.empty(); all.pop_front()) {
      if (all.front().tag() == tag) return all.front();
    }
    return std::nullopt;
  }
  skip_extensions();
  if (rest_.empty() || rest_.front().tag() != tag) return std::nullopt;
  if (!exists(structure_.tag(), tag, version_)) {
    complain(tag_name(tag) + " does not exist in KMIP " + version_text(version_));
    return std::nullopt;
  }
  const ttlv::ItemView item = rest_.front();
  rest_.pop_front();
  return item;
}

std::optional<ttlv::ItemView> FieldReader::required_item(Tag tag) {
  std::optional<ttlv::ItemView> item = optional_item(tag);
  if (!item) complain(tag_name(structure_.tag()) + " lacks its " + tag_name(tag));
  return item;
}

void FieldReader::password(SecretBytes& field) {
  const std::optional<ttlv::ItemView> item = optional_item(Tag::kPassword);
  if (item && has_type(*item, ttlv::ItemType::kTextString)) {
    field = SecretBytes::copy_of(item->value());
  }
}

void FieldReader::refuse(Tag tag, ResultReason reason, std::string_view what) {
  for (ttlv::Children all(structure_); !all.empty(); all.pop_front()) {
    if (all.front().tag() == tag) check(Failure{reason, std::string(what) + " are not supported"});
  }
}

std::optional<Failure> FieldReader::finish() {
  if (reading_ == Reading::kStrict && !failure_) {
    skip_extensions();
    if (!rest_.empty()) {
      complain(tag_name(structure_.tag()) + " has no place for " + tag_name(rest_.front().tag()) +
               " there");
    }
  }
  return std::move(failure_);
}

void FieldReader::read(const ttlv::ItemView& item, std::int32_t& field) {
  if (has_type(item, ttlv::ItemType::kInteger)) field = item.integer();
}
void FieldReader::read(const ttlv::ItemView& item, bool& field) {
  if (has_type(item, ttlv::ItemType::kBoolean)) field = item.boolean();
}
void FieldReader::read(const ttlv::ItemView& item, std::string& field) {
  if (has_type(item, ttlv::ItemType::kTextString)) field = item.text();
}
void FieldReader::read(const ttlv::ItemView& item, Bytes& field) {
  if (has_type(item, ttlv::ItemType::kByteString)) field = to_bytes(item.value());
}
void FieldReader::read(const ttlv::ItemView& item, SecretBytes& field) {
  if (has_type(item, ttlv::ItemType::kByteString)) field = SecretBytes::copy_of(item.value());
}
void FieldReader::read(const ttlv::ItemView& item, ttlv::DateTime& field) {
  if (has_type(item, ttlv::ItemType::kDateTime)) field.seconds = item.date_time();
}
void FieldReader::read(const ttlv::ItemView& item, ttlv::Enumeration& field) {
  if (has_type(item, ttlv::ItemType::kEnumeration)) field.number = item.enumeration();
}

bool FieldReader::has_type(const ttlv::ItemView& item, ttlv::ItemType type) {
  if (item.type() == type) return true;
  complain(tag_name(item.tag()) + " is not of type " + ttlv::type_name(type));
  return false;
}

void FieldReader::skip_extensions() {
  while (!rest_.empty() && is_extension(rest_.front().tag())) rest_.pop_front();
}

void FieldReader::complain(std::string message) {
  if (!failure_) failure_ = Failure{ResultReason::kInvalidMessage, std::move(message)};
}

}  // namespace keytrail::kmip
