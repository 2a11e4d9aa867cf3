// KeyServers: a small KMIP cluster that a test plays: several TLS servers over one set of keys,
// which can be slow to replicate, of different vendors, or refuse.
//
// Each server has a thread; the set of keys has a mutex.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "bus/secret/random.h"
#include "kms/kmip/certificate.h"
#include "kms/kmip/messages.h"
#include "kms/service/kmip_server.h"
#include "vcenter/service/work.h"

namespace keytrail::vcenter::test {

class KeyServers {
 public:
  struct Key {
    std::string name;
    Bytes material;
    bool is_active = false;
    std::string made_on;
  };

  // Starts one more server.
  void add(const std::string& name, const std::string& vendor = "Keytrail") {
    auto server = std::make_unique<Server>(*this, name, vendor);
    server->start();
    servers_.emplace(name, std::move(server));
  }
  void stop(const std::string& name) { servers_.erase(name); }

  // As vCenter's log would have it, with the certificates pinned.
  [[nodiscard]] ProviderAccess access(const std::vector<std::string>& names,
                                      const std::string& credential) {
    ProviderAccess access{.provider = "prod", .credential = credential};
    for (const std::string& name : names) {
      access.servers.push_back({name, "127.0.0.1", ports_.at(name)});
      access.trusted[name] = fingerprints_.at(name);
    }
    return access;
  }
  [[nodiscard]] Hash fingerprint(const std::string& name) const { return fingerprints_.at(name); }

  std::map<std::string, Key> keys() {
    const std::lock_guard lock(mutex_);
    return keys_;
  }
  // This server does not see keys that were made on others.
  void isolate(const std::string& name) {
    const std::lock_guard lock(mutex_);
    isolated_.insert(name);
  }
  std::vector<std::string> operations() {
    const std::lock_guard lock(mutex_);
    return operations_;
  }

 private:
  class Server final : public kms::KmipRequestHandler {
   public:
    Server(KeyServers& all, std::string name, std::string vendor)
        : all_(all), name_(std::move(name)), vendor_(std::move(vendor)) {}

