#include "kms/service/batch_run.h"

#include <algorithm>
#include <set>

#include "bus/events/match.h"
#include "kms/crypto/fingerprint.h"
#include "kms/model/destroy.h"
#include "kms/model/get_attributes.h"
#include "kms/service/authorship.h"
#include "kms/service/object_attributes.h"
#include "kms/service/request_translation.h"
#include "kms/service/server_information.h"

namespace keytrail::kms {
namespace {

constexpr std::uint32_t kFingerprintedBitsMin = 128;

// Digests are worked out of opened material: only where somebody asks.
bool wants_digest(const std::vector<std::string>& names) {
  return names.empty() ||
         std::find(names.begin(), names.end(), kmip::attribute::kDigest) != names.end();
}

// This replica's trouble, not the object's: another may do it, and so may this one later.
Refusal cannot_now(const std::string& what, const Error& error) {
  return {.reason = static_cast<Reason>(kmip::ResultReason::kGeneralFailure),
          .message = "This replica cannot " + what + " now; ask another replica.",
          .detail = error.detail};
}

Refusal too_many_searches() {
  return {.reason = Reason::kInvalidMessage,
          .message = "One batch searches at most " + std::to_string(kBatchSearchesMax) +
                     " times; send smaller batches.",
          .detail = {}};
}

Refusal cannot_be_opened(const Error& error) {
  if (error.code != ErrorCode::kNotFound && error.code != ErrorCode::kCorrupt) {
    return cannot_now("open the object's material", error);
  }
  return {.reason = Reason::kIllegalOperation,
          .message = "The object's material cannot be opened on this server.",
          .detail = error.detail};
}

}  // namespace

BatchRun::BatchRun(Draft draft, const Client& client, KmipWork& work,
                   const kmip::RequestMessage& message, Services services)
    : draft_(std::move(draft)),
      client_(client),
      work_(work),
      message_(message),
      services_(services) {}

std::vector<SecretBytes> BatchRun::run() {
  std::vector<SecretBytes> done;
  bool ends = false;
  for (item_ = 0; item_ < message_.items.size() && !ends; ++item_) {
    operation_ = static_cast<std::uint32_t>(message_.items[item_].operation);
    object_.clear();
    Payload payload = run(message_.items[item_]);
    if (needs_leaves_) break;
    if (const Refusal* refusal = refusal_in(payload)) {
      placeholder_.clear();  // What was to fill it did not come to be.
      if (message_.header.continuation == kmip::BatchErrorContinuation::kUndo) undo(done);
      record_refusal(draft_, operation_, object_, client_.name, *refusal);
      done.push_back(encoded(item_, to_failure(*refusal)));
      ends = message_.header.continuation != kmip::BatchErrorContinuation::kContinue;
    } else {
      done.push_back(encoded(item_, std::get<kmip::ResponsePayload>(std::move(payload))));
    }
    // Looked at on the way: a small request may ask for more than there is memory.
    too_much_ = excess_of(done);
    ends = ends || too_much_.has_value();
  }
  return done;
}

SecretBytes BatchRun::encoded(std::size_t item,
                              decltype(kmip::ResponseItem::outcome) outcome) const {
  const kmip::RequestItem& asked = message_.items[item];
  return kmip::encode_item(
      {.operation = asked.operation, .batch_id = asked.batch_id, .outcome = std::move(outcome)},
      message_.header.version);
}

// All that were done had succeeded: the first failure ends such a batch.
void BatchRun::undo(std::vector<SecretBytes>& done) {
  draft_ = draft_.undone();
  for (std::size_t item = 0; item < done.size(); ++item) done[item] = encoded(item, kmip::Undone{});
}

std::optional<Refusal> BatchRun::excess_of(const std::vector<SecretBytes>& done) const {
  std::size_t bytes = 0;
  for (const SecretBytes& item : done) bytes += item.size();
  if (bytes > services_.items_bytes_max) {
    return Refusal{.reason = static_cast<Reason>(kmip::ResultReason::kResponseTooLarge),
                   .message =
                       "The answer is larger than the Maximum Response Size, or than this server "
                       "gives; nothing was done.",
                   .detail = {}};
  }
  if (fits_a_unit(draft_)) return std::nullopt;
  return Refusal{
      .reason = Reason::kInvalidMessage,
      .message = "The batch touches more than can be recorded as one; send smaller batches.",
      .detail = {}};
}

void BatchRun::refuse_all(const Refusal& refusal) {
  draft_ = Draft(draft_.state(), draft_.scope(), draft_.now());
  (void)draft_.cluster();
  (void)draft_.client(client_.name);
  record_refusal(draft_, static_cast<std::uint32_t>(message_.items.front().operation), {},
                 client_.name, refusal);
}

BatchRun::Payload BatchRun::run(const kmip::RequestItem& item) {
  if (const auto* failure = std::get_if<kmip::Failure>(&item.content)) return to_refusal(*failure);
  return std::visit([this](const auto& request) { return run(request); },
                    std::get<kmip::RequestPayload>(item.content));
}

BatchRun::Payload BatchRun::run(const kmip::DiscoverVersionsRequest& request) {
  return discover(request);
}

BatchRun::Payload BatchRun::run(const kmip::QueryRequest& request) {
  note_read();
  return query(request, message_.header.version);
}

BatchRun::Payload BatchRun::run(const kmip::CreateRequest& request) {
  Decided<CreateKey> translated = translate(request);
  if (const Refusal* refusal = refusal_in(translated)) return *refusal;
  auto& command = std::get<CreateKey>(translated);
  if (auto refusal = check(command)) return *refusal;
  const std::size_t key_bytes =
      key_bytes_of(command.key.algorithm, command.key.length_bits).value();
  const auto prepared = prepare(command.key, [&] { return work_.entropy.key(item_, key_bytes); });
  if (const Refusal* refusal = refusal_in(prepared)) return *refusal;
  const PreparedMaterial& material = *std::get<const PreparedMaterial*>(prepared);
  command.key.object = material.object;
  command.key.sealed = material.sealed;
  const auto made = decide(draft_, client_, std::move(command));
  if (const Refusal* refusal = refusal_in(made)) return *refusal;
  placeholder_ = material.object;
  return kmip::CreateResponse{
      .type = kmip::ObjectType::kSymmetricKey, .id = material.object, .attributes = {}};
}

BatchRun::Payload BatchRun::run(const kmip::RegisterRequest& request) {
  Decided<RegisterObject> translated = translate(request);
  if (const Refusal* refusal = refusal_in(translated)) return *refusal;
  auto& command = std::get<RegisterObject>(translated);
  if (auto refusal = check(command)) return *refusal;
  const auto prepared =
      prepare(command.object, [&] { return kmip::material_of(request.object).clone(); });
  if (const Refusal* refusal = refusal_in(prepared)) return *refusal;
  const PreparedMaterial& material = *std::get<const PreparedMaterial*>(prepared);
  command.object.object = material.object;
  command.object.sealed = material.sealed;
  const auto made = decide(draft_, client_, std::move(command));
  if (const Refusal* refusal = refusal_in(made)) return *refusal;
  placeholder_ = material.object;
  return kmip::RegisterResponse{.id = material.object, .attributes = {}};
}

BatchRun::Payload BatchRun::run(const kmip::GetRequest& request) {
  if (auto refusal = resolve(request.id)) return *refusal;
  const auto translated = translate(request, object_);
  if (const Refusal* refusal = refusal_in(translated)) return *refusal;
  const auto got = decide(draft_, client_, std::get<Get>(translated));
  if (const Refusal* refusal = refusal_in(got)) return *refusal;
  const auto& released = std::get<Released>(got);
  const auto material = material_of(*released.object);
  if (const Refusal* refusal = refusal_in(material)) return *refusal;
  return kmip::GetResponse{
      .type = to_kmip(released.object->type),
      .id = object_,
      .object = managed_object(*released.object, released.format,
                               std::get<const keyring::Material*>(material)->bytes)};
}

BatchRun::Payload BatchRun::run(const kmip::GetAttributesRequest& request) {
  if (auto refusal = resolve(request.id)) return *refusal;
  const auto found = decide(draft_, client_, GetAttributes{object_});
  if (const Refusal* refusal = refusal_in(found)) return *refusal;
  AttributeSource source{.object = *std::get<Described>(found).object, .now = draft_.now()};
  if (wants_digest(request.names) && !is_destroyed(source.object)) {
    const auto material = material_of(source.object);
    if (const Refusal* refusal = refusal_in(material)) return *refusal;
    source.digest = &std::get<const keyring::Material*>(material)->digest;
  }
  kmip::GetAttributesResponse response{.id = object_, .attributes = {}};
  const kmip::ProtocolVersion version = message_.header.version;
  const std::vector<std::string> names =
      request.names.empty() ? attribute_names(source, version) : request.names;
  std::set<std::string_view> told;
  for (const std::string& name : names) {
    if (!told.insert(name).second) continue;  // Asked for twice.
    if (!kmip::attribute_exists(name, version)) continue;
    for (kmip::Attribute& attribute : attribute_of(source, name)) {
      response.attributes.push_back(std::move(attribute));
    }
  }
  note_read();
  return response;
}

BatchRun::Payload BatchRun::run(const kmip::GetAttributeListRequest& request) {
  if (auto refusal = resolve(request.id)) return *refusal;
  const auto found = decide(draft_, client_, GetAttributes{object_});
  if (const Refusal* refusal = refusal_in(found)) return *refusal;
  AttributeSource source{.object = *std::get<Described>(found).object, .now = draft_.now()};
  const SecretBytes any_digest(sizeof(Hash));  // Only names are told: whether there is one.
  if (!is_destroyed(source.object)) source.digest = &any_digest;
  note_read();
  return kmip::GetAttributeListResponse{.id = object_,
                                        .names = attribute_names(source, message_.header.version)};
}

BatchRun::Payload BatchRun::run(const kmip::AddAttributeRequest& request) {
  if (auto refusal = resolve(request.id)) return *refusal;
  auto translated = translate(request, object_);
  if (const Refusal* refusal = refusal_in(translated)) return *refusal;
  const auto given = decide(draft_, client_, std::get<AddAttribute>(std::move(translated)));
  if (const Refusal* refusal = refusal_in(given)) return *refusal;
  kmip::Attribute attribute = request.attribute;
  attribute.index = static_cast<std::int32_t>(std::get<AttributeGiven>(given).index);
  return kmip::AddAttributeResponse{.id = object_, .attribute = std::move(attribute)};
}

BatchRun::Payload BatchRun::run(const kmip::LocateRequest& request) {
  const auto translated = translate(request);
  if (const Refusal* refusal = refusal_in(translated)) return *refusal;
  const auto& wanted = std::get<Locate>(translated);
  if (searches(wanted) && ++searches_ > kBatchSearchesMax) return too_many_searches();
  Located located = decide(draft_, client_, wanted);
  placeholder_ = located.objects.size() == 1 ? located.objects.front() : std::string();
  note_read();
  kmip::LocateResponse response;
  response.located_items = static_cast<std::int32_t>(located.total);
  response.ids = std::move(located.objects);
  return response;
}

BatchRun::Payload BatchRun::run(const kmip::ActivateRequest& request) {
  if (auto refusal = resolve(request.id)) return *refusal;
  const auto activated = decide(draft_, client_, Activate{object_});
  if (const Refusal* refusal = refusal_in(activated)) return *refusal;
  return kmip::ActivateResponse{object_};
}

BatchRun::Payload BatchRun::run(const kmip::RevokeRequest& request) {
  if (auto refusal = resolve(request.id)) return *refusal;
  const auto revoked = decide(draft_, client_, translate(request, object_));
  if (const Refusal* refusal = refusal_in(revoked)) return *refusal;
  return kmip::RevokeResponse{object_};
}

BatchRun::Payload BatchRun::run(const kmip::DestroyRequest& request) {
  if (auto refusal = resolve(request.id)) return *refusal;
  const auto destroyed = decide(draft_, client_, Destroy{object_});
  if (const Refusal* refusal = refusal_in(destroyed)) return *refusal;
  return kmip::DestroyResponse{object_};
}

std::optional<Refusal> BatchRun::resolve(const kmip::ObjectId& given) {
  auto meant = identifier(given, placeholder_);
  if (const Refusal* refusal = refusal_in(meant)) return *refusal;
  object_ = std::get<std::string>(std::move(meant));
  return std::nullopt;
}

template <class MakeMaterial>
Decided<const PreparedMaterial*> BatchRun::prepare(const NewObject& object, MakeMaterial make) {
  const auto before = work_.prepared.find(item_);
  if (before != work_.prepared.end()) return &before->second;
  const std::optional<std::uint64_t> leaf = services_.leaves.take();
  if (!leaf) {
    needs_leaves_ = true;
    return Refusal{};
  }
  PreparedMaterial prepared{
      .object = work_.entropy.identifier(item_), .sealed = {}, .material = with_digest(make())};
  auto sealed = services_.materials.seal(prepared.object, *leaf, work_.entropy.nonce(item_),
                                         prepared.material);
  // Nothing is kept of it but that the leaf is spent. (Its block may have to be read from a file.)
  if (!sealed) return cannot_now("seal the object's material", sealed.error());
  prepared.sealed = std::move(*sealed);
  if (object.type == ObjectType::kSymmetricKey && object.length_bits >= kFingerprintedBitsMin) {
    prepared.sealed.fingerprint =
        to_bytes(crypto::key_fingerprint(prepared.material.bytes, prepared.object));
  }
  return &work_.prepared.emplace(item_, std::move(prepared)).first->second;
}

Decided<const keyring::Material*> BatchRun::material_of(const Object& object) {
  for (const auto& [item, prepared] : work_.prepared) {
    if (prepared.object == object.id) return &prepared.material;  // Made in this very batch.
  }
  auto material = services_.materials.material(object);
  if (!material) return cannot_be_opened(material.error());
  return *material;
}

void BatchRun::note_read() {
  if (!services_.record_reads) return;
  draft_.record(ReadRecorded{.operation = operation_, .object = object_, .client = client_.name});
}

}  // namespace keytrail::kms
