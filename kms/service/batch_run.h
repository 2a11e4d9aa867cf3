// BatchRun: one batch being decided, item after item, on its draft. The inside of RequestDecider.
//
// Threads: one; lives for one decision.
#pragma once

#include "kms/kmip/messages.h"
#include "kms/model/draft.h"
#include "kms/model/refusal.h"
#include "kms/service/leaf_blocks.h"
#include "kms/service/material_store.h"
#include "kms/service/request_decider.h"

namespace keytrail::kms {

// Locates of one batch that look through a client's objects: all are decided in one go, while every
// other client waits.
inline constexpr std::size_t kBatchSearchesMax = 16;

class BatchRun {
 public:
  struct Services {
    MaterialStore& materials;
    LeafBlocks& leaves;
    bool record_reads = false;
    std::size_t items_bytes_max = 0;  // of the items' outcomes together, encoded
  };

  BatchRun(Draft draft, const Client& client, KmipWork& work, const kmip::RequestMessage& message,
           Services services);

  // The items' outcomes, encoded, in order; fewer than asked where the batch stopped: at a failure,
  // for want of leaves, or because it became too much.
  [[nodiscard]] std::vector<SecretBytes> run();

  [[nodiscard]] const Draft& draft() const { return draft_; }
  [[nodiscard]] bool needs_leaves() const { return needs_leaves_; }
  // Why the batch cannot be recorded, or answered, as one: to be refused as a whole.
  [[nodiscard]] const std::optional<Refusal>& too_much() const { return too_much_; }

  // Drops everything that was recorded, and records that the batch as a whole is refused.
  void refuse_all(const Refusal& refusal);

 private:
  using Payload = Decided<kmip::ResponsePayload>;

  [[nodiscard]] Payload run(const kmip::RequestItem& item);
  [[nodiscard]] Payload run(const kmip::DiscoverVersionsRequest& request);
  [[nodiscard]] Payload run(const kmip::QueryRequest& request);
  [[nodiscard]] Payload run(const kmip::CreateRequest& request);
  [[nodiscard]] Payload run(const kmip::RegisterRequest& request);
  [[nodiscard]] Payload run(const kmip::GetRequest& request);
  [[nodiscard]] Payload run(const kmip::GetAttributesRequest& request);
  [[nodiscard]] Payload run(const kmip::GetAttributeListRequest& request);
  [[nodiscard]] Payload run(const kmip::AddAttributeRequest& request);
  [[nodiscard]] Payload run(const kmip::LocateRequest& request);
  [[nodiscard]] Payload run(const kmip::ActivateRequest& request);
  [[nodiscard]] Payload run(const kmip::RevokeRequest& request);
  [[nodiscard]] Payload run(const kmip::DestroyRequest& request);

  // Sets object_ to the identifier meant; a refusal if none is.
  [[nodiscard]] std::optional<Refusal> resolve(const kmip::ObjectId& given);
  // Makes and seals the material of the running item, once. Refuses where this replica cannot seal,
  // or has no leaf (needs_leaves).
  template <class MakeMaterial>
  [[nodiscard]] Decided<const PreparedMaterial*> prepare(const NewObject& object,
                                                         MakeMaterial make);
  [[nodiscard]] Decided<const keyring::Material*> material_of(const Object& object);
  void note_read();
  [[nodiscard]] SecretBytes encoded(std::size_t item,
                                    decltype(kmip::ResponseItem::outcome) outcome) const;
  void undo(std::vector<SecretBytes>& done);
  [[nodiscard]] std::optional<Refusal> excess_of(const std::vector<SecretBytes>& done) const;

  Draft draft_;
  const Client& client_;
  KmipWork& work_;
  const kmip::RequestMessage& message_;
  Services services_;

  std::size_t item_ = 0;
  std::uint32_t operation_ = 0;  // of the running item
  std::string object_;           // that the running item is about
  std::string placeholder_;
  std::size_t searches_ = 0;
  bool needs_leaves_ = false;
  std::optional<Refusal> too_much_;
};

}  // namespace keytrail::kms