    void start() {
      const SecretBytes key = kmip::make_private_key().value();
      const std::string certificate =
          kmip::make_self_signed(key, {.common_name = name_,
                                       .ip_addresses = {"127.0.0.1"},
                                       .not_before_seconds = 1'500'000'000,
                                       .not_after_seconds = 4'000'000'000})
              .value();
      all_.fingerprints_[name_] = kmip::certificate_fingerprint(certificate).value();
      auto tls = kmip::make_server_context({certificate, key.clone()});
      server_ = kms::KmipServer::start({.port = 0}, std::move(tls).value(), *this).value();
      KEYTRAIL_CHECK(server_->open_listener().ok());
      all_.ports_[name_] = server_->port();
    }

    void on_request(kms::ConnectionId connection, const kms::Peer& peer,
                    SecretBytes bytes) override {
      const auto decoded = kmip::decode_request(bytes.read(SecretAccess{}));
      const auto* request = std::get_if<kmip::RequestMessage>(&decoded);
      KEYTRAIL_CHECK(request != nullptr);
      kmip::ResponseMessage response{kmip::answer_header(request->header, 1'700'000'000), {}};
      for (const kmip::RequestItem& item : request->items) {
        response.items.push_back({item.operation, item.batch_id, {}});
        auto& outcome = response.items.back().outcome;
        const auto* payload = std::get_if<kmip::RequestPayload>(&item.content);
        if (payload == nullptr) {
          outcome = std::get<kmip::Failure>(item.content);
        } else if (!peer.certificate_fingerprint.has_value()) {
          outcome = kmip::Failure{kmip::ResultReason::kAuthenticationNotSuccessful, "who are you?"};
        } else {
          std::visit([&](const auto& p) { outcome = serve(p); }, *payload);
        }
      }
      server_->respond(connection, kmip::encode_response(response));
    }
    void on_closed(kms::ConnectionId) override {}
    void on_refused(const kms::Peer&, const std::string&) override {}

   private:
    using Outcome = std::variant<kmip::ResponsePayload, kmip::Failure, kmip::Undone>;

    Outcome serve(const kmip::DiscoverVersionsRequest&) {
      return kmip::ResponsePayload(kmip::DiscoverVersionsResponse{{kmip::kVersion1_4}});
    }
    Outcome serve(const kmip::QueryRequest&) {
      kmip::QueryResponse response;
      response.vendor = vendor_;
      return kmip::ResponsePayload(std::move(response));
    }
    Outcome serve(const kmip::LocateRequest& request) {
      const std::lock_guard lock(all_.mutex_);
      kmip::LocateResponse response;
      const auto name = kmip::name_from(request.attributes.at(0).value);
      for (const auto& [id, key] : all_.keys_) {
        if (name.has_value() && key.name == name->value && sees(key)) response.ids.push_back(id);
      }
      return kmip::ResponsePayload(std::move(response));
    }
    Outcome serve(const kmip::CreateRequest& request) {
      const std::lock_guard lock(all_.mutex_);
      all_.operations_.push_back("Create on " + name_);
      const std::string id = "key-" + std::to_string(++all_.made_);
      Key key{.material = Bytes(32, static_cast<std::uint8_t>(all_.made_)), .made_on = name_};
      for (const kmip::Attribute& one : request.attributes) {
        if (one.name == kmip::attribute::kName) key.name = kmip::name_from(one.value)->value;
      }
      all_.keys_.emplace(id, key);
      return kmip::ResponsePayload(kmip::CreateResponse{.id = id});
    }
    Outcome serve(const kmip::GetAttributesRequest& request) {
      const std::lock_guard lock(all_.mutex_);
      const auto key = find(request.id);
      if (key == all_.keys_.end()) return not_found();
      const std::uint32_t state = key->second.is_active ? 2 : 1;
      return kmip::ResponsePayload(kmip::GetAttributesResponse{
          key->first, {{std::string(kmip::attribute::kState), 0, kmip::ttlv::Enumeration{state}}}});
    }
    Outcome serve(const kmip::ActivateRequest& request) {
      const std::lock_guard lock(all_.mutex_);
      const auto key = find(request.id);
      if (key == all_.keys_.end()) return not_found();
      all_.operations_.push_back("Activate on " + name_);
      key->second.is_active = true;
      return kmip::ResponsePayload(kmip::ActivateResponse{key->first});
    }
    Outcome serve(const kmip::GetRequest& request) {
      const std::lock_guard lock(all_.mutex_);
      const auto key = find(request.id);
      if (key == all_.keys_.end()) return not_found();
      all_.operations_.push_back("Get on " + name_);
      kmip::SymmetricKey object;
      object.block.material = SecretBytes::copy_of(key->second.material);
      object.block.algorithm = kmip::CryptographicAlgorithm::kAes;
      object.block.length = 256;
      return kmip::ResponsePayload(kmip::GetResponse{kmip::ObjectType::kSymmetricKey, key->first,
                                                     kmip::ManagedObject(std::move(object))});
    }
    Outcome serve(const kmip::DestroyRequest& request) {
      const std::lock_guard lock(all_.mutex_);
      const auto key = find(request.id);
      if (key == all_.keys_.end()) return not_found();
      const std::string id = key->first;
      all_.operations_.push_back("Destroy on " + name_);
      all_.keys_.erase(key);
      return kmip::ResponsePayload(kmip::DestroyResponse{id});
    }
    template <class Other>
    Outcome serve(const Other&) {
      return kmip::Failure{kmip::ResultReason::kOperationNotSupported, "not here"};
    }

    bool sees(const Key& key) const {
      return key.made_on == name_ || !all_.isolated_.contains(name_);
    }
    std::map<std::string, Key>::iterator find(const kmip::ObjectId& id) {
      const auto found = all_.keys_.find(id.value_or(""));
      return found != all_.keys_.end() && sees(found->second) ? found : all_.keys_.end();
    }
    static Outcome not_found() {
      return kmip::Failure{kmip::ResultReason::kItemNotFound, "no such key"};
    }

    KeyServers& all_;
    const std::string name_;
    const std::string vendor_;
    std::unique_ptr<kms::KmipServer> server_;
  };

  std::mutex mutex_;
  std::map<std::string, Key> keys_;
  int made_ = 0;
  std::set<std::string> isolated_;
  std::vector<std::string> operations_;
  std::map<std::string, std::uint16_t> ports_;
  std::map<std::string, Hash> fingerprints_;
  std::map<std::string, std::unique_ptr<Server>> servers_;
};

}  // namespace keytrail::vcenter::test
